"""An output that must be told where to look is written with it, and becomes an argument of the right call."""

import pytest

from agents.program import Call, Turn, completed, contrasted
from tools import get_tool

TOOLS = {"solve_dc_opf": get_tool("solve_dc_opf")}


def written(*answers: str, calls: str = "a", **arguments: object) -> Turn:
    given = [Call(name=n, tool="solve_dc_opf", arguments={"grid": "case30", **arguments}) for n in calls]
    return completed(Turn(calls=given, answers=list(answers)), TOOLS)


def test_a_look_becomes_an_argument_of_its_call() -> None:
    turn = written("a.watched_price[8]", "a.watched_flow_mw[6-8]", "a.cost")
    assert turn.answers == ["a.watched_price", "a.watched_flow_mw", "a.cost"]
    (call,) = turn.calls
    assert call.arguments == {"grid": "case30", "watch_bus": 8, "watch_line": "6-8"}


def test_two_looks_of_one_case_are_two_calls_that_differ_in_nothing_else() -> None:
    turn = written("a.watched_price[5] - a.watched_price[10]", load_scale=1.1)
    assert turn.answers == ["a.watched_price - b.watched_price"]
    assert [c.arguments.pop("watch_bus") for c in turn.calls] == [5, 10]
    assert turn.calls[0].arguments == turn.calls[1].arguments == {"grid": "case30", "load_scale": 1.1}


def test_the_same_look_twice_is_one_call() -> None:
    turn = written("a.watched_price[5]", "a.watched_price[5] * 2")
    assert (len(turn.calls), turn.answers) == (1, ["a.watched_price", "a.watched_price * 2"])


def test_two_cases_are_looked_at_in_one_place() -> None:
    cases = [Call(name=n, tool="solve_dc_opf", arguments={"load_scale": s}) for n, s in (("a", 1.1), ("b", 0.9))]
    turn = completed(Turn(calls=cases, answers=["a.watched_price[5] - b.watched_price[5]"]), TOOLS)
    assert [c.arguments["watch_bus"] for c in turn.calls] == [5, 5]
    assert turn.answers == ["a.watched_price - b.watched_price"]


def test_what_makes_no_sense_is_left_for_the_checks_to_find() -> None:
    nonsense = ("a.cost[5]", "z.watched_price[5]")
    assert written(*nonsense).answers == list(nonsense)
    twins = Turn(calls=[Call(name="a", tool="solve_dc_opf", arguments={})] * 2, answers=["a.watched_price[5]"])
    assert completed(twins, TOOLS) == twins


def test_a_case_compared_with_itself_is_compared_with_the_one_without_its_condition() -> None:
    def cases(answer: str, task: str = "what does it add?", **conditions: object) -> list[dict[str, object]]:
        calls = [Call(name=n, tool="solve_dc_opf", arguments={"grid": "case30", **conditions}) for n in "ab"]
        turn = contrasted(Turn(calls=calls, answers=[answer]), TOOLS, task)
        return [c.arguments for c in completed(turn, TOOLS).calls]

    base, changed = {"grid": "case30"}, {"grid": "case30", "load_scale": 1.35}
    assert cases("a.cost - b.cost", load_scale=1.35) == [changed, base]
    assert cases("a.cost - b.cost", load_scale=1.35, outages=[]) == [
        {**changed, "outages": []},
        {**base, "outages": []},
    ]
    looks = {"watch_bus": 8}
    assert cases("a.watched_price[8] - b.watched_price[8]", load_scale=1.35) == [changed | looks, base | looks]
    for answer in ("a.price_max - b.price_min", "a.cost"):  # nothing is compared with itself
        assert cases(answer, load_scale=1.35) == [changed, changed]
    both = changed | {"outages": ["6-8"]}
    assert cases("a.cost - b.cost", load_scale=1.35, outages=["6-8"]) == [both, both]
    assert [c["watch_bus"] for c in cases("a.watched_price[8] - b.watched_price[5]", load_scale=1.35)] == [8, 5]
    assert all(c["load_scale"] == 1.35 for c in cases("a.watched_price[8] - b.watched_price[5]", load_scale=1.35))
    two = ["8-5", "25-27"]
    assert [c["outages"] for c in cases("a.cost - b.cost", "dearer without 8-5 than without 25-27?", outages=two)] == [
        ["8-5"],
        ["25-27"],
    ]
    assert cases("a.cost - b.cost", outages=two) == [{**base, "outages": two}, base]


@pytest.mark.parametrize(
    ("task", "scales"),
    [
        ("shave 7 % off all loads: what is saved?", {"a": 0.93}),
        ("how much dearer is it if demand rises by 7 %?", {"b": 1.07}),
        ("people use seven per cent less; by how many percent would spending on it shrink?", {"a": 0.93}),
        ("the load is 7 % apart", {"a": 0.93, "b": 1.07}),  # no word says which way: left to the checks
        ("from 7 % less to 7 % more load", {"a": 0.93, "b": 1.07}),
    ],
)
def test_one_change_is_made_the_way_the_task_says(task: str, scales: dict[str, float]) -> None:
    calls = [
        Call(name=n, tool="solve_dc_opf", arguments={"grid": "case9", "load_scale": s})
        for n, s in (("a", 0.93), ("b", 1.07))
    ]
    turn = contrasted(Turn(calls=calls, answers=["b.cost - a.cost"]), TOOLS, task)
    assert {c.name: c.arguments["load_scale"] for c in turn.calls if "load_scale" in c.arguments} == scales
    assert all(c.arguments["grid"] == "case9" for c in turn.calls)
