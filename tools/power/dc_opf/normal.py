"""The dispatch problem without units: each block's share of its range, each line's share of its limit, costs by their spread.

    minimise  sum_g weight_g (offset_g x_g + slope_g x_g^2 / 2)
    subject to  weight @ x = total,  0 <= x <= 1,  |idle + effect @ x| <= 1

The demand enters through `total` and `idle` alone, so whoever knows these two and the constants knows the whole problem,
whatever the size of the grid. Neither the reference bus, nor the units, nor a constant added to all costs changes it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from tools.power.dc_opf.network import Network


@dataclass(frozen=True)
class Demands:
    """What tells b scenarios on one network apart."""

    total: Float[ndarray, " b"]  # share of the movable range of all blocks that the demand takes up
    idle: Float[ndarray, "b k"]  # loading of each line of the form with all blocks at their least output

    def of(self, rows: Shaped[ndarray, " s"] | slice) -> "Demands":
        return Demands(self.total[rows], self.idle[rows])


class NormalForm:
    """The problem of one network, with the lines that are told to it; k lines, g blocks that can move.

    Args:
        network: The topology, costs and limits of generators.
        limit: Limit of every line [MW].
        lines: Indices of lines with a finite limit, those that may come near it.
    """

    def __init__(self, network: Network, limit: Float[ndarray, " m"], lines: Int[ndarray, " k"]) -> None:
        grid = network.grid
        self.network, self.limit = network, limit
        self.movable = np.flatnonzero(grid.high > grid.low)
        width = (grid.high - grid.low)[self.movable]
        square, linear, _ = grid.cost[self.movable].T
        at_low, rise = linear + 2 * square * grid.low[self.movable], 2 * square * width  # $/MWh
        self.range = float(width.sum())  # MW
        self.weight = width / self.range
        middle = at_low + rise / 2
        self.mean_cost = float(self.weight @ middle)  # $/MWh
        spread = float(np.sqrt(self.weight @ (middle - self.mean_cost) ** 2))
        self.spread = spread if spread > 1e-6 * max(abs(self.mean_cost), 1) else 1.0  # $/MWh
        self.offset, self.slope = (at_low - self.mean_cost) / self.spread, rise / self.spread
        self.lines: Int[ndarray, " k"] = np.zeros(0, dtype=int)
        self.effect: Float[ndarray, "k g"] = np.zeros((0, len(width)))
        self._lean: Float[ndarray, " k"] = np.zeros(0)
        self.add(lines)

    def add(self, lines: Int[ndarray, " j"]) -> None:
        """Take in further lines."""
        at, width = self.network.grid.at[self.movable], self.weight * self.range
        effect = self.network.distribution_factors(lines)[:, at] * width / self.limit[lines, None]
        lean = effect.sum(axis=1)  # what the choice of the reference bus puts into the effects, taken out of them
        self.lines = np.append(self.lines, lines)
        self.effect = np.vstack([self.effect, effect - lean[:, None] * self.weight])
        self._lean = np.append(self._lean, lean)

    def demands(self, demand: Float[ndarray, "b n"]) -> Demands:
        """The scenarios with these demands at the buses [MW]."""
        grid = self.network.grid
        total = (demand.sum(axis=1) - grid.low.sum()) / self.range
        fed_in = np.bincount(grid.at, grid.low, minlength=demand.shape[1])
        factors = self.network.distribution_factors(self.lines)
        still = self.network.flows(np.zeros(demand.shape[1]))[self.lines]  # what phase shifters drive round
        flow = (fed_in - demand) @ factors.T + still
        return Demands(total, flow / self.limit[self.lines] + total[:, None] * self._lean)

    def share(self, output: Float[ndarray, "b all"]) -> Float[ndarray, "b g"]:
        """Each movable block's share of its range, given the output of all blocks [MW]."""
        grid = self.network.grid
        return np.asarray((output - grid.low)[:, self.movable] / (grid.high - grid.low)[self.movable])

    def output(self, share: Float[ndarray, "b g"]) -> Float[ndarray, "b all"]:
        """Output of all blocks [MW], within their limits to the last digit."""
        grid = self.network.grid
        output = np.repeat(grid.low[None], len(share), axis=0)
        output[:, self.movable] += share * (self.weight * self.range)
        return np.asarray(np.clip(output, grid.low, grid.high))

    def prices(
        self, balance: Float[ndarray, " b"], line: Float[ndarray, "b k"]
    ) -> tuple[Float[ndarray, " b"], Float[ndarray, "b m"]]:
        """Price at the reference bus and multiplier of every line [$/MWh], given those of the normal form."""
        line_price = np.zeros((len(balance), len(self.limit)))
        line_price[:, self.lines] = line * (self.spread * self.range / self.limit[self.lines])
        return self.mean_cost + self.spread * (balance + line @ self._lean), line_price
