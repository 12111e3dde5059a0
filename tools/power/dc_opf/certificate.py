"""How far a dispatch can be from the optimum, worked out from the dispatch and its prices alone, whoever found them.

The Lagrangian of the dispatch problem splits into one parabola for each generator, so its minimum over the generators'
limits has a closed form; by weak duality this is a lower bound on the cost of any feasible dispatch.

Source: S. Boyd and L. Vandenberghe, Convex Optimization (2004), sections 5.2 and 5.5.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.network import Network


@dataclass(frozen=True)
class Scenario:
    """What is asked: the cheapest dispatch on this network for this demand under these line limits."""

    network: Network
    demand: Float[ndarray, " n"]  # MW, load and shunts less what is fed in for nothing
    limit: Float[ndarray, " m"]  # MW

    def flows(self, output: Float[ndarray, " g"]) -> Float[ndarray, " m"]:
        """Line flows [MW], by a power flow with bus angles."""
        fed_in = np.bincount(self.network.grid.at, output, minlength=len(self.demand))
        return self.network.flows(fed_in - self.demand)


@dataclass(frozen=True)
class Certificate:
    """What is proved about a dispatch."""

    cost: float  # $/h
    bound: float  # $/h, no feasible dispatch costs less
    balance_error: float  # MW
    limit_error: float  # MW, by which a generator is outside its limits
    overload: float  # MW, by which a line is above its limit
    kkt_residual: float  # the largest violation of any optimality condition, relative

    @property
    def gap_pct(self) -> float:
        """The optimum is at most this share below the cost; rounding errors below zero count as zero [%]."""
        return 100 * max(self.cost - self.bound, 0.0) / max(abs(self.cost), 1.0)


def certify(
    scenario: Scenario, output: Float[ndarray, " g"], balance_price: float, line_price: Float[ndarray, " m"]
) -> Certificate:
    """Check a dispatch against the optimality conditions.

    Args:
        scenario: What was asked.
        output: Output of each generator block [MW].
        balance_price: Price at the reference bus [$/MWh].
        line_price: Multiplier of each line limit [$/MWh], positive for a flow along the line, negative against it.

    Returns:
        A bound and residuals that hold whatever the arguments are; only good ones make them small.
    """
    grid, limit = scenario.network.grid, scenario.limit
    limited = np.isfinite(limit)
    square, linear, fixed = grid.cost.T
    line_price = np.where(limited, line_price, 0)
    price = scenario.network.prices(balance_price, line_price)
    flow = scenario.flows(output)
    cost = float(np.sum(square * output**2 + linear * output + fixed))
    balance_error = float(output.sum() - scenario.demand.sum())
    limit_error = float(np.max(np.maximum(grid.low - output, output - grid.high), initial=0))
    overload = np.abs(flow[limited]) - limit[limited]

    net_cost = 2 * square * output + linear - price[grid.at]  # zero where a generator is free to move
    unmoved = np.abs(output - np.clip(output - net_cost, grid.low, grid.high)) / np.maximum(grid.high - grid.low, 1)
    priced = line_price != 0
    idle = np.minimum(np.abs(line_price), np.abs(limit - np.sign(line_price) * flow))[priced] / limit[priced]
    residuals = (
        np.max(unmoved, initial=0),
        np.max(idle, initial=0),
        np.max(overload / limit[limited], initial=0),
        abs(balance_error) / max(abs(float(scenario.demand.sum())), 1),
        limit_error / max(float(np.max(np.abs(grid.high), initial=0)), 1),
    )
    sold = price[grid.at] @ output - balance_price * balance_error
    congestion = line_price[priced] @ flow[priced] - np.abs(line_price[priced]) @ limit[priced]
    return Certificate(
        cost=cost,
        bound=_least_net_cost(grid, price) + float(sold + congestion),
        balance_error=abs(balance_error),
        limit_error=limit_error,
        overload=float(np.max(overload, initial=0)),
        kkt_residual=float(max(residuals)),
    )


def _least_net_cost(grid: Grid, price: Float[ndarray, " n"]) -> float:
    """The least cost of generation less its sale at these prices [$/h], each block anywhere within its limits."""
    square, linear, fixed = grid.cost.T
    slope = linear - price[grid.at]
    end = np.where(slope > 0, grid.low, grid.high)
    vertex = np.divide(-slope, 2 * square, out=end, where=square > 0)
    best = np.clip(vertex, grid.low, grid.high)
    return float(np.sum(square * best**2 + slope * best + fixed))
