"""A grid in a certain state, and the network it amounts to, or the reason why there is none."""

from functools import cache

import numpy as np
from pydantic import BaseModel, ConfigDict

from experiments.suites.grid_questions.reference import Network
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.names import GRIDS
from tools.power.dc_opf.shipped import shipped_grid

BASE = 100.0  # MVA


class UnknownGrid(Exception):
    """No grid of this name is shipped."""


class UnknownElement(Exception):
    """The grid has no such bus, line or generator."""


class Islanded(Exception):
    """The outages cut buses off from the rest."""


class Injection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    bus: int
    p_mw: float


class Scenario(BaseModel):
    """Loads and line limits in percent of the shipped ones; elements by their published names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: str
    load_percent: float = 100
    rating_percent: float = 100
    outages: tuple[str, ...] = ()
    generator_outages: tuple[str, ...] = ()
    renewables: tuple[Injection, ...] = ()


@cache
def grid_of(name: str) -> Grid:
    if name not in GRIDS:
        raise UnknownGrid(name)
    return shipped_grid(name)


def bus_index(grid: Grid, number: int) -> int:
    found = np.flatnonzero(grid.buses == number)
    if not len(found):
        raise UnknownElement(f"bus {number}")
    return int(found[0])


def line_index(lines: tuple[str, ...], name: str) -> int:
    """The position of "6-8" or "8-6", or of a further circuit such as "6-8#2"."""
    pair, *circuit = name.split("#")
    back = "#".join(["-".join(reversed(pair.split("-"))), *circuit])
    for said in (name, back):
        if said in lines:
            return lines.index(said)
    raise UnknownElement(f"line {name}")


def network_of(scenario: Scenario) -> tuple[Grid, Network]:
    """The grid with its outages, and its network.

    Raises:
        UnknownGrid: No grid of this name is shipped.
        UnknownElement: It has no such bus, line or generator.
        Islanded: The outages cut it apart.
    """
    whole = grid_of(scenario.grid)
    lines_out = np.zeros(len(whole.lines), dtype=bool)
    for name in scenario.outages:
        lines_out[line_index(whole.lines, name)] = True
    generators_out = np.isin(whole.generators, scenario.generator_outages)
    if generators_out.sum() < len(scenario.generator_outages):
        raise UnknownElement(f"generator among {', '.join(scenario.generator_outages)}")
    grid = whole.without(lines_out, generators_out)
    load = grid.load * scenario.load_percent / 100 + grid.shunt
    for r in scenario.renewables:
        load[bus_index(grid, r.bus)] -= r.p_mw
    _check_connected(grid)
    network = Network(
        load=load,
        gen_bus=grid.at,
        lowest=grid.low,
        highest=grid.high,
        cost=grid.cost,
        start=grid.start,
        end=grid.end,
        susceptance=grid.susceptance / BASE,
        shift=grid.shift * BASE,
        limit=grid.limit * scenario.rating_percent / 100,
    )
    return grid, network


def _check_connected(grid: Grid) -> None:
    import networkx as nx

    graph = nx.Graph(list(zip(grid.start.tolist(), grid.end.tolist(), strict=True)))
    graph.add_nodes_from(range(len(grid.buses)))
    parts = sorted(nx.connected_components(graph), key=len)
    if len(parts) > 1:
        raise Islanded(f"buses {', '.join(str(grid.buses[i]) for part in parts[:-1] for i in sorted(part))}")
