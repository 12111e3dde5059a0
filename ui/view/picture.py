"""A network as a picture: layers left to right, their agents as boxes, who hears whom as wires; only places, no drawing."""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.spec import GraphSpec, LayerSpec, TeamSpec

BOX_WIDTH, BOX_HEIGHT = 180, 46
ROW_GAP, COLUMN_GAP = 14, 70
HEAD = 58  # room above the boxes for a layer's name and how its team combines
MARGIN = 10
MOST_ROWS = 8  # agents drawn in one layer; the rest is counted


@dataclass(frozen=True)
class Box:
    """One agent, or the count of those not drawn (`agent` empty)."""

    layer: str
    agent: str
    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Column:
    """A layer's heading."""

    layer: str
    combines: str
    x: float


@dataclass(frozen=True)
class Wire:
    """Who hears whom: from box to box (`layer/agent`), the same as an SVG path, and whether it stays inside a team."""

    source: str
    target: str
    path: str
    inside: bool = False


@dataclass(frozen=True)
class Picture:
    """Boxes, headings and wires in pixels."""

    width: float
    height: float
    columns: tuple[Column, ...]
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


def picture(graph: GraphSpec, chosen: Mapping[str, str]) -> Picture:
    """Lay a network out.

    Args:
        graph: The network.
        chosen: The team that ran, by layer; elsewhere a layer's first team is drawn.
    """
    teams = {layer.id: _team(layer, chosen) for layer in graph.layers}
    rows = {i: min(len(t.agents), MOST_ROWS) + (len(t.agents) > MOST_ROWS) for i, t in teams.items()}
    tallest = max(rows.values())
    columns, boxes, wires = [], [], []
    places: dict[str, dict[str, Box]] = {}
    for k, (layer, sources) in enumerate(graph.wired()):
        x = MARGIN + k * (BOX_WIDTH + COLUMN_GAP)
        top = HEAD + (tallest - rows[layer.id]) * (BOX_HEIGHT + ROW_GAP) / 2
        team = teams[layer.id]
        columns.append(Column(layer.id, _combines(layer, team), x))
        placed = _boxes(layer.id, team, x, top)
        boxes += placed
        places[layer.id] = {box.agent: box for box in placed if box.agent}
        wires += _inner_wires(team, places[layer.id])
        for source in sources:
            wires += _between(teams[source], places[source], team, places[layer.id])
    width = 2 * MARGIN + len(graph.layers) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP
    height = HEAD + tallest * (BOX_HEIGHT + ROW_GAP) - ROW_GAP + MARGIN
    return Picture(width, height, tuple(columns), tuple(boxes), tuple(wires))


def _team(layer: LayerSpec, chosen: Mapping[str, str]) -> TeamSpec:
    return layer.team(chosen[layer.id]) if layer.id in chosen else layer.teams[0]


def _combines(layer: LayerSpec, team: TeamSpec) -> str:
    pool = f", 1 of {len(layer.teams)} teams" if len(layer.teams) > 1 else ""
    return f"{team.aggregator}{pool}"


def _boxes(layer: str, team: TeamSpec, x: float, top: float) -> list[Box]:
    step = BOX_HEIGHT + ROW_GAP
    shown = team.agents[:MOST_ROWS]
    boxes = [Box(layer, agent.id, agent.id, x, top + k * step) for k, agent in enumerate(shown)]
    if hidden := len(team.agents) - len(shown):
        boxes.append(Box(layer, "", f"and {hidden:,} more", x, top + len(shown) * step))
    return boxes


def _inner_wires(team: TeamSpec, places: Mapping[str, Box]) -> list[Wire]:
    """Wires inside a team bulge out on its left side."""
    wires = []
    for target, sources in team.parents.items():
        for source in sources:
            if source in places and target in places:
                a, b = places[source], places[target]
                y1, y2 = a.y + BOX_HEIGHT / 2, b.y + BOX_HEIGHT / 2
                bulge = a.x - 12 - abs(y2 - y1) / 12
                path = f"M{a.x:g} {y1:g} C{bulge:g} {y1:g} {bulge:g} {y2:g} {b.x:g} {y2:g}"
                wires.append(Wire(f"{a.layer}/{source}", f"{b.layer}/{target}", path, inside=True))
    return wires


def _between(one: TeamSpec, its: Mapping[str, Box], other: TeamSpec, theirs: Mapping[str, Box]) -> list[Wire]:
    """From the agents that give a layer's answer to those that open the next one."""
    wires = []
    for source in (its[i] for i in one.sinks if i in its):
        for target in (theirs[i] for i, parents in other.parents.items() if not parents and i in theirs):
            x1, y1 = source.x + BOX_WIDTH, source.y + BOX_HEIGHT / 2
            x2, y2 = target.x, target.y + BOX_HEIGHT / 2
            middle = (x1 + x2) / 2
            path = f"M{x1:g} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
            wires.append(Wire(f"{source.layer}/{source.agent}", f"{target.layer}/{target.agent}", path))
    return wires
