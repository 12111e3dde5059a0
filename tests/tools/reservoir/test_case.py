"""What an engineer may get wrong is said in the engineer's words, before anything is trained."""

import math
from pathlib import Path
from typing import Any

import pytest

from tools.check import check_arguments
from tools.contract import BadInput, ToolError
from tools.reservoir.pressure_transient.case import make_case, make_record
from tools.reservoir.pressure_transient.tool import (
    AnalyzePressureTransient,
    NonMonotoneTime,
    NonPositiveProperty,
    OutsideWorkspace,
    PressureTransientInput,
    TooFewObservations,
    UnidentifiableParameters,
    UnitMismatch,
)

OIL = {"k": 50, "phi": 0.2, "mu": 1, "ct": 1e-5, "h": 50, "q": 300, "time": 24}
WATER = {"units": "metric", "k": 460, "storativity": 2e-4, "q": 788, "time": 1, "time_unit": "d", "radius": 30}
TEST = {"mode": "inverse", "units": "metric", "q": 788, "time_unit": "min"}


def rows(n: int = 9) -> list[list[float]]:
    return [[2.0**i, 0.1 * (i + 1), 30] for i in range(n)]


def inp(**arguments: Any) -> PressureTransientInput:
    checked = check_arguments(AnalyzePressureTransient, arguments)
    assert isinstance(checked, PressureTransientInput)
    return checked


def test_who_gives_a_record_wants_it_interpreted() -> None:
    water = {"units": "metric", "q": 788}
    assert inp(**water, observations=rows()).mode == "inverse"
    assert inp(**water, observations=[]).mode == inp(**water).mode == "forward"
    assert inp(**water, observations=rows(), mode="forward").mode == "forward"  # refused later


def test_field_units_are_those_of_the_books() -> None:
    """tD = 0.0002637 k t / (phi mu ct rw^2), and pD = k h dp / (141.2 q B mu)."""
    case = make_case(inp(**OIL, rw=0.25, B=1.3))
    assert case.diffusivity / case.rw**2 == pytest.approx(0.0002637 * 50 / (0.2 * 1e-5 * 0.25**2))
    assert case.scale == pytest.approx(141.2 * 300 * 1.3 / (50 * 50))


def test_metric_units_are_those_of_theis() -> None:
    case = make_case(inp(**WATER))
    assert case.scale / 2 == pytest.approx(788 / (4 * math.pi * 460))
    assert case.diffusivity * 24 == pytest.approx(460 / 2e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({**WATER, "phi": 0.2}, UnitMismatch, "phi given, but metric units"),
        ({**OIL, "storativity": 1e-4}, UnitMismatch, "storativity given, but field units"),
        ({**OIL, "phi": None}, BadInput, "phi missing"),
        ({**OIL, "geometry": "radial_bounded"}, BadInput, "re missing"),
        ({**OIL, "geometry": "sealing_fault"}, BadInput, "distance missing"),
        ({**OIL, "time": None}, BadInput, "time is missing"),
        ({**OIL, "geometry": "radial_bounded", "re": 500, "radius": 600}, BadInput, "beyond re"),
        ({**OIL, "skin_radius": 30, "skin_ratio": 0.5, "subdomains": 1}, BadInput, "needs subdomains"),
        ({**TEST, "observations": rows(7)}, TooFewObservations, "7 rows, must have at least 8"),
        ({**TEST, "observations": [*rows(), [4, 0.3, 30]]}, NonMonotoneTime, "time 4 follows 256"),
        ({**TEST, "observations": [[0, 0, 30], *rows()]}, NonPositiveProperty, "row 1 has time 0"),
        ({**TEST, "observations": rows(), "unknowns": ["k", "h"]}, UnidentifiableParameters, "thickness"),
        ({**TEST, "observations": rows(), "unknowns": ["distance"]}, BadInput, "has no fault"),
        ({**TEST, "observations": rows(), "unknowns": ["skin_zone"]}, BadInput, "without its radius"),
        ({**TEST, "record": "../secret.csv"}, OutsideWorkspace, "outside the workspace"),
        ({**TEST, "record": "none.csv"}, BadInput, "no file none.csv"),
        ({**OIL, "width": 128, "layers": 3}, BadInput, "too many for gauss_newton"),
    ],
)
def test_wrong_cases_are_typed_errors(arguments: dict[str, Any], error: type[ToolError], said: str) -> None:
    given = inp(**{name: value for name, value in arguments.items() if value is not None})
    with pytest.raises(error, match=said):
        AnalyzePressureTransient()(given)


def test_a_record_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROSE_WORKSPACE", str(tmp_path))
    text = "\n".join(",".join(map(str, row)) for row in rows())
    (tmp_path / "test.csv").write_text(f"time [min],drawdown [m],radius [m]\n{text}\n")
    record = make_record(inp(**TEST, record="test.csv"), 0.1)
    assert record.time.tolist() == [row[0] for row in rows()]
    assert set(record.radius) == {30}
    (tmp_path / "bad.csv").write_text("1,2,3\n4,much,6\n")
    with pytest.raises(BadInput, match=r"line 2 of bad\.csv"):
        make_record(inp(**TEST, record="bad.csv"), 0.1)
