"""The dispatch problem with as few rows as it needs: generator blocks, the balance, and the lines that were ever overloaded.

Source: B. Stott and E. Hobson, Power system security control calculations using linear programming, IEEE Trans. PAS-97
(1978), 1713, which also adds lines when they are violated and cuts cost curves into straight pieces.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.power.dc_opf.certificate import Scenario
from tools.power.dc_opf.highs import propose
from tools.power.dc_opf.network import Network

_PIECES = 2  # of a cost curve in the first proposal; more only cost time, for the polish needs no close proposal


@dataclass(frozen=True)
class Point:
    """A dispatch and its prices, as somebody proposed them."""

    output: Float[ndarray, " g"]  # MW, of each block
    balance_price: float  # $/MWh, at the reference bus
    line_price: Float[ndarray, " k"]  # $/MWh, positive where the limit along the line binds, negative against it


@dataclass(frozen=True)
class Programme:
    """Minimise sum(square p^2 + linear p), sum(p) = total, low <= p <= high, |factors @ p + idle_flow| <= limit."""

    square: Float[ndarray, " g"]
    linear: Float[ndarray, " g"]
    low: Float[ndarray, " g"]
    high: Float[ndarray, " g"]
    total: float
    factors: Float[ndarray, "k g"]
    idle_flow: Float[ndarray, " k"]  # MW, at no generation
    limit: Float[ndarray, " k"]

    def propose(self, breaks: Float[ndarray, "g b"]) -> Point | None:
        """The optimum if each cost curve ran straight between these outputs, or None where no dispatch is found.

        Each piece of a curve is a variable of its own. The curves are convex, so cheaper pieces fill before dearer ones.
        """
        width = np.diff(breaks)
        slope = self.linear[:, None] + self.square[:, None] * (breaks[:, 1:] + breaks[:, :-1])
        block, piece = np.nonzero(width)
        idle_flow = self.idle_flow + self.factors @ self.low
        found = propose(
            cost=slope[block, piece],
            low=np.zeros(len(block)),
            high=width[block, piece],
            rows=np.vstack([np.ones(len(block)), self.factors[:, block]]),
            row_low=np.append(self.total - self.low.sum(), -self.limit - idle_flow),
            row_high=np.append(self.total - self.low.sum(), self.limit - idle_flow),
        )
        if found is None:
            return None
        output = self.low + np.bincount(block, found.point, minlength=len(self.low))
        return Point(output, float(found.multiplier[0]), -found.multiplier[1:])

    def first_breaks(self) -> Float[ndarray, "g b"]:
        """Breaks for a first proposal: evenly over the range of each block, none inside where the cost is linear."""
        share = np.where(self.square[:, None] > 0, np.linspace(0, 1, _PIECES + 1), np.arange(_PIECES + 1) > 0)
        return np.asarray(self.low[:, None] + share * (self.high - self.low)[:, None])

    def more_breaks(self, breaks: Float[ndarray, "g b"], output: Float[ndarray, " g"]) -> Float[ndarray, "g b+3"]:
        """The same breaks, a new one at the output of each curved block, and new ones half-way to its neighbours."""
        at = np.where(self.square > 0, output, self.low)[:, None]
        before = np.where(breaks < at, breaks, self.low[:, None]).max(axis=1, keepdims=True)
        after = np.where(breaks > at, breaks, self.high[:, None]).min(axis=1, keepdims=True)
        after = np.where(self.square[:, None] > 0, after, at)
        return np.sort(np.hstack([breaks, at, (before + at) / 2, (after + at) / 2]))


class LinePool:
    """The lines of a network whose limits stand in the programme, with their rows of distribution factors."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.lines: Int[ndarray, " k"] = np.zeros(0, dtype=int)
        self.factors: Float[ndarray, "k g"] = np.zeros((0, len(network.grid.at)))

    def add(self, lines: Int[ndarray, " j"]) -> None:
        """Take in lines that are not in the pool yet."""
        at = self.network.grid.at
        self.lines = np.append(self.lines, lines)
        self.factors = np.vstack([self.factors, self.network.distribution_factors(lines)[:, at]])

    def programme(self, scenario: Scenario) -> Programme:
        """The programme of a scenario on this network, with the lines of the pool that have a limit in it."""
        grid = self.network.grid
        square, linear, _ = grid.cost.T
        idle = scenario.flows(np.zeros(len(grid.at)))
        return Programme(
            square=square,
            linear=linear,
            low=grid.low,
            high=grid.high,
            total=float(scenario.demand.sum()),
            factors=self.factors,
            idle_flow=idle[self.lines],
            limit=scenario.limit[self.lines],
        )
