"""The neural method: trained nets guess, the repair makes the guess feasible, a certificate says how good it is.

For many scenarios that is the answer. For one, the polish of the exact method goes on from there to the optimum, so that its
prices are exact too; what cannot be certified is solved exactly, and the answer says so.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.power.dc_opf.exact import Dispatch, Solver
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.learn import Nets
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.programme import Point
from tools.power.dc_opf.project import Answers, Projector

FLOW_STEPS = 5
MAX_GAP_PCT = 1.0


def solve_many(
    nets: Nets,
    whole: Grid,
    network: Network,
    demand: Float[ndarray, "b n"],
    limit: Float[ndarray, " m"],
    *,
    flow_steps: int = FLOW_STEPS,
    max_gap_pct: float = MAX_GAP_PCT,
) -> Answers:
    """A dispatch for each of these demands at the buses [MW].

    Args:
        nets: Those of the grid `whole`; the network may have lost some of its lines and generators since.
        flow_steps: Steps of the flow, 0 for the network's own guess.
        max_gap_pct: An answer with a larger certified gap is solved exactly [%].
    """
    projector = Projector(network, limit, watched(nets, whole, network.grid, limit), max_gap_pct)
    return projector.solve(demand, lambda form, demands: nets.guess(form, demands, flow_steps))


@dataclass(frozen=True)
class Proposal:
    """How the nets did on one scenario, before the polish."""

    gap_pct: float  # of their dispatch after the repair, certified
    used: bool  # the answer grew out of it; if not, the exact method gave it


def solve_one(
    nets: Nets, whole: Grid, network: Network, demand: Float[ndarray, " n"], limit: Float[ndarray, " m"]
) -> tuple[Dispatch, Proposal]:
    """The cheapest dispatch for this demand [MW], and how near the nets came.

    Raises:
        InfeasibleDispatch: If there is none, with the reason.
    """
    projector = Projector(network, limit, watched(nets, whole, network.grid, limit))
    found = projector.solve(demand[None], lambda form, demands: nets.guess(form, demands, FLOW_STEPS), fall_back=False)
    proved = found.certificates[0]
    solver = Solver(network)
    dispatch = None
    if projector.holds(proved):
        near = Point(found.output[0], float(found.balance_price[0]), found.line_price[0])
        dispatch = solver.finish(demand, limit, near)
    used = dispatch is not None
    return dispatch or solver.solve(demand, limit), Proposal(proved.gap_pct, used)


def watched(nets: Nets, whole: Grid, grid: Grid, limit: Float[ndarray, " m"]) -> Int[ndarray, " k"]:
    """The lines of `grid` that the nets of the whole grid watch."""
    rows = whole.rows[nets.watched.numpy()]
    return np.flatnonzero(np.isin(grid.rows, rows) & np.isfinite(limit))
