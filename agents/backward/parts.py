"""The parts of a network by name, and what edits do to them: find, replace, insert, leave out. Pure, and known by all edits."""

from collections.abc import Sequence
from typing import Any, TypeVar

from agents.spec import AgentSpec, GraphSpec, LayerSpec, SpecError, TeamSpec

Named = TypeVar("Named", LayerSpec, TeamSpec, AgentSpec)
Edges = tuple[tuple[str, str], ...]
Wires = tuple[tuple[str, tuple[str, ...]], ...]  # layer, and the earlier layers it reads from then on


def find_layer(graph: GraphSpec, name: str) -> LayerSpec:
    """The layer of this id. Raises `SpecError`."""
    return _named(graph.layers, name, "layer")


def find_team(layer: LayerSpec, name: str = "") -> TeamSpec:
    """The team of this id, without one the pinned or first. Raises `SpecError`."""
    return _named(layer.teams, name or layer.pin or layer.teams[0].id, "team")


def find_agent(team: TeamSpec, name: str) -> AgentSpec:
    """The agent of this id. Raises `SpecError`."""
    return _named(team.agents, name, "agent")


def _named(items: Sequence[Named], name: str, what: str) -> Named:
    found = next((item for item in items if item.id == name), None)
    if found is None:
        raise SpecError(f"there is no {what} {name}; there are {', '.join(item.id for item in items)}")
    return found


def replaced(graph: GraphSpec, old: LayerSpec, new: LayerSpec) -> GraphSpec:
    """The graph with one layer in place of another."""
    return graph.model_copy(update={"layers": swap(graph.layers, old, new)})


def swap(items: tuple[Any, ...], old: Any, new: Any) -> tuple[Any, ...]:
    """The items with one in place of another."""
    return tuple(new if item is old else item for item in items)


def place(items: tuple[Any, ...], position: int | None) -> int:
    """Where something inserted at `position` stands."""
    return len(items) if position is None else min(position, len(items))


def inserted(items: tuple[Any, ...], item: Any, position: int | None) -> tuple[Any, ...]:
    """The items with one more, at the end where no position is said."""
    k = place(items, position)
    return (*items[:k], item, *items[k:])


def without(items: tuple[Any, ...], position: int) -> tuple[Any, ...]:
    """The items without the one at a position."""
    return (*items[:position], *items[position + 1 :])


def bridged(edges: Edges, gone: str) -> Edges:
    """The edges without an agent: who heard it hears what it heard."""
    into = [source for source, target in edges if target == gone]
    out = [target for source, target in edges if source == gone]
    left = [e for e in edges if gone not in e]
    return tuple(dict.fromkeys([*left, *((s, t) for s in into for t in out)]))


def renamed(inputs: tuple[str, ...], names: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The inputs with each name that has become others replaced by those."""
    return tuple(dict.fromkeys(new for old in inputs for new in names.get(old, (old,))))


def wires(graph: GraphSpec) -> Wires:
    """What each layer reads."""
    return tuple((layer.id, layer.inputs) for layer in graph.layers)
