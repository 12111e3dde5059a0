"""Whatever is guessed, the repair makes the nearest feasible dispatch of it, and the certificate says how good that is."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.speed.dc_opf import violation
from tools.power.dc_opf.batch import answer_batch, solve_batch, with_costs
from tools.power.dc_opf.data import draw_loads
from tools.power.dc_opf.exact import Dispatch, Solver
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.normal import NormalForm
from tools.power.dc_opf.project import Guess, Projector
from tools.power.dc_opf.repair import cheapest, level, metric_of, repair
from tools.power.dc_opf.shipped import shipped_grid

HIGHEST = {"case30": 1.3, "case118": 1.3, "case300": 1.15, "case1354pegase": 1.05}
each_grid = pytest.mark.parametrize("name", HIGHEST)


def projector(grid: Grid, **options: float) -> Projector:
    return Projector(Network(grid), grid.limit, np.zeros(0, dtype=int), **options)


def demands_of(grid: Grid, count: int, high: float, seed: int = 0) -> np.ndarray:
    return draw_loads(grid, count, 0.7, high, np.random.default_rng(seed)) + grid.shunt


def anywhere(seed: int) -> Guess:
    """Guesses that know nothing."""
    return lambda form, demands: np.random.default_rng(seed).uniform(-0.2, 1.2, (len(demands.total), len(form.weight)))


@each_grid
def test_from_zero_net_cost_the_repair_arrives_at_the_optimum(name: str) -> None:
    grid = shipped_grid(name)
    demand = demands_of(grid, 12, HIGHEST[name])
    found = projector(grid).solve(demand, cheapest, fall_back=False)
    solver = Solver(Network(grid))
    for row, proved in zip(demand, found.certificates, strict=True):
        assert proved.cost == pytest.approx(solver.solve(row, grid.limit).certificate.cost, rel=1e-8)
        assert proved.gap_pct < 1e-6


@each_grid
def test_an_arbitrary_guess_becomes_feasible_by_an_independent_power_flow(name: str) -> None:
    grid = shipped_grid(name)
    demand = demands_of(grid, 6, HIGHEST[name])
    found = projector(grid).solve(demand, anywhere(1), fall_back=False)
    for load, output in zip(demand, found.output, strict=True):
        assert violation(replace(grid, load=load - grid.shunt), 1.0, output) < 1e-4
        assert np.all((output >= grid.low) & (output <= grid.high))


def test_the_repair_is_a_projection() -> None:
    """Twice is as once, and from the projection no way to another feasible point leads nearer to the guess."""
    grid = shipped_grid("case118")
    aim = projector(grid)
    demand = demands_of(grid, 1, 1.2).repeat(20, axis=0)
    points = aim.feasible(demand, anywhere(2)).share
    demands = aim.form.demands(demand)
    guess = anywhere(3)(aim.form, demands)
    nearest = aim.feasible(demand, lambda form, demands: guess).share
    again = repair(aim.form, aim.form.demands(demand), nearest)
    assert again.share == pytest.approx(nearest, abs=1e-8)
    towards = (nearest - guess) * metric_of(aim.form)
    gain = np.einsum("ag,abg->ab", towards, points[None] - nearest[:, None])
    assert gain.min() > -1e-7
    assert gain.max() > 1e-3


def test_the_choice_of_the_reference_bus_changes_nothing() -> None:
    grid = shipped_grid("case118")
    lines = np.arange(0, 180, 20)
    forms = [NormalForm(Network(replace(grid, reference=bus)), grid.limit, lines) for bus in (0, 68)]
    demand = demands_of(grid, 3, 1.2)
    assert forms[0].effect == pytest.approx(forms[1].effect, abs=1e-9)
    assert forms[0].demands(demand).idle == pytest.approx(forms[1].demands(demand).idle, abs=1e-9)


def test_lines_and_shares_of_the_form_are_those_of_the_power_flow() -> None:
    grid = shipped_grid("case300")
    network, lines = Network(grid), np.arange(0, 400, 40)
    form = NormalForm(network, grid.limit, lines)
    demand = demands_of(grid, 1, 1.0)
    demands = form.demands(demand)
    share = np.random.default_rng(0).uniform(0, 1, len(form.weight))
    share += demands.total[0] - form.weight @ share  # the demand is met, if not within the limits of generators
    output = grid.low.copy()
    output[form.movable] += share * form.weight * form.range
    assert output.sum() == pytest.approx(demand.sum())
    flow = network.flows(network.fed_in(output) - demand[0])[lines]
    assert demands.idle[0] + form.effect @ share == pytest.approx(flow / grid.limit[lines], abs=1e-9)
    assert form.share(output[None])[0] == pytest.approx(share)


def test_the_level_price_meets_the_total() -> None:
    random = np.random.default_rng(0)
    start, give, weight = random.normal(0, 1, (50, 9)), random.uniform(0.1, 3, 9), random.dirichlet(np.ones(9))
    total = random.uniform(0, 1, 50)
    price = level(start, give, weight, total)
    assert np.clip(start + give * price[:, None], 0, 1) @ weight == pytest.approx(total, abs=1e-12)


def test_an_answer_that_is_not_good_enough_is_solved_exactly_and_marked() -> None:
    grid = shipped_grid("case118")
    demand = demands_of(grid, 8, 1.2)
    raw = projector(grid).solve(demand, anywhere(4), fall_back=False)
    gaps = np.array([proved.gap_pct for proved in raw.certificates])
    assert gaps.min() > 0.5
    found = projector(grid, max_gap_pct=float(np.median(gaps))).solve(demand, anywhere(4))
    assert found.fell_back.tolist() == (gaps > np.median(gaps)).tolist()
    for i in range(8):
        assert (found.certificates[i].gap_pct < 1e-8) == found.fell_back[i]


def test_the_certified_gap_is_never_below_the_true_one() -> None:
    grid = shipped_grid("case118")
    demand = demands_of(grid, 8, 1.2)
    solver, found = Solver(Network(grid)), projector(grid).solve(demand, anywhere(5), fall_back=False)
    for row, proved in zip(demand, found.certificates, strict=True):
        best = solver.solve(row, grid.limit).certificate.cost
        assert proved.bound <= best * (1 + 1e-9) <= proved.cost * (1 + 2e-9)


def test_a_scenario_without_a_dispatch_is_told_from_the_others() -> None:
    grid = shipped_grid("case300")
    demand = grid.load * np.array([[1.0], [1.3], [2.0]]) + grid.shunt
    found = projector(grid).solve(demand, cheapest)
    assert found.solved.tolist() == [True, False, False]
    assert [found.infeasible[i].facts["reason"] for i in (1, 2)] == ["lines", "capacity"]
    assert found.certificates[0].gap_pct < 1e-6


@pytest.mark.parametrize("straight", [False, True])
def test_a_batch_answered_together_has_the_optima_of_each_alone(straight: bool) -> None:
    """Where costs are straight the projection need not be the optimum; then the answer is that of the exact method."""
    grid = shipped_grid("case118")
    grid = with_costs(grid, grid.cost * [0, 1, 1]) if straight else grid
    loads = draw_loads(grid, 6, 0.7, 1.2, np.random.default_rng(3))
    found = answer_batch(grid, loads)
    for proved, alone in zip(found.certificates, solve_batch(grid, loads), strict=True):
        assert isinstance(alone, Dispatch)
        assert proved.cost == pytest.approx(alone.certificate.cost, rel=1e-8)
        assert proved.gap_pct < 1e-6
    assert found.fell_back.any() == straight
