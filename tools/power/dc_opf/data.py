"""Load scenarios of a grid, drawn by seed, with their optimal dispatches: what the neural method learns from and is tested on.

Source: papers/02: a level for the whole grid, 5 % of scatter at each bus, and single outages.
Differs from it: the levels end where the nominal pattern of loads has no dispatch any more, and training stops short of that
end; the optima come from the projection of `repair`, which is exact for curved costs and faster than a solver.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.contract import NoAnswer
from tools.power.dc_opf.exact import Solver
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.infeasible import InfeasibleDispatch
from tools.power.dc_opf.network import IslandedNetwork, Network
from tools.power.dc_opf.normal import Demands, NormalForm
from tools.power.dc_opf.project import Projector
from tools.power.dc_opf.repair import cheapest

LOWEST = 0.7  # of nominal load
UNSEEN = 0.05  # of nominal load below the highest level, kept out of training
_LEVELS = (1.3, 1.25, 1.2, 1.15, 1.1, 1.05, 1.0, 0.95, 0.9, 0.85)
_SCATTER, _MOST_SCATTER = 0.05, 0.2


def highest_level(grid: Grid) -> float:
    """The highest load level, of a few, at which the nominal pattern has a dispatch.

    Raises:
        NoAnswer: If there is none, so that nothing can be learned.
    """
    solver = Solver(Network(grid))
    for level in _LEVELS:
        try:
            solver.solve(level * grid.load + grid.shunt, grid.limit)
        except InfeasibleDispatch:
            continue
        return level
    raise NoAnswer(f"{grid.name} has no dispatch at 85 % load or more, so there is nothing to learn from")


def draw_loads(grid: Grid, count: int, low: float, high: float, random: np.random.Generator) -> Float[ndarray, "b n"]:
    """Loads at the buses [MW]: a level between `low` and `high` for all, and scatter at each bus."""
    level = random.uniform(low, high, (count, 1))
    scatter = 1 + np.clip(random.normal(0, _SCATTER, (count, len(grid.load))), -_MOST_SCATTER, _MOST_SCATTER)
    return np.asarray(grid.load * level * scatter)


def draw_outages(grid: Grid, count: int, random: np.random.Generator) -> Int[ndarray, " c"]:
    """Lines whose single loss leaves the grid in one piece."""
    found: list[int] = []
    for line in random.permutation(len(grid.lines)).tolist():
        if len(found) == count:
            break
        try:
            Network(without_line(grid, line))
        except IslandedNetwork:
            continue
        found.append(line)
    return np.array(found, dtype=int)


def without_line(grid: Grid, line: int) -> Grid:
    return grid.without(np.arange(len(grid.lines)) == line, np.zeros(len(grid.generators), dtype=bool))


@dataclass(frozen=True)
class Lesson:
    """Scenarios on one network with their optima; those without a dispatch are left out."""

    form: NormalForm
    demand: Float[ndarray, "b n"]  # MW at the buses
    demands: Demands
    best: Float[ndarray, "b g"]  # shares


def lesson(network: Network, loads: Float[ndarray, "b n"], lines: Int[ndarray, " k"]) -> Lesson:
    """The optima of these loads, and the lines that bind or were ever overloaded on the way to them."""
    projector = Projector(network, network.grid.limit, lines)
    demand = loads + network.grid.shunt
    found = projector.feasible(demand, cheapest)
    done = np.flatnonzero(found.done)
    return Lesson(projector.form, demand[done], projector.form.demands(demand[done]), found.share[done])
