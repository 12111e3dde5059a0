"""The cheapest dispatch to the last digit: a linear programme proposes, a polish ends it, and a certificate decides.

Lines enter the programme when they are overloaded, and cost curves are cut into pieces that are straight. The proposal need
not be close: the polish finds the optimum from which limits bind, and only where it fails the pieces are made finer.

Source: papers/02, the baseline that a learned method has to beat: distribution factors with lazy rows and a shared row pool.
Differs from it: quadratic costs are not left to HiGHS, which does not always come to an end with them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from tools.contract import NoAnswer
from tools.power.dc_opf.certificate import Certificate, Scenario, certify
from tools.power.dc_opf.infeasible import check_capacity, check_lines, overloaded_lines
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.polish import polish
from tools.power.dc_opf.programme import LinePool, Point

TOLERANCE = 1e-8  # largest KKT residual of an answer
_ROUNDS = 60  # of refining the cost curves; a few are enough, for the polish ends it


class Uncertified(NoAnswer):
    """No attempt gave a dispatch that passes its own optimality check."""


@dataclass(frozen=True)
class Dispatch:
    """The cheapest dispatch of a scenario."""

    output: Float[ndarray, " g"]  # MW, of each block
    flow: Float[ndarray, " m"]  # MW
    price: Float[ndarray, " n"]  # $/MWh
    line_price: Float[ndarray, " m"]  # $/MWh, positive where the limit along the line binds, negative against it
    certificate: Certificate


class Solver:
    """Solves scenarios on one network; lines that were overloaded in one stay in the programme of the next."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._pool = LinePool(network)

    def solve(self, demand: Float[ndarray, " n"], limit: Float[ndarray, " m"]) -> Dispatch:
        """The cheapest dispatch for this demand at the buses [MW] under these line limits [MW].

        Raises:
            InfeasibleDispatch: If there is none, with the reason.
            Uncertified: If the solver failed; nothing uncertified is returned.
        """
        scenario = Scenario(self.network, demand, limit)
        check_capacity(scenario)
        breaks = self._pool.programme(scenario).first_breaks()
        best = np.inf
        for _ in range(_ROUNDS):
            proposal, point = self._within_limits(scenario, breaks)
            dispatch = self._certified(scenario, point)
            best = min(best, dispatch.certificate.kkt_residual)
            if best <= TOLERANCE:
                return dispatch
            breaks = self._pool.programme(scenario).more_breaks(breaks, proposal.output)
        raise Uncertified(f"the best dispatch found misses the optimality conditions by {best:.1e}", residual=best)

    def finish(self, demand: Float[ndarray, " n"], limit: Float[ndarray, " m"], near: Point) -> Dispatch | None:
        """The optimum that the polish alone makes of a dispatch near it, or None if that is not certified.

        Args:
            near: Whoever proposed it; with a multiplier for every line of the network.
        """
        scenario = Scenario(self.network, demand, limit)
        self._pool.add(np.setdiff1d(np.flatnonzero(near.line_price), self._pool.lines))
        while True:
            programme = self._pool.programme(scenario)
            point = polish(programme, Point(near.output, near.balance_price, near.line_price[self._pool.lines]))
            overloaded = overloaded_lines(scenario, point.output, self._pool)
            if len(overloaded) == 0:
                break
            self._pool.add(overloaded)
        dispatch = self._certified(scenario, point)
        return dispatch if dispatch.certificate.kkt_residual <= TOLERANCE else None

    def _within_limits(self, scenario: Scenario, breaks: Float[ndarray, "g b"]) -> tuple[Point, Point]:
        """A proposal and what the polish makes of it, for a pool that has grown until no other line is overloaded."""
        while True:
            programme = self._pool.programme(scenario)
            proposal = programme.propose(breaks)
            if proposal is None:
                check_lines(scenario, self._pool)
                raise Uncertified("the solver found neither a dispatch nor a reason why there is none")
            point = polish(programme, proposal)
            overloaded = overloaded_lines(scenario, point.output, self._pool)
            if len(overloaded) == 0:
                return proposal, point
            self._pool.add(overloaded)

    def _certified(self, scenario: Scenario, point: Point) -> Dispatch:
        line_price = np.zeros(len(self.network.grid.lines))
        line_price[self._pool.lines] = point.line_price
        return Dispatch(
            output=point.output,
            flow=scenario.flows(point.output),
            price=self.network.prices(point.balance_price, line_price),
            line_price=line_price,
            certificate=certify(scenario, point.output, point.balance_price, line_price),
        )
