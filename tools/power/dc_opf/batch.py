"""Many load scenarios on one grid: the network is factorised once, and lines that bind in one scenario are known in the next."""

from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from tools.contract import BadInput
from tools.power.dc_opf.exact import Dispatch, Solver
from tools.power.dc_opf.grid import Grid, NonConvexCost
from tools.power.dc_opf.infeasible import InfeasibleDispatch
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.project import Answers, Projector
from tools.power.dc_opf.repair import cheapest

_OPTIMAL_PCT = 1e-6  # certified gap up to which a dispatch counts as the optimum


class BadShape(BadInput):
    """An array does not fit the grid."""


def solve_batch(grid: Grid, loads_mw: ArrayLike) -> list[Dispatch | InfeasibleDispatch]:
    """The cheapest dispatch of each scenario, or why it has none.

    Args:
        grid: Where; `shipped_grid(name)` or `grid_from_file(path)`.
        loads_mw: Load of each bus in each scenario [MW], of shape (scenarios, buses); buses as in `grid.buses`.

    Raises:
        BadShape: If `loads_mw` has another shape or holds what is no finite number.
        IslandedNetwork: If the grid is not connected.
    """
    solver = Solver(Network(grid))
    return [_solve(solver, load + grid.shunt) for load in _checked(grid, loads_mw)]


def answer_batch(grid: Grid, loads_mw: ArrayLike, method: Literal["projection", "neural"] = "projection") -> Answers:
    """A certified dispatch for each of many scenarios, which advance together; about ten times as fast as `solve_batch`.

    Args:
        grid: As for `solve_batch`.
        loads_mw: As for `solve_batch`.
        method: "projection" gives optima; "neural" what the grid's trained nets propose, made feasible, with a certified gap of
            at most 1 %. What cannot be certified is solved as by `solve_batch`, which is slow where many costs are straight.

    Raises:
        BadShape: As `solve_batch`.
        IslandedNetwork: If the grid is not connected.
    """
    demand, network = _checked(grid, loads_mw) + grid.shunt, Network(grid)
    if method == "projection":
        return Projector(network, grid.limit, np.zeros(0, dtype=int), max_gap_pct=_OPTIMAL_PCT).solve(demand, cheapest)
    from tools.power.dc_opf.learn import nets_for
    from tools.power.dc_opf.neural import solve_many

    nets, _ = nets_for(grid)
    return solve_many(nets, grid, network, demand, grid.limit)


def _checked(grid: Grid, loads_mw: ArrayLike) -> Float[ndarray, "b n"]:
    loads = np.asarray(loads_mw, dtype=float)
    if loads.ndim != 2 or loads.shape[1] != len(grid.buses):
        raise BadShape(
            f"loads_mw has the shape {loads.shape}, must be (scenarios, {len(grid.buses)})",
            hint=f"{grid.name} has {len(grid.buses)} buses; give one row for each scenario",
        )
    if not np.isfinite(loads).all():
        raise BadShape("loads_mw holds values that are no finite numbers", hint="give every load in MW")
    return loads


def _solve(solver: Solver, demand: np.ndarray) -> Dispatch | InfeasibleDispatch:
    try:
        return solver.solve(demand, solver.network.grid.limit)
    except InfeasibleDispatch as reason:
        return reason


def with_costs(grid: Grid, costs: ArrayLike) -> Grid:
    """The same grid with other costs.

    Args:
        grid: A grid with polynomial costs.
        costs: For each generator c2 [$/MW^2h], at least 0, c1 [$/MWh] and c0 [$/h]; of shape (generators, 3).

    Raises:
        BadShape: If `costs` has another shape or holds what is no finite number.
        NonConvexCost: If a c2 is negative.
    """
    given = np.asarray(costs, dtype=float)
    if given.shape != grid.cost.shape or not np.isfinite(given).all():
        raise BadShape(
            f"costs has the shape {given.shape}, must be {grid.cost.shape} and hold finite numbers",
            hint="give c2, c1 and c0 for each generator, in the order of grid.generators",
        )
    if (concave := np.flatnonzero(given[:, 0] < 0)).size:
        name = grid.generators[grid.unit[concave[0]]]
        raise NonConvexCost(f"generator {name} has the quadratic cost {given[concave[0], 0]:g}", hint="give at least 0")
    return replace(grid, cost=given)
