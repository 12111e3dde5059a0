"""The grids as published, and every trap in their data."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.contract import BadInput
from tools.power.dc_opf.files import OutsideWorkspace, grid_from_file
from tools.power.dc_opf.grid import Grid, NonConvexCost, grid_from_tables
from tools.power.dc_opf.matpower import read_matpower
from tools.power.dc_opf.names import (
    GRIDS,
    UnknownBus,
    UnknownGenerator,
    UnknownGrid,
    UnknownLine,
    find_bus,
    find_generator,
    find_line,
    grid_name,
)
from tools.power.dc_opf.network import IslandedNetwork, Network
from tools.power.dc_opf.shipped import shipped_grid

# read off MATPOWER's files: buses, lines, load [MW], some rows of the branch table
PUBLISHED: dict[str, tuple[int, int, float, dict[int, str]]] = {
    "case5": (5, 6, 1000.0, {1: "1-2", 3: "1-5", 6: "4-5"}),
    "case6ww": (6, 11, 210.0, {1: "1-2", 8: "3-5", 11: "5-6"}),
    "case9": (9, 9, 315.0, {1: "1-4", 5: "6-7", 9: "9-4"}),
    "case14": (14, 20, 259.0, {8: "4-7", 11: "6-11", 20: "13-14"}),
    "case24_ieee_rts": (24, 38, 2850.0, {8: "4-9", 20: "12-13", 38: "21-22"}),
    "case30": (30, 41, 189.2, {8: "5-7", 21: "16-17", 41: "6-28"}),
    "case_ieee30": (30, 41, 283.4, {8: "5-7", 21: "16-17", 41: "6-28"}),
    "case39": (39, 46, 6254.23, {8: "4-5", 24: "14-15", 46: "29-38"}),
    "case57": (57, 80, 1250.8, {8: "8-9", 41: "7-29", 80: "9-55"}),
    "case89pegase": (89, 210, 5727.89, {1: "3097-659", 106: "8181-8179", 210: "2154-5996"}),
    "case118": (118, 186, 4242.0, {8: "8-5", 94: "63-64", 186: "76-118"}),
    "case_illinois200": (200, 245, 2228.69, {8: "6-5", 123: "82-195", 245: "197-195"}),
    "case300": (300, 411, 23525.85, {1: "37-9001", 206: "133-168", 411: "7071-71"}),
    "case1354pegase": (1354, 1991, 73059.67, {1: "7351-5441", 996: "8707-280", 1991: "2919-4215"}),
    "case2869pegase": (2869, 4582, 132437.35, {1: "5147-3097", 2292: "2142-6842", 4582: "3007-4650"}),
    "case3120sp": (3120, 3693, 21181.48, {1: "9-11", 1847: "1702-1448", 3693: "37-41"}),
}

TWO_BUSES = """
function mpc = two_buses
mpc.version = '2';
mpc.baseMVA = 100;
%% a comment; [1 2 3]
mpc.bus = [
    1  3  0    0  0  0  1  1  0  230  1  1.1  0.9;
    20 1  100  0  0  0  1  1  0  230  1  1.1  0.9;  % far
];
mpc.gen = [
    1   0 0 0 0 1 100 1 200 0;
    20  0 0 0 0 1 100 1 200 0;
];
mpc.branch = [
    1  20  0  0.1  0  50  0  0  0  0  1  -360  360;
];
mpc.gencost = [
    2  0  0  2  10  5;
    2  0  0  2  30  7;
];
"""


def two_buses(**rows: list[list[float]]) -> Grid:
    """The grid above, with rows appended to its tables."""
    case: dict[str, Any] = read_matpower(TWO_BUSES)
    for table, more in rows.items():
        width = max(len(row) for row in [*more, case[table][0]])
        wide = [np.pad(row, (0, width - len(row))) for row in [*case[table], *np.array(more, dtype=float)]]
        case[table] = np.array(wide)
    return grid_from_tables("two_buses", case, np.arange(1, len(case["branch"]) + 1))


LINE = [1, 20, 0, 0.1, 0, 50, 0, 0, 0, 0, 1]
UNIT = [1, 0, 0, 0, 0, 1, 100, 1, 200, 0]
COST = [2, 0, 0, 2, 20, 0]


@pytest.mark.parametrize("name", GRIDS)
def test_buses_lines_and_rows_are_the_published_ones(name: str) -> None:
    grid = shipped_grid(name)
    buses, lines, load, rows = PUBLISHED[name]
    assert (len(grid.buses), len(grid.lines)) == (buses, lines)
    assert grid.load.sum() == pytest.approx(load, abs=1e-6)
    assert grid.rows.tolist() == list(range(1, lines + 1))
    assert {row: grid.lines[row - 1] for row in rows} == rows
    assert len(set(grid.lines)) == lines
    assert len(set(grid.generators)) == len(grid.generators)
    assert np.all(grid.cost[:, 0] >= 0)


def test_the_30_bus_grid_is_numbered_from_1_to_30_and_has_generators_where_published() -> None:
    grid = shipped_grid("case30")
    assert grid.buses.tolist() == list(range(1, 31))
    assert grid.generators == ("1", "2", "13", "22", "23", "27")
    assert grid.high.tolist() == [80, 80, 40, 50, 30, 55]


def test_bus_numbers_of_case300_have_their_gaps() -> None:
    buses = shipped_grid("case300").buses
    assert {1, 37, 526, 7049, 9001, 9533} <= set(buses.tolist())
    assert 6 + len(buses) < buses.max()


@pytest.mark.parametrize(("name", "limit"), [("case118", 198.0), ("case300", 990.0)])
def test_grids_rated_9900_MVA_everywhere_get_limits_that_may_bind_and_say_so(name: str, limit: float) -> None:  # noqa: N802
    grid = shipped_grid(name)
    assert set(grid.limit.tolist()) == {limit}
    assert any("9900" in note for note in grid.notes)


@pytest.mark.parametrize(("name", "unlimited"), [("case1354pegase", 559), ("case2869pegase", 1839)])
def test_pegase_transformers_without_a_rating_are_unlimited_and_costs_differ(name: str, unlimited: int) -> None:
    grid = shipped_grid(name)
    assert np.isinf(grid.limit).sum() == unlimited  # as many as MATPOWER's file rates 0
    assert len(np.unique(grid.cost, axis=0)) == len(grid.generators)
    assert grid.cost[:, 1].min() >= 10
    assert grid.cost[:, 1].max() <= 40
    assert any("seed 0" in note for note in grid.notes)
    assert any("100 MVA" in note for note in grid.notes)
    assert np.any(grid.shift != 0)
    assert np.any(grid.low < 0)


def test_a_published_rating_of_100_MVA_is_kept_where_it_is_one() -> None:  # noqa: N802
    assert np.sum(shipped_grid("case_illinois200").limit == 100) == 27
    assert np.isinf(shipped_grid("case_ieee30").limit).all()


def test_series_capacitors_keep_their_negative_reactance() -> None:
    grid = shipped_grid("case300")
    assert np.sum(grid.susceptance < 0) == 1
    assert any("negative reactance" in note for note in grid.notes)


def test_a_grid_comes_from_the_cache_the_second_time(grid_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shipped_grid("case118")
    assert list((grid_cache / "grids").glob("case118-*.npz"))
    monkeypatch.setattr("tools.power.dc_opf.shipped._build", None)
    again = shipped_grid("case118")
    assert again.lines == first.lines
    assert again.notes == first.notes
    assert np.array_equal(again.limit, first.limit)
    assert np.array_equal(again.susceptance, first.susceptance)


def test_a_broken_cache_file_is_built_anew(grid_cache: Path) -> None:
    shipped_grid("case9")
    file = next((grid_cache / "grids").glob("case9-*.npz"))
    file.write_bytes(b"not an archive")
    assert len(shipped_grid("case9").lines) == 9
    file.write_bytes(b"PK\x05\x06" + bytes(18))  # an archive that holds nothing
    assert len(shipped_grid("case9").lines) == 9


def test_tables_of_a_matpower_file_are_read_past_comments() -> None:
    case = read_matpower(TWO_BUSES)
    assert case["baseMVA"] == 100
    assert case["bus"][:, 0].tolist() == [1, 20]
    assert case["gencost"].shape == (2, 6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks mpc.baseMVA, mpc.branch"),
        (TWO_BUSES + "mpc.branch(:, 4) = mpc.branch(:, 4) / 2;", "computes its data"),
        (TWO_BUSES.replace("0.1", "1/10"), "no number"),
        (TWO_BUSES.replace("2  0  0  2  30  7;", "2 0 0 2 30;"), "different lengths"),
    ],
)
def test_a_file_that_is_no_plain_case_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        read_matpower(text)


def test_a_rating_of_zero_or_of_9900_is_no_limit() -> None:
    grid = two_buses(branch=[[*LINE[:5], 0, *LINE[6:]], [*LINE[:5], 9900, *LINE[6:]]])
    assert grid.limit.tolist() == [50, math.inf, math.inf]
    assert "2 of 3 lines have no limit in the data" in grid.notes


def test_parallel_circuits_are_told_apart_whatever_their_direction() -> None:
    grid = two_buses(branch=[LINE, [20, 1, *LINE[2:]]])
    assert grid.lines == ("1-20", "1-20#2", "20-1#3")
    assert [find_line(said, grid.lines, grid.rows) for said in ("1-20", "20-1", "1-20#2", "1-20#3", "20-1#1", "3")] == [
        *(0, 0, 1, 2, 0, 2)
    ]


def test_taps_and_shifts_count_and_no_reactance_is_a_very_short_line() -> None:
    grid = two_buses(branch=[[1, 20, 0, 0.1, 0, 50, 0, 0, 0.5, 30, 1], [1, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1]])
    assert grid.susceptance.tolist() == pytest.approx([1000, 2000, 1e7])
    assert grid.shift.tolist() == pytest.approx([0, math.pi / 6, 0])
    assert any("no reactance" in note for note in grid.notes)


def test_what_is_out_of_service_or_isolated_is_left_out_and_told() -> None:
    grid = two_buses(
        bus=[[3, 4, 50, 0, 7, 0, 1, 1, 0, 230, 1, 1.1, 0.9]],
        branch=[[*LINE[:10], 0], [1, 3, *LINE[2:]]],
        gen=[[*UNIT[:7], 0, *UNIT[8:]], [3, *UNIT[1:]]],
        gencost=[[2, 0, 0, 2, 20, 1e6], COST],
    )
    assert grid.buses.tolist() == [1, 20]
    assert grid.lines == ("1-20",)
    assert grid.generators == ("1", "20")
    assert {note.split(" are ")[0] for note in grid.notes} >= {"1 isolated buses", "2 lines", "2 generators"}


def test_a_grid_in_two_pieces_is_refused_with_the_buses_of_the_smaller() -> None:
    grid = two_buses(bus=[[n, 1, 5, 0, 0, 0, 1, 1, 0, 230, 1, 1.1, 0.9] for n in (7, 8, 9)], branch=[[1, 7], [8, 9]])
    with pytest.raises(IslandedNetwork):
        Network(grid)


def test_several_units_at_a_bus_are_told_apart() -> None:
    grid = two_buses(gen=[UNIT, UNIT], gencost=[COST, COST])
    assert grid.generators == ("1", "20", "1#2", "1#3")
    assert [find_generator(said, grid.generators) for said in ("1", "gen at bus 20", "1#2", "unit 1#3", "1#1")] == [
        *(0, 1, 2, 3, 0)
    ]


def test_piecewise_linear_costs_become_convex_blocks() -> None:
    grid = two_buses(gen=[[*UNIT[:8], 100, 20]], gencost=[[1, 0, 0, 3, 0, 0, 50, 500, 150, 3500]])
    assert grid.generators == ("1", "20", "1#2")
    assert grid.unit.tolist() == [0, 1, 2, 2]
    assert grid.low[2:].tolist() == [20, 0]
    assert grid.high[2:].tolist() == [50, 50]
    assert grid.cost[2:].tolist() == [[0, 10, 0], [0, 30, 0]]


@pytest.mark.parametrize(
    "cost", [[2, 0, 0, 3, -0.1, 20, 0], [1, 0, 0, 3, 0, 0, 50, 1500, 100, 2000]], ids=["quadratic", "piecewise"]
)
def test_a_cost_that_is_not_convex_is_refused(cost: list[float]) -> None:
    with pytest.raises(NonConvexCost, match="generator at bus 1"):
        two_buses(gen=[UNIT], gencost=[cost])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"branch": [[1, 5, 0, 0.1]]}, "branch table names bus 5"),
        ({"bus": [[1, 1, 0]]}, "same number"),
        ({"gen": [UNIT]}, "3 generators have only 2 costs"),
        ({"gen": [[*UNIT[:8], math.inf, 0]], "gencost": [COST]}, "no finite limit"),
        ({"gen": [[*UNIT[:8], 10, 20]], "gencost": [COST]}, "above its largest"),
        ({"gen": [UNIT], "gencost": [[2, 0, 0, 4, 1, 1, 1, 1]]}, "above the square"),
        ({"gen": [UNIT], "gencost": [[3, 0, 0, 2, 1, 1]]}, "unknown model 3"),
        ({"gen": [UNIT], "gencost": [[1, 0, 0, 2, 5, 1, 5, 2]]}, "growing output"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(rows: dict[str, list[list[float]]], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        two_buses(**rows)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        *[("IEEE 30-bus", "case30"), ("30", "case30"), ("ieee30", "case30"), ("the IEEE 30-bus grid", "case30")],
        *[("case_ieee30", "case_ieee30"), ("case 118", "case118"), ("ieee118", "case118"), ("IEEE 118", "case118")],
        *[
            ("New England grid", "case39"),
            ("New England's 39-bus network", "case39"),
            ("Illinois 200-bus system", "case_illinois200"),
            ("300", "case300"),
            ("1354pegase", "case1354pegase"),
        ],
        *[("PEGASE 2869", "case2869pegase"), ("24-bus RTS", "case24_ieee_rts"), ("mine/a.m", "mine/a.m")],
    ],
)
def test_a_grid_is_found_by_what_people_call_it(said: str, name: str) -> None:
    assert grid_name(said) == name


@pytest.mark.parametrize(
    "said", ["", "case31", "IEEE 37-bus", "texas", "case", "IEEE bus", "30 and 118", "case_ieee118x"]
)
def test_an_unknown_grid_is_refused_with_the_list(said: str) -> None:
    with pytest.raises(UnknownGrid) as refused:
        grid_name(said)
    assert "case118" in refused.value.hint


@pytest.mark.parametrize("said", ["6-8", "8-6", "6 - 8", "line 6-8", "6–8", "6 to 8", "10", "line 10", "6-8#1"])
def test_a_line_is_found_by_its_ends_in_either_order_and_by_its_row(said: str) -> None:
    grid = shipped_grid("case30")
    assert grid.lines[find_line(said, grid.lines, grid.rows)] == "6-8"


def test_unknown_names_are_refused_with_the_nearest() -> None:
    grid = shipped_grid("case30")
    with pytest.raises(UnknownLine, match="near it are 6-7, "):
        find_line("6-77", grid.lines, grid.rows)
    for said in ("", "42", "0", "6-8#2", "1-2-3-4", "north", "/tmp/6-8", "..\\10"):
        with pytest.raises(UnknownLine):
            find_line(said, grid.lines, grid.rows)
    with pytest.raises(UnknownBus, match="28, 29, 30"):
        find_bus(31, grid.buses)
    with pytest.raises(UnknownGenerator, match="13, 22"):
        find_generator("14", grid.generators)
    for said in ("", "north", "13#1#1", "/tmp/13/case.json"):
        with pytest.raises(UnknownGenerator):
            find_generator(said, grid.generators)


def test_a_file_is_read_only_inside_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    monkeypatch.setenv("BACKPROSE_WORKSPACE", str(workspace))
    (workspace / "mine.m").write_text(TWO_BUSES)
    (tmp_path / "outside.m").write_text(TWO_BUSES)
    (workspace / "link.m").symlink_to(tmp_path / "outside.m")
    assert grid_from_file("mine.m").lines == ("1-20",)
    assert grid_from_file(str(workspace / "mine.m")).name == "mine"
    for said in ("../outside.m", str(tmp_path / "outside.m"), "link.m"):
        with pytest.raises(OutsideWorkspace):
            grid_from_file(said)
    with pytest.raises(UnknownGrid):
        grid_from_file("absent.m")
    (workspace / "links.m").write_text(TWO_BUSES + "mpc.dcline = [\n1 20 1 10 10 0 0 1 1 0 50 0 0 0 0 0 0\n];")
    with pytest.raises(BadInput, match="DC lines"):
        grid_from_file("links.m")


def test_a_pandapower_file_gives_the_same_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandapower
    import pandapower.networks

    monkeypatch.setenv("BACKPROSE_WORKSPACE", str(tmp_path))
    pandapower.to_json(pandapower.networks.case9(), str(tmp_path / "nine.json"))
    ours, shipped = grid_from_file("nine.json"), shipped_grid("case9")
    assert ours.susceptance == pytest.approx(shipped.susceptance)
    assert ours.limit == pytest.approx(shipped.limit)
    assert ours.cost.tolist() == shipped.cost.tolist()
    (tmp_path / "junk.json").write_text("[1, 2]")
    with pytest.raises(BadInput, match=r"junk\.json"):
        grid_from_file("junk.json")
