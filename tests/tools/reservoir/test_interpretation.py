"""Records made by other means are interpreted rightly, and what a record does not tell is refused."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.contract import NoAnswer
from tools.reservoir.pressure_transient import reference
from tools.reservoir.pressure_transient.answer import answer
from tools.reservoir.pressure_transient.tool import (
    FlowRegimeNotReached,
    PressureTransientInput,
    PressureTransientOutput,
    UnidentifiableParameters,
)

TRANSMISSIVITY, STORATIVITY, RATE = 300.0, 5e-4, 500.0


def drawdown(time: np.ndarray, radius: float) -> np.ndarray:
    """Theis [m], times in minutes."""
    td = time / 1440 * TRANSMISSIVITY / STORATIVITY
    out: np.ndarray = RATE / (2 * np.pi * TRANSMISSIVITY) * reference.line_source(np.array(radius), td)
    return out


def interpret(time: np.ndarray, value: np.ndarray, radius: float, **more: Any) -> PressureTransientOutput:
    rows = [[float(t), float(v), radius] for t, v in zip(time, value, strict=True)]
    given = {"units": "metric", "q": RATE, "time_unit": "min", "width": 8, "steps": 45, **more}
    return answer(PressureTransientInput(mode="inverse", observations=rows, **given))


def test_transmissivity_and_storativity_come_back_from_a_noisy_record_with_an_interval_that_holds_them() -> None:
    time = np.geomspace(1, 500, 20)
    value = drawdown(time, 30.0) + np.random.default_rng(0).normal(0, 0.005, 20)
    out = interpret(time, value, 30.0, k=1500.0, storativity=1e-4, noise_sigma=0.005)
    assert out.transmissivity == pytest.approx(TRANSMISSIVITY, rel=0.05)
    assert out.storativity == pytest.approx(STORATIVITY, rel=0.1)
    assert out.k_low is not None and out.k_high is not None
    assert out.k_low < TRANSMISSIVITY < out.k_high < 1.2 * TRANSMISSIVITY
    assert out.rmse_obs == pytest.approx(0.005, rel=0.5)


def test_an_interval_counts_the_networks_own_error_too() -> None:
    """With a noise far below what the networks err by, an interval of the noise alone would miss the truth."""
    time = np.geomspace(1, 500, 20)
    value = drawdown(time, 30.0) + np.random.default_rng(0).normal(0, 1e-5, 20)
    out = interpret(time, value, 30.0, k=400.0, storativity=4e-4, noise_sigma=1e-5)
    for name, truth in (("k", TRANSMISSIVITY), ("S", STORATIVITY)):
        low, high = out.intervals[name]
        assert low < truth < high < 1.05 * truth


def test_one_late_time_at_nearly_one_radius_does_not_tell_both() -> None:
    time = np.linspace(1000, 1001, 8)
    value = drawdown(time, 30.0)
    with pytest.raises(UnidentifiableParameters, match="does not tell k and S apart"):
        interpret(time, value, 30.0, k=250.0, storativity=1e-3, noise_sigma=0.01)


def test_a_fault_that_was_not_felt_is_not_found() -> None:
    time = np.geomspace(1, 100, 12)
    with pytest.raises((FlowRegimeNotReached, UnidentifiableParameters)) as refused:
        interpret(
            time, drawdown(time, 10.0), 10.0, geometry="sealing_fault", unknowns=["k", "distance"],
            k=310.0, storativity=STORATIVITY, distance=3000.0, noise_sigma=0.005,
        )  # fmt: skip
    assert isinstance(refused.value, NoAnswer)


def test_a_real_pumping_test_gives_what_theis_gives() -> None:
    """Oude Korendijk, the piezometer at 30 m: least squares on Theis' formula gives T = 480 m2/d and a misfit of 0.032 m."""
    folder = Path(os.environ.get("BACKPROSE_DATA") or Path(__file__).parents[3].parent / "shared" / "data") / "pumping"
    if not folder.exists():
        pytest.skip("the record of Oude Korendijk is not here: set BACKPROSE_DATA to the folder that holds pumping/")
    time, value = np.loadtxt(folder / "oudekorendijk_h30.dat").T
    out = interpret(time, value, 30.0, q=788.0)
    assert out.transmissivity == pytest.approx(480, rel=0.05)
    assert out.rmse_obs == pytest.approx(0.032, abs=0.003)
