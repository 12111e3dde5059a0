"""The cheapest dispatch to the last digit: lines enter when overloaded, HiGHS proposes, a polish ends it, a certificate decides.

Source: papers/02, the baseline that a learned method has to beat: distribution factors with lazy rows and a shared row pool.
Differs from it: the proposal is polished on its active limits, so a "solve error" of HiGHS with a good point costs nothing.
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
_ATTEMPTS: tuple[dict[str, float | str], ...] = (
    {},
    {"qp_regularization_value": 1e-5},
    {"presolve": "off", "primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
)


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
        best = np.inf
        for options in _ATTEMPTS:
            point = self._attempt(scenario, options)
            if point is None:
                check_lines(scenario, self._pool)
                continue
            dispatch = self._certified(scenario, point)
            best = min(best, dispatch.certificate.kkt_residual)
            if best <= TOLERANCE:
                return dispatch
        raise Uncertified(f"the best dispatch found misses the optimality conditions by {best:.1e}", residual=best)

    def _attempt(self, scenario: Scenario, options: dict[str, float | str]) -> Point | None:
        """The optimum over the lines of the pool, which grows until no other line is overloaded."""
        while True:
            programme = self._pool.programme(scenario)
            proposal = programme.propose(**options)
            if proposal is None:
                return None
            point = polish(programme, proposal)
            overloaded = overloaded_lines(scenario, point.output, self._pool)
            if len(overloaded) == 0:
                return point
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
