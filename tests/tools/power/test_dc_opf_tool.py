"""`solve_dc_opf` as its callers see it."""

import csv
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools.power.test_dc_opf_data import TWO_BUSES
from tools.check import check_arguments
from tools.contract import BadInput, Desk, at_desk
from tools.power.dc_opf.files import OutsideWorkspace
from tools.power.dc_opf.infeasible import InfeasibleDispatch
from tools.power.dc_opf.names import UnknownBus, UnknownGenerator, UnknownGrid, UnknownLine
from tools.power.dc_opf.network import IslandedNetwork
from tools.power.dc_opf.tool import DcOpfInput, DcOpfOutput, SolveDcOpf


def ask(**arguments: Any) -> DcOpfOutput:
    inp = check_arguments(SolveDcOpf, {"grid": "case30", **arguments})
    assert isinstance(inp, DcOpfInput)
    return SolveDcOpf()(inp)


@pytest.fixture
def two_buses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BACKPROSE_WORKSPACE", str(tmp_path))
    (tmp_path / "two.m").write_text(TWO_BUSES)
    return "two.m"


def test_two_buses_with_a_full_line_are_dispatched_as_by_hand(two_buses: str) -> None:
    """A unit of 10 $/MWh at bus 1 sends the 50 MW that fit to bus 20; one of 30 $/MWh there makes the other 50 MW."""
    out = ask(grid=two_buses, watch_line="1-20", watch_bus=20, watch_generator="20")
    assert out.cost == pytest.approx(50 * 10 + 50 * 30 + 5 + 7)
    assert out.binding_line_names == "1-20"
    assert out.binding_lines[0].shadow_price == pytest.approx(20)
    assert (out.price_min, out.price_min_bus, out.price_max, out.price_max_bus) == (10, 1, 30, 20)
    assert (out.watched_price, out.watched_flow_mw, out.watched_loading_pct, out.watched_output_mw) == (30, 50, 100, 50)


def test_two_buses_with_a_wide_line_use_the_cheap_unit_alone(two_buses: str) -> None:
    out = ask(grid=two_buses, rating_scale=2, watch_line="20-1")
    assert out.cost == pytest.approx(1012)
    assert out.watched_flow_mw == pytest.approx(-100)  # against the order in which the caller named the ends
    assert out.price_min == out.price_max == pytest.approx(10)


def test_the_ieee_30_bus_grid_is_the_one_that_people_expect() -> None:
    out = ask(grid="IEEE 30-bus")
    assert out.load_mw == pytest.approx(189.2)
    assert out.cost == pytest.approx(565.21, abs=0.01)  # as MATPOWER's rundcopf('case30')
    assert out.binding_line_names == "none"
    assert out.notes
    assert ask(grid="case30") == out


def test_115_percent_load_on_the_30_bus_grid() -> None:
    out = ask(load_scale=1.15)
    assert out.load_mw == pytest.approx(1.15 * 189.2)
    assert out.generation_mw == pytest.approx(out.load_mw)
    assert out.cost == pytest.approx(675.2366, abs=1e-4)
    assert sum(unit.output_mw for unit in out.generation) == pytest.approx(out.load_mw)


def test_an_outage_costs_money_and_is_told() -> None:
    before, after = ask(load_scale=1.15), ask(load_scale=1.15, outages=["27-28"], watch_line="27-28")
    assert after.cost > before.cost + 1
    assert "line 28-27 is out of service" in after.notes
    assert after.data.lines_checked == before.data.lines_checked - 1
    assert after.watched_flow_mw == 0


def test_one_of_two_circuits_can_be_out_and_which_is_told() -> None:
    first, second = (ask(grid="case118", outages=[name]) for name in ("89-92", "89-92#2"))
    assert "line 89-92 is out of service, one of 2 side by side" in first.notes
    assert "line 89-92#2 is out of service" in second.notes
    assert first.cost != second.cost


def test_wind_replaces_generation_and_lowers_the_cost() -> None:
    without, with_wind = ask(grid="case118"), ask(grid="case118", renewables=[{"bus": 59, "p_mw": 150}], watch_bus=59)
    assert with_wind.renewables_mw == 150
    assert with_wind.generation_mw == pytest.approx(without.generation_mw - 150)
    assert with_wind.load_mw == without.load_mw
    assert without.cost - with_wind.cost == pytest.approx(150 * with_wind.watched_price, rel=0.05)


def test_a_generator_can_be_out() -> None:
    out = ask(generator_outages=["2"], watch_generator="2")
    assert out.cost > ask().cost
    assert out.watched_output_mw == 0
    assert "generator 2 is out of service" in out.notes
    assert {unit.generator for unit in out.generation} == {"1", "13", "22", "23", "27"}


def test_piecewise_costs_give_one_output_for_each_generator(two_buses: str, tmp_path: Path) -> None:
    curve = TWO_BUSES.replace("2  0  0  2  10  5;", "1 0 0 3 0 0 20 200 100 1800;")
    curve = curve.replace("2  0  0  2  30  7;", "2 0 0 2 30 7 0 0 0 0;")
    (tmp_path / "curve.m").write_text(curve)
    out = ask(grid="curve.m")
    assert [(unit.generator, unit.output_mw, unit.max_mw) for unit in out.generation] == [
        ("1", 50, 200),
        ("20", 50, 200),
    ]
    assert out.cost == pytest.approx(200 + 30 * 20 + 50 * 30 + 7)


def test_every_answer_carries_its_certificate_and_its_tables() -> None:
    with at_desk(Desk()) as desk:
        out = ask(grid="case118", load_scale=0.9)
    values = out.model_dump()
    assert all(values[name] <= most for name, most in SolveDcOpf.certificate.items())
    assert out.binding_line_count == len(out.binding_lines)
    assert out.max_line_loading_pct == pytest.approx(100)
    lines = list(csv.DictReader(desk.files[out.line_table.sha256].decode().splitlines()))
    assert len(lines) == 186
    assert {row["line"] for row in lines if float(row["loading_pct"]) > 99.9999} == set(
        out.binding_line_names.split(", ")
    )
    units = list(csv.DictReader(desk.files[out.dispatch_table.sha256].decode().splitlines()))
    assert sum(float(row["output_mw"]) for row in units) == pytest.approx(out.generation_mw)
    assert len(desk.files[out.bus_table.sha256].decode().splitlines()) == 119


def test_of_lines_that_are_all_full_none_is_the_most_loaded_one() -> None:
    wind = {"bus": 27, "p_mw": 180}
    out = ask(grid="case118", renewables=[wind])
    assert out.binding_line_count > 1
    assert out.max_loaded_line == out.binding_line_names
    assert "," not in ask(grid="case9").max_loaded_line


def test_prices_that_are_not_unique_are_told() -> None:
    """The lines 8-9 and 9-10 lie in series, so either limit may carry the price."""
    assert [note for note in ask(grid="case118").notes if "not unique" in note]
    assert not [note for note in ask(grid="case300").notes if "not unique" in note]


def test_pictures_are_drawn_only_when_asked_for() -> None:
    assert ask().plots == []
    with at_desk(Desk()) as desk:
        out = ask(plots=True)
    assert [plot.name for plot in out.plots] == ["dispatch.png", "loading.png"]
    assert all(desk.files[plot.sha256].startswith(b"\x89PNG") for plot in out.plots)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"grid": "texas"}, UnknownGrid, "no grid named texas"),
        ({"grid": "../case.m"}, OutsideWorkspace, "outside the workspace"),
        ({"outages": ["1-30"]}, UnknownLine, "no line 1-30"),
        ({"renewables": [{"bus": 99, "p_mw": 5}]}, UnknownBus, "no bus 99"),
        ({"watch_bus": 0}, UnknownBus, "no bus 0"),
        ({"watch_generator": "3"}, UnknownGenerator, "no generator 3"),
        ({"outages": ["9-11"]}, IslandedNetwork, "bus 11 is cut off"),
        ({"outages": ["27-29", "27-30"]}, IslandedNetwork, "buses 29, 30 are cut off"),
        ({"generator_outages": ["1", "2", "27"]}, InfeasibleDispatch, "69.2 MW more than"),
        ({"renewables": [{"bus": 5, "p_mw": 300}]}, InfeasibleDispatch, "110.8 MW more than the demand"),
        ({"load_scale": 1.15, "outages": ["6-8"]}, InfeasibleDispatch, "8-28 by 2.5 MW above its 32 MW"),
        ({"load_scale": 2}, BadInput, "must be at most 1.5"),
        ({"method": "guess"}, BadInput, "must be 'exact' or 'neural'"),
        ({"outages": [str(row) for row in range(1, 8)]}, BadInput, "more than 5 items"),
        ({"load": 1}, BadInput, "load is no input"),
    ],
)
def test_what_has_no_answer_is_refused_with_the_reason(arguments: dict[str, Any], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        ask(**arguments)


def test_the_worked_questions_name_only_inputs_and_outputs_that_exist() -> None:
    for question in SolveDcOpf.worked:
        assert {name for call in question.calls for name in call} <= set(DcOpfInput.model_fields)
        assert set(re.findall(r"[ab]\.(\w+)", " ".join(question.answers))) <= set(DcOpfOutput.model_fields)


def test_the_large_grid_is_answered_with_a_short_output() -> None:
    out = ask(grid="case2869pegase")
    assert out.binding_line_count > 5
    assert len(out.model_dump_json()) < 8000
    assert out.data.lines_checked + out.data.lines_unlimited == 4582


def test_the_neural_method_gives_the_optimum_and_says_how_near_the_nets_came() -> None:
    exact, neural = (ask(grid="case118", load_scale=0.96, method=method) for method in ("exact", "neural"))
    assert exact.neural is None
    assert neural.neural is not None
    assert not neural.neural.fell_back
    assert 0 < neural.neural.certified_gap_pct < 1
    assert neural.cost == pytest.approx(exact.cost, rel=1e-9)
    assert neural.binding_line_names == exact.binding_line_names
    assert all(getattr(neural, name) <= most for name, most in SolveDcOpf.certificate.items())


def test_the_same_question_gives_the_same_answer() -> None:
    question = {"grid": "case300", "load_scale": 0.97, "outages": ["133-168"]}
    assert ask(**question) == ask(**question)


def test_declaring_the_tool_loads_nothing_heavy() -> None:
    check = "import sys, tools.power.dc_opf.tool; print({'numpy', 'scipy', 'pandapower', 'highspy'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "set()"
