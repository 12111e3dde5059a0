import re

from tools import all_tools
from ui.view.papers import papers


def test_there_are_42_papers_in_order_each_with_a_bar() -> None:
    rows = papers()
    assert [row.number for row in rows] == list(range(1, 43))
    assert all(row.title and row.bar for row in rows)


def test_the_first_is_the_engine_and_the_others_have_41_different_tools() -> None:
    engine, *others = papers()
    assert (engine.status, engine.tool) == ("engine", "")
    assert len({row.tool for row in others}) == 41
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", row.tool) for row in others)


def test_arxiv_numbers_are_well_formed() -> None:
    assert all(re.fullmatch(r"\d{4}\.\d{5}", row.arxiv) for row in papers())


def test_a_paper_is_ready_exactly_when_its_tool_is_there() -> None:
    found = all_tools()
    carried = {tool.paper for tool in found.values()}
    for row in papers()[1:]:
        assert (row.status == "ready") == (row.tool in found or row.number in carried)


def test_a_tool_of_a_paper_has_the_name_that_the_list_gives() -> None:
    names = {row.number: row.tool for row in papers()}
    for tool in all_tools().values():
        assert tool.paper is None or names[tool.paper] == tool.name


def test_a_search_finds_rows_that_hold_all_its_words() -> None:
    from ui.view.papers import matches

    found = [row.number for row in papers() if matches(row, "hamiltonian  IMAGES", "")]
    assert found == [9]
    assert not any(matches(row, "hamiltonian images", "planned") for row in papers() if row.status != "planned")


def test_a_measured_line_reads_with_its_target_its_spread_and_what_others_reached() -> None:
    from experiments.papers import Line
    from ui.view.papers import table_row

    line = Line("accuracy", 0.785, target=0.775, spread=0.011, seeds=3, paper=0.785, others={"QCNN": 0.7012})
    assert table_row(line) == ("accuracy", "0.785 ± 0.011 (3 seeds)", "≥ 0.775", "met", "0.785", "QCNN 0.7012")
    late = Line("time", 2.0, unit="ms", target=1.0, at_most=True)
    assert table_row(late) == ("time", "2 ms", "≤ 1", "missed", "", "")
