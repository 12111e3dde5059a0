"""The dispatch problem with as few rows as it needs: generator blocks, the balance, and the lines that were ever overloaded.

Source: papers on security-constrained dispatch add violated lines one by one, B. Stott and E. Hobson, IEEE Trans. PAS-97
(1978), 1713.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.power.dc_opf.certificate import Scenario
from tools.power.dc_opf.highs import propose
from tools.power.dc_opf.network import Network


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

    def propose(self, **options: Any) -> Point | None:
        """HiGHS's answer, or None where it has none."""
        found = propose(
            self.square,
            self.linear,
            self.low,
            self.high,
            np.vstack([np.ones(len(self.low)), self.factors]),
            np.append(self.total, -self.limit - self.idle_flow),
            np.append(self.total, self.limit - self.idle_flow),
            **options,
        )
        if found is None:
            return None
        return Point(found.point, float(found.multiplier[0]), -found.multiplier[1:])


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
