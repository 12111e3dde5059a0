"""The nets see what matters and nothing else, they learn, and what they propose ends in certified answers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tools.power.dc_opf.data import draw_loads, highest_level, lesson, without_line
from tools.power.dc_opf.exact import Solver
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.learn import SHIPPED, Nets, Plan, draw_lessons, nets_for, plan_for, settings_of, train
from tools.power.dc_opf.model import Case, case_of, flow
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.neural import solve_many, solve_one
from tools.power.dc_opf.shipped import shipped_grid
from tools.training import seeded

Taught = tuple[Grid, Nets, dict[str, Any]]
SMALL = Plan(scenarios=240, outages=2, epochs=6)


def untrained(grid: Grid) -> Nets:
    with seeded(0):
        return Nets(len(grid.lines)).eval()


@pytest.fixture(scope="module")
def taught(grid_cache: Path) -> Taught:
    grid = shipped_grid("case118")
    nets = untrained(grid)
    return grid, nets, train(nets, grid, SMALL)


def some_case(grid: Grid) -> Case:
    loads = draw_loads(grid, 5, 0.8, 1.2, np.random.default_rng(0))
    found = lesson(Network(grid), loads, np.zeros(0, dtype=int))
    return case_of(found.form, found.demands)


def both(nets: Nets, case: Case) -> tuple[torch.Tensor, ...]:
    with torch.no_grad():
        guess = nets.dispatch(case)
        return guess.share, guess.balance, guess.line, flow(nets.flow, case, guess, 3)


def test_turning_a_line_round_turns_its_price_and_nothing_else() -> None:
    grid = shipped_grid("case118")
    case, nets = some_case(grid), untrained(grid)
    turn = torch.ones(len(case.idle))
    turn[::2] = -1
    turned = replace(case, idle=case.idle * turn[:, None], effect=case.effect * turn[:, None])
    share, balance, line, arrived = both(nets, case)
    share_2, balance_2, line_2, arrived_2 = both(nets, turned)
    for before, after in ((share, share_2), (balance, balance_2), (line, line_2 * turn[:, None]), (arrived, arrived_2)):
        assert after.numpy() == pytest.approx(before.numpy(), abs=1e-5)


def test_blocks_and_lines_in_another_order_get_the_same_answers() -> None:
    grid = shipped_grid("case118")
    case, nets = some_case(grid), untrained(grid)
    blocks, lines = torch.randperm(len(case.weight)), torch.randperm(len(case.idle))
    mixed = Case(
        case.weight[blocks],
        case.offset[blocks],
        case.slope[blocks],
        case.metric[blocks],
        case.effect[lines][:, blocks],
        case.total,
        case.idle[lines],
        case.level,
        case.start[blocks],
    )
    share, balance, line, arrived = both(nets, case)
    share_2, balance_2, line_2, arrived_2 = both(nets, mixed)
    pairs = ((share[blocks], share_2), (balance, balance_2), (line[lines], line_2), (arrived[blocks], arrived_2))
    for before, after in pairs:
        assert after.numpy() == pytest.approx(before.numpy(), abs=1e-4)


def test_every_step_of_the_flow_meets_the_demand() -> None:
    grid = shipped_grid("case30")
    case, nets = some_case(grid), untrained(grid)
    for steps in (0, 1, 4):
        assert (case.weight @ both_steps(nets, case, steps)).numpy() == pytest.approx(case.total.numpy(), abs=1e-5)


def both_steps(nets: Nets, case: Case, steps: int) -> torch.Tensor:
    with torch.no_grad():
        return flow(nets.flow, case, nets.dispatch(case), steps)


def test_every_weight_is_reached_by_a_gradient() -> None:
    grid = shipped_grid("case118")
    case, nets = some_case(grid), untrained(grid)
    guess = nets.dispatch(case)
    (flow(nets.flow, case, guess, 2).square().sum() + guess.line.sum() + guess.balance.sum()).backward()
    assert [name for name, p in nets.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_both_losses_fall_and_the_flow_ends_nearer_to_the_optimum_than_it_began(
    taught: Taught,
) -> None:
    _, _, told = taught
    for what in ("network", "flow"):
        assert told[what]["loss"][-1] < told[what]["loss"][0] / 3
    assert max(told["flow"]["score"]) > max(told["network"]["score"])  # scores are errors below nothing


def test_the_same_seed_teaches_the_same(taught: Taught) -> None:
    grid = shipped_grid("case30")
    plan = replace(SMALL, epochs=1)
    first, second = untrained(grid), untrained(grid)
    train(first, grid, plan)
    train(second, grid, plan)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_what_was_learned_holds_on_loads_never_seen_with_a_certificate_for_each(
    taught: Taught,
) -> None:
    """Trained for seconds, so some fall back on the exact method; the levels reach above those of the training."""
    grid, nets, told = taught
    demand = draw_loads(grid, 60, 0.7, told["highest_level"], np.random.default_rng(7)) + grid.shunt
    found = solve_many(nets, grid, Network(grid), demand, grid.limit)
    solver = Solver(Network(grid))
    for row, proved in zip(demand, found.certificates, strict=True):
        best = solver.solve(row, grid.limit).certificate.cost
        assert best * (1 - 1e-8) <= proved.cost <= best * 1.01
        assert proved.gap_pct <= 1
        assert proved.overload_share < 1e-6
    assert not found.fell_back.all()


def test_one_scenario_ends_at_the_exact_optimum_and_its_prices() -> None:
    """With a line out whose loss no training may have seen."""
    grid = shipped_grid("case118")
    nets, _ = nets_for(grid)
    less = without_line(grid, grid.lines.index("65-68"))
    network = Network(less)
    demand = 1.05 * less.load + less.shunt
    found, proposal = solve_one(nets, grid, network, demand, less.limit)
    exact = Solver(network).solve(demand, less.limit)
    assert proposal.used
    assert 0 < proposal.gap_pct < 1
    assert found.certificate.kkt_residual < 1e-8
    assert found.certificate.cost == pytest.approx(exact.certificate.cost, rel=1e-9)
    assert found.output == pytest.approx(exact.output, abs=1e-5)


def test_nets_that_know_nothing_are_overruled() -> None:
    grid = shipped_grid("case118")
    nets, network = untrained(grid), Network(grid)
    demand = grid.load + grid.shunt
    found = solve_many(nets, grid, network, demand[None], grid.limit, max_gap_pct=0.01)
    assert found.fell_back.all()
    assert found.certificates[0].gap_pct < 1e-8


def test_levels_of_training_end_below_those_that_have_no_dispatch() -> None:
    grid = shipped_grid("case300")
    high = highest_level(grid)
    assert 1.0 < high < 1.3
    lessons, rehearsal, _ = draw_lessons(grid, replace(SMALL, scenarios=40))
    outputs = rehearsal.form.output(rehearsal.best).sum(axis=1)
    assert outputs.max() < grid.load.sum() * high
    assert {len(each.form.network.grid.lines) for each in lessons} == {len(grid.lines), len(grid.lines) - 1}


@pytest.mark.parametrize(
    "story", sorted(SHIPPED.glob("*.json")), ids=lambda path: json.loads(path.read_text())["settings"]["grid"]
)
def test_shipped_weights_are_small_and_those_of_todays_grid_and_plan(story: Path) -> None:
    told = json.loads(story.read_text())
    grid = shipped_grid(told["settings"]["grid"])
    assert told["settings"] == settings_of(grid, plan_for(grid))
    _, learned = nets_for(grid)
    assert not learned.trained_now
    assert story.with_suffix(".safetensors").stat().st_size < 300_000
