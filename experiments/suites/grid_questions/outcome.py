"""What can be asked about the cheapest dispatch of a scenario; the vocabulary of truths."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from experiments.suites.grid_questions.reference import Network, Optimum, solve
from experiments.suites.grid_questions.scenario import (
    Scenario,
    UnknownElement,
    bus_index,
    line_index,
    network_of,
)
from tools.power.dc_opf.grid import Grid

FULL = 1 - 1e-7  # of its limit: a line that carries more is at its limit
NEARLY_FULL = 1 - 1e-4  # a line between the two would make "at its limit" a matter of tolerance
FREE = 1e-4  # $/MWh: a line at its limit with a smaller multiplier limits nothing


class Ambiguous(Exception):
    """The question has more than one right answer."""


@dataclass(frozen=True)
class Outcome:
    """The optimum of one scenario in the words of people: published names, $/h, $/MWh, MW, %."""

    scenario: Scenario
    grid: Grid
    network: Network
    optimum: Optimum

    @classmethod
    def of(cls, scenario: Scenario) -> "Outcome":
        """Solve a scenario. Raises what `network_of` and `solve` raise."""
        grid, network = network_of(scenario)
        return cls(scenario, grid, network, solve(network))

    @property
    def cost(self) -> float:
        return self.optimum.cost

    @property
    def load(self) -> float:
        """MW that customers take."""
        return float(self.grid.load.sum()) * self.scenario.load_percent / 100

    @property
    def price_max(self) -> float:
        return float(self.optimum.price.max())

    @property
    def price_min(self) -> float:
        return float(self.optimum.price.min())

    @property
    def price_mean(self) -> float:
        return float(self.optimum.price.mean())

    @property
    def dearest_bus(self) -> int:
        second, first = np.argsort(self.optimum.price)[-2:]
        if self.optimum.price[second] > self.optimum.price[first] - FREE:
            raise Ambiguous(f"buses {self.grid.buses[first]} and {self.grid.buses[second]} have the same price")
        return int(self.grid.buses[first])

    def price(self, bus: int) -> float:
        return float(self.optimum.price[bus_index(self.grid, bus)])

    def flow(self, line: str) -> float:
        """MW, positive from the bus that is named first."""
        i = line_index(self.grid.lines, line)
        named_backwards = line.split("#", maxsplit=1)[0] != self.grid.lines[i].split("#")[0]
        return float(self.optimum.flow[i]) * (-1 if named_backwards else 1)

    def loading(self, line: str) -> float:
        """Per cent of the line's limit."""
        i = line_index(self.grid.lines, line)
        if np.isinf(self.network.limit[i]):
            raise Ambiguous(f"line {line} has no limit to be loaded to")
        return float(self._loading[i]) * 100

    def output(self, generator: str) -> float:
        if generator not in self.grid.generators:
            raise UnknownElement(f"generator {generator}")
        return float(self.grid.output_of(self.optimum.output)[self.grid.generators.index(generator)])

    @property
    def generation(self) -> float:
        """MW, without the renewables that a scenario feeds in."""
        return float(self.optimum.output.sum())

    @property
    def max_loading(self) -> float:
        return float(self._loading.max()) * 100

    @property
    def most_loaded(self) -> str:
        first, second = np.argsort(-self._loading)[:2]
        if self._loading[second] > self._loading[first] - 1e-4:
            raise Ambiguous(f"{self.grid.lines[first]} and {self.grid.lines[second]} are loaded alike")
        return str(self.grid.lines[first])

    @property
    def binding_count(self) -> float:
        groups = self.binding
        if any(len(group) > 1 for group in groups):
            raise Ambiguous("lines in series share one limit")
        return float(len(groups))

    @property
    def binding(self) -> list[list[str]]:
        """The lines at their limit. Lines in series, with nothing in between, are one limit and stand in one group."""
        full = np.flatnonzero(self._loading > FULL)
        near = np.flatnonzero((self._loading > NEARLY_FULL) & (self._loading <= FULL))
        if len(near):
            raise Ambiguous(f"line {self.grid.lines[near[0]]} is all but at its limit")
        groups = self._in_series(full.tolist())
        for group in groups:
            if np.abs(self.optimum.push[group]).sum() < FREE:
                raise Ambiguous(f"line {self.grid.lines[group[0]]} is full but limits nothing")
        return [[self.grid.lines[i] for i in group] for group in groups]

    @cached_property
    def _loading(self) -> Float[ndarray, "m"]:
        return np.asarray(np.abs(self.optimum.flow) / self.network.limit)

    def _in_series(self, lines: list[int]) -> list[list[int]]:
        """Group lines that meet at a bus with two branches and neither load nor generator."""
        net = self.network
        branches = np.bincount(np.concatenate([net.start, net.end]), minlength=len(net.load))
        passive = (branches == 2) & (net.load == 0)
        passive[net.gen_bus] = False
        groups: list[list[int]] = []
        for line in lines:
            ends = {int(net.start[line]), int(net.end[line])}
            touching = [g for g in groups if any(passive[b] for m in g for b in ends & {net.start[m], net.end[m]})]
            groups = [g for g in groups if g not in touching] + [[i for g in touching for i in g] + [line]]
        return groups
