"""The solver behind the right answers is right itself."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.suites.grid_questions import reference
from experiments.suites.grid_questions.outcome import Ambiguous, Outcome
from experiments.suites.grid_questions.reference import ACCEPTED, Infeasible, Network, solve
from experiments.suites.grid_questions.scenario import Injection, Islanded, Scenario, UnknownElement, UnknownGrid
from experiments.suites.grid_questions.truth import value_of


def two_buses(limit: float, load: float = 100.0) -> Network:
    """A cheap plant (10 + 0.1 p) at bus 0, a dear one (30 + 0.1 p) at bus 1 with the load."""
    return Network(
        load=np.array([0.0, load]),
        gen_bus=np.array([0, 1]),
        lowest=np.zeros(2),
        highest=np.full(2, 150.0),
        cost=np.array([[0.05, 10.0, 1.0], [0.05, 30.0, 2.0]]),
        start=np.array([0]),
        end=np.array([1]),
        susceptance=np.array([5.0]),
        shift=np.zeros(1),
        limit=np.array([limit]),
    )


def test_a_full_line_parts_the_prices() -> None:
    best = solve(two_buses(60))
    assert best.output == pytest.approx([60, 40], abs=1e-9)
    assert best.price == pytest.approx([16, 34], abs=1e-9)
    assert best.push == pytest.approx([-18], abs=1e-9)
    assert best.cost == pytest.approx(0.05 * 60**2 + 600 + 1 + 0.05 * 40**2 + 1200 + 2)


def test_without_a_limit_the_cheap_plant_serves_all_at_one_price() -> None:
    best = solve(two_buses(np.inf))
    assert best.output == pytest.approx([100, 0], abs=1e-9)
    assert best.price == pytest.approx([20, 20], abs=1e-9)


@pytest.mark.parametrize("load", [220.0, 310.0])
def test_more_load_than_line_and_plants_can_serve_is_infeasible(load: float) -> None:
    with pytest.raises(Infeasible):
        solve(two_buses(60, load))


def test_a_shift_moves_flow_between_parallel_lines_as_the_angle_says() -> None:
    two = two_buses(np.inf)
    ring = replace(
        two,
        start=np.array([0, 0]),
        end=np.array([1, 1]),
        susceptance=np.array([5.0, 5.0]),
        shift=np.array([2.0, 0.0]),
        limit=np.full(2, np.inf),
    )
    assert solve(ring).flow == pytest.approx([45, 55], abs=1e-9)


@pytest.mark.parametrize("grid", ["case30", "case118", "case300"])
def test_a_price_is_what_one_more_megawatt_costs(grid: str) -> None:
    outcome = Outcome.of(Scenario(grid=grid, load_percent=120))
    for bus in range(0, len(outcome.network.load), 37):
        step = np.zeros_like(outcome.network.load)
        step[bus] = 1e-3
        dearer = solve(replace(outcome.network, load=outcome.network.load + step)).cost
        cheaper = solve(replace(outcome.network, load=outcome.network.load - step)).cost
        assert (dearer - cheaper) / 2e-3 == pytest.approx(outcome.optimum.price[bus], rel=1e-4)


def test_a_dispatch_that_is_a_little_off_does_not_pass_as_optimal() -> None:
    outcome = Outcome.of(Scenario(grid="case118"))
    best, net = outcome.optimum, outcome.network
    assert best.residual < ACCEPTED
    inner = np.flatnonzero((best.output > net.lowest + 1) & (best.output < net.highest - 1))[:2]
    moved = best.output.copy()
    moved[inner] += [0.1, -0.1]
    assert reference._optimum(net, moved, best.angle, best.price, best.push).residual > ACCEPTED
    assert reference._optimum(net, best.output, best.angle, best.price * 1.001, best.push).residual > ACCEPTED


def test_free_wind_is_load_that_is_not_there() -> None:
    windy = Outcome.of(Scenario(grid="case30", renewables=(Injection(bus=8, p_mw=30),)))
    at_8 = np.flatnonzero(windy.grid.buses == 8)
    calm = Outcome.of(Scenario(grid="case30"))
    assert calm.network.load.sum() - windy.network.load.sum() == pytest.approx(30)
    assert windy.network.load[at_8] == pytest.approx(0)
    assert windy.load == calm.load


def test_a_line_may_be_named_from_either_end() -> None:
    outcome = Outcome.of(Scenario(grid="case30", load_percent=110))
    assert outcome.flow("6-8") == -outcome.flow("8-6")
    assert outcome.loading("6-8") == outcome.loading("8-6")
    assert Outcome.of(Scenario(grid="case30", outages=("8-6",))).cost > 0


def test_lines_in_series_without_load_between_are_one_limit() -> None:
    assert ["8-9", "9-10"] in Outcome.of(Scenario(grid="case118")).binding


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        (Scenario(grid="case73"), UnknownGrid),
        (Scenario(grid="case30", outages=("1-30",)), UnknownElement),
        (Scenario(grid="case30", renewables=(Injection(bus=77, p_mw=1),)), UnknownElement),
        (Scenario(grid="case30", generator_outages=("5",)), UnknownElement),
        (Scenario(grid="case118", outages=("9-10",)), Islanded),
        (Scenario(grid="case30", load_percent=150), Infeasible),
    ],
)
def test_what_has_no_answer_says_why(scenario: Scenario, error: type[Exception]) -> None:
    with pytest.raises(error):
        Outcome.of(scenario)


def test_a_tie_is_ambiguous() -> None:
    calm = Outcome.of(Scenario(grid="case30"))
    with pytest.raises(Ambiguous, match="have the same price"):
        _ = calm.dearest_bus


@pytest.mark.parametrize(
    "expression", ["__import__('os')", "a.__class__.__name__", "a.cost if a else 0", "[a]", "-a.cost"]
)
def test_an_expression_knows_only_its_own_words(expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        value_of(expression, {"a": Outcome.of(Scenario(grid="case30"))})
