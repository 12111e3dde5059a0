"""What changed between two texts, word by word, and between two networks, part by part."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from agents.spec import AgentSpec, GraphSpec

Change = Literal["kept", "removed", "added"]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Word:
    """A stretch of text, and whether it is in both texts, in the old one only, or in the new one only."""

    change: Change
    text: str


def words_changed(old: str, new: str) -> list[Word]:
    """The difference of two texts; the kept and removed stretches make the old one, the kept and added the new one."""
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    found: list[Word] = []
    for tag, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Word("kept", "".join(a[i:j])))
            continue
        found += [Word("removed", "".join(a[i:j]))] if j > i else []
        found += [Word("added", "".join(b[k:m]))] if m > k else []
    return found


@dataclass(frozen=True)
class Changed:
    """One part of a network that differs: `where` names it, `old` and `new` are how it reads (empty where it is not)."""

    where: str
    old: str
    new: str


def networks_changed(old: GraphSpec, new: GraphSpec) -> list[Changed]:
    """Every part that differs, agents in the order of the new network, with those that are gone at the end."""
    before, after = dict(_parts(old)), dict(_parts(new))
    places = [*after, *(place for place in before if place not in after)]
    return [
        Changed(place, before.get(place, ""), after.get(place, ""))
        for place in places
        if before.get(place, "") != after.get(place, "")
    ]


def _parts(graph: GraphSpec) -> Iterator[tuple[str, str]]:
    yield "layers", ", ".join(layer.id for layer in graph.layers)
    for layer in graph.layers:
        for name in ("goal", "pin"):
            if value := getattr(layer, name):
                yield f"{layer.id}: {name}", str(value)
        if layer.inputs:
            yield f"{layer.id}: hears", ", ".join(layer.inputs)
        for team in layer.teams:
            at = layer.id if len(layer.teams) == 1 else f"{layer.id}, team {team.id}"
            yield f"{at}: combined by", team.aggregator
            yield f"{at}: agents", ", ".join(agent.id for agent in team.agents)
            if team.edges:
                yield f"{at}: wires", ", ".join(f"{a} → {b}" for a, b in team.edges)
            for agent in team.agents:
                yield from ((f"{at}, {agent.id}: {name}", text) for name, text in _settings(agent))


def _settings(agent: AgentSpec) -> Iterator[tuple[str, str]]:
    yield "prompt", agent.prompt
    said = {"role", "model", "function", "temperature", "max_tokens", "max_turns", "refinements"}
    for name, value in agent.model_dump(include=said, exclude_defaults=True).items():
        yield name.replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value)
    if agent.tools:
        yield "tools", ", ".join(agent.tools)
    if agent.checks:
        yield "checks", ", ".join(agent.checks)
    if agent.fields:
        yield "answer fields", "\n".join(f"{f.name}: {f.meaning}" for f in agent.fields)
    if agent.examples:
        yield "demonstrations", "\n\n".join(f"{e.task}\n{e.turn}" for e in agent.examples)
