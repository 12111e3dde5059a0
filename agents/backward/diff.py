"""What changed between two networks, in words a person reads at a glance."""

from collections.abc import Iterator, Sequence
from typing import Any

from agents.spec import AgentSpec, GraphSpec, LayerSpec, TeamSpec

SHOWN = (
    "role",
    "prompt",
    "model",
    "tools",
    "checks",
    "function",
    "temperature",
    "max_tokens",
    "max_turns",
    "refinements",
)


def difference(before: GraphSpec, after: GraphSpec) -> list[str]:
    """One line for each change; none where the graphs are equal but for their names."""
    return list(_layers(before, after))


def _layers(before: GraphSpec, after: GraphSpec) -> Iterator[str]:
    old, new = {x.id: x for x in before.layers}, {x.id: x for x in after.layers}
    yield from (f"- layer {name}" for name in old if name not in new)
    for name, layer in new.items():
        if name not in old:
            who = "; ".join(f"{a.id}: {a.prompt}" for t in layer.teams for a in t.agents)
            yield f"+ layer {name} ({who})"
        else:
            yield from _layer(old[name], layer)
    kept_before = [name for name in old if name in new]
    kept_after = [name for name in new if name in old]
    if kept_before != kept_after:
        yield f"order of layers: {' -> '.join(kept_before)} became {' -> '.join(kept_after)}"


def _layer(before: LayerSpec, after: LayerSpec) -> Iterator[str]:
    at = f"layer {after.id}"
    yield from _values(at, before, after, ("goal", "pin", "inputs"))
    old, new = {t.id: t for t in before.teams}, {t.id: t for t in after.teams}
    yield from (f"{at}: - team {name}" for name in old if name not in new)
    for name, team in new.items():
        where = at if len(new) == 1 else f"{at}, team {name}"
        if name in old:
            yield from _team(where, old[name], team)
        else:
            yield f"{at}: + team {name} ({', '.join(a.id for a in team.agents)})"


def _team(at: str, before: TeamSpec, after: TeamSpec) -> Iterator[str]:
    yield from _values(at, before, after, ("aggregator", "quorum", "rounds"))
    yield from (f"{at}: {s} is heard by {t} no more" for s, t in before.edges if (s, t) not in after.edges)
    yield from (f"{at}: {t} hears {s}" for s, t in after.edges if (s, t) not in before.edges)
    old, new = {a.id: a for a in before.agents}, {a.id: a for a in after.agents}
    yield from (f"{at}: - agent {name}" for name in old if name not in new)
    for name, agent in new.items():
        if name in old:
            yield from _agent(f"{at}, agent {name}", old[name], agent)
        else:
            yield f"{at}: + agent {name}: {agent.prompt}"


def _agent(at: str, before: AgentSpec, after: AgentSpec) -> Iterator[str]:
    yield from _values(at, before, after, SHOWN)
    for field in ("fields", "examples"):
        old, new = getattr(before, field), getattr(after, field)
        yield from (f"{at}: - {_short(field, x)}" for x in old if x not in new)
        yield from (f"{at}: + {_short(field, x)}" for x in new if x not in old)


def _short(field: str, value: Any) -> str:
    return f"field {value.name}: {value.meaning}" if field == "fields" else f"example {value.origin or value.task[:60]}"


def _values(at: str, before: Any, after: Any, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{at}: {name} {_said(old)} became {_said(new)}"


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return repr(value) if isinstance(value, str) else str(value)
