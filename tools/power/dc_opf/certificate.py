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
        return self.network.flows(self.network.fed_in(output) - self.demand)


@dataclass(frozen=True)
class Certificate:
    """What is proved about a dispatch."""

    cost: float  # $/h
    bound: float  # $/h, no feasible dispatch costs less
    balance_error: float  # MW
    limit_error: float  # MW, by which a generator is outside its limits
    overload: float  # MW, by which a line is above its limit
    overload_share: float  # of its limit
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
    (found,) = certify_all(
        scenario.network,
        scenario.limit,
        scenario.demand[None],
        output[None],
        np.array([balance_price]),
        line_price[None],
    )
    return found


def certify_all(
    network: Network,
    limit: Float[ndarray, " m"],
    demand: Float[ndarray, "b n"],
    output: Float[ndarray, "b g"],
    balance_price: Float[ndarray, " b"],
    line_price: Float[ndarray, "b m"],
) -> list[Certificate]:
    """`certify` for many scenarios on one network under the same limits."""
    grid, limited = network.grid, np.flatnonzero(np.isfinite(limit))
    square, linear, fixed = grid.cost.T
    unlimited = np.isinf(limit)
    price = network.prices(balance_price, np.where(unlimited, 0, line_price))[:, grid.at]
    flow, most, line_price = (
        network.flows(network.fed_in(output) - demand)[:, limited],
        limit[limited],
        line_price[:, limited],
    )
    cost = (square * output**2 + linear * output + fixed).sum(axis=1)
    needed = demand.sum(axis=1)
    balance_error = output.sum(axis=1) - needed
    limit_error = _largest(np.maximum(grid.low - output, output - grid.high))
    overload = np.abs(flow) - most

    net_cost = 2 * square * output + linear - price  # zero where a generator is free to move
    unmoved = np.abs(output - np.clip(output - net_cost, grid.low, grid.high)) / np.maximum(grid.high - grid.low, 1)
    idle = (
        np.minimum(np.abs(line_price), np.abs(most - np.sign(line_price) * flow)) / most
    )  # nothing where no price is set
    residual = np.max(
        [
            _largest(unmoved),
            _largest(idle),
            _largest(overload / most),
            np.abs(balance_error) / np.maximum(np.abs(needed), 1),
            limit_error / max(float(np.max(np.abs(grid.high), initial=0)), 1),
        ],
        axis=0,
    )
    sold = (price * output).sum(axis=1) - balance_price * balance_error
    congestion = (line_price * flow - np.abs(line_price) * most).sum(axis=1)
    bound = _least_net_cost(grid, price) + sold + congestion
    columns = (cost, bound, np.abs(balance_error), limit_error, _largest(overload), _largest(overload / most), residual)
    return [Certificate(*map(float, row)) for row in zip(*columns, strict=True)]


def _largest(errors: Float[ndarray, "b e"]) -> Float[ndarray, " b"]:
    return np.asarray(np.max(errors, axis=1, initial=0))


def _least_net_cost(grid: Grid, price: Float[ndarray, "b g"]) -> Float[ndarray, " b"]:
    """The least cost of generation less its sale at these prices [$/h], each block anywhere within its limits."""
    square, linear, fixed = grid.cost.T
    slope = linear - price
    end = np.where(slope > 0, grid.low, grid.high)
    vertex = np.divide(-slope, 2 * square, out=end, where=square > 0)
    best = np.clip(vertex, grid.low, grid.high)
    return np.asarray((square * best**2 + slope * best + fixed).sum(axis=1))
