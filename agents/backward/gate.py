"""The gate: what must hold before an edited graph is kept, cheapest check first.

    static      invariants, trust region, copy guard: no model is asked
    dry run     every layer runs on an offline model
    minibatch   parent and child on the same cases with the same seeds: strictly better, or as good and cheaper
    validation  the child on all cases that decide: it joins the pool, it becomes the best so far, or neither

Source: the paper keeps an edit only if it parses and validation does not drop (Ma et al., arXiv 2506.09046); the per-item pool is
GEPA's (Agrawal et al., arXiv 2507.19457); the margins are ours.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from agents.backward.edit import Edit
from agents.backward.rollout import Case, Rollout
from agents.models.scrub import scrub
from agents.spec import AgentSpec, GraphSpec, TeamSpec
from tools import ToolError, get_tool

MOST_LAYERS = 6
MOST_AGENTS = 6
GRAM = 8  # words in a row that may not be copied from a training case
TELLING = 3  # significant digits, or characters over 3 times as many, that make an answer telling
FREE_TOKENS = 12  # of a prompt, which an edit may always change
CHEAPER = 0.9  # of the parent's tokens, that count as cheaper
ONE_SINK = frozenset(("single", "sequential", "tool_pipeline"))
PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
PLACE = re.compile(r"(?:^|\s)(?:/(?:home|root|tmp|usr|etc|var|work|Users)/|[A-Za-z]:\\)\S*")


# Static


@dataclass(frozen=True)
class Guard:
    """What the static check knows of the training: texts that may not be copied, and where demonstrations may come from."""

    grams: frozenset[tuple[str, ...]]
    answers: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of(cls, train: Sequence[Case], val: Sequence[Case]) -> "Guard":
        cases = [*train, *val]
        return cls(
            frozenset(chain.from_iterable(_grams(text) for c in cases for text in (c.task, c.expected))),
            frozenset(a.lower() for c in cases for a in answers_in(c.expected) if _telling(a)),
            frozenset(c.id for c in train),
        )

    def copied(self, text: str, before: str) -> str:
        """What a text copies from a training case that stood not there before; empty if nothing."""
        for gram in _grams(text):
            if gram in self.grams and " ".join(gram) not in " ".join(_words(before)):
                return f"it copies {' '.join(gram)!r} from a training case"
        low = text.lower()
        for answer in self.answers:
            if answer in low and answer not in before.lower() and re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", low):
                return f"it contains {answer!r}, the right answer of a training case"
        return ""


def static(
    before: GraphSpec, after: GraphSpec, guard: Guard, *, eta: float, max_prompt_tokens: int, seen: Iterable[str] = ()
) -> str:
    """Why the edited graph is refused without running it; empty if it is not."""
    if after.hash == before.hash:
        return "the edits change nothing"
    if after.hash in set(seen):
        return "this graph was tried before"
    if len(after.layers) > MOST_LAYERS:
        return f"it has {len(after.layers)} layers, at most {MOST_LAYERS} are allowed"
    if idle := _idle_layers(after):
        return f"layer {idle[0]} is read by nobody"
    old = {(x.id, a.id): a for x, t, a in agents_of(before)}
    for layer, team, agent in agents_of(after):
        if why := _team_fault(team) or _agent_fault(
            agent, old.get((layer.id, agent.id)), guard, eta, max_prompt_tokens
        ):
            return f"layer {layer.id}: {why}"
    goals = {x.goal for x in before.layers}
    for layer in after.layers:
        if layer.goal not in goals and (why := guard.copied(layer.goal, "")):
            return f"layer {layer.id}: {why}"
    return ""


def agents_of(graph: GraphSpec) -> list[tuple[Any, TeamSpec, AgentSpec]]:
    """Every agent with its layer and its team."""
    return [(layer, team, agent) for layer in graph.layers for team in layer.teams for agent in team.agents]


def _idle_layers(graph: GraphSpec) -> list[str]:
    """Layers whose answer reaches the last layer on no way."""
    heard = {layer.id: sources for layer, sources in graph.wired()}
    reached, todo = set(), [graph.layers[-1].id]
    while todo:
        layer = todo.pop()
        if layer not in reached:
            reached.add(layer)
            todo += heard[layer]
    return [layer.id for layer in graph.layers if layer.id not in reached]


def _team_fault(team: TeamSpec) -> str:
    if len(team.agents) > MOST_AGENTS:
        return f"team {team.id} has {len(team.agents)} agents, at most {MOST_AGENTS} are allowed"
    if team.aggregator in ONE_SINK and len(team.sinks) > 1:
        return f"team {team.id} takes one answer, but nobody hears {', '.join(team.sinks[:-1])}"
    return ""


def _agent_fault(agent: AgentSpec, old: AgentSpec | None, guard: Guard, eta: float, most: int) -> str:
    if agent == old:
        return ""
    for name in agent.tools:
        try:
            get_tool(name)
        except ToolError as e:
            return f"agent {agent.id}: {e.message}"
    told = "\n".join((agent.prompt, agent.role, *(f.meaning for f in agent.fields)))
    was = "\n".join((old.prompt, old.role, *(f.meaning for f in old.fields))) if old else ""
    if told != was:
        if scrub(told) != told or PLACE.search(told):
            return f"agent {agent.id}: its texts hold a secret or a place on a disk"
        if why := guard.copied(told, was):
            return f"agent {agent.id}: {why}"
    if strange := [
        e.origin for e in agent.examples if (not old or e not in old.examples) and e.origin not in guard.origins
    ]:
        return f"agent {agent.id}: the example from {strange[0] or 'nowhere'} is no training case"
    return _prompt_fault(agent, old, eta, most)


def _prompt_fault(agent: AgentSpec, old: AgentSpec | None, eta: float, most: int) -> str:
    """Whether a prompt leaves the trust region."""
    new_words = _words(agent.prompt)
    if len(new_words) > most and (not old or len(new_words) > len(_words(old.prompt))):
        return f"agent {agent.id}: the prompt has {len(new_words)} words, at most {most} are allowed"
    if old is None or old.prompt == agent.prompt:
        return ""
    if lost := set(PLACEHOLDER.findall(old.prompt)) - set(PLACEHOLDER.findall(agent.prompt)):
        return f"agent {agent.id}: the prompt lost {', '.join(sorted(lost))}"
    old_words = _words(old.prompt)
    kept = sum(
        b.size for b in difflib.SequenceMatcher(None, old_words, new_words, autojunk=False).get_matching_blocks()
    )
    changed, most_changed = len(old_words) - kept, max(eta * len(old_words), FREE_TOKENS)
    if changed > most_changed:
        return (
            f"agent {agent.id}: {changed} of the prompt's {len(old_words)} words change, at most {most_changed:.0f} may"
        )
    return ""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _grams(text: str) -> Iterable[tuple[str, ...]]:
    words = _words(text)
    return (tuple(words[k : k + GRAM]) for k in range(len(words) - GRAM + 1))


def answers_in(expected: str) -> set[str]:
    """A right answer as critics may give it away: as a whole, and its telling numbers and names."""
    parts = [*re.findall(r"\d+(?:\.\d+)?", expected), *re.findall(r'"([^"]+)"', expected)]
    return {expected.strip(), *(p for p in parts if _telling(p))} - {""}


def _telling(answer: str) -> bool:
    """Whether an answer is too particular to stand in a general text by chance: many digits, or many letters."""
    digits = re.sub(r"\D", "", answer).strip("0")
    return len(digits) >= TELLING or len(re.findall(r"[A-Za-z]", answer)) > 3 * TELLING


# Paired comparisons


@dataclass(frozen=True)
class Pairs:
    """Parent and child on the same cases; those that either could not run for reasons that are not its own are left out."""

    parent: Mapping[str, float]
    child: Mapping[str, float]
    parent_tokens: float  # a case
    child_tokens: float

    @classmethod
    def of(cls, parent: Sequence[Rollout], child: Sequence[Rollout]) -> "Pairs":
        pairs = [(p, c) for p, c in zip(parent, child, strict=True) if p.score is not None and c.score is not None]
        return cls(
            {p.case.id: p.score for p, _ in pairs if p.score is not None},
            {c.case.id: c.score for _, c in pairs if c.score is not None},
            sum(p.tokens for p, _ in pairs) / max(len(pairs), 1),
            sum(c.tokens for _, c in pairs) / max(len(pairs), 1),
        )

    @property
    def wins(self) -> int:
        return sum(self.child[k] > s + 1e-9 for k, s in self.parent.items())

    @property
    def losses(self) -> int:
        return sum(self.child[k] < s - 1e-9 for k, s in self.parent.items())

    @property
    def gain(self) -> float:
        """Mean of the child minus mean of the parent."""
        return sum(self.child[k] - s for k, s in self.parent.items()) / max(len(self.parent), 1)

    @property
    def cheaper(self) -> bool:
        return self.child_tokens <= CHEAPER * self.parent_tokens

    def __str__(self) -> str:
        return (
            f"{self.wins} better, {self.losses} worse of {len(self.parent)}, gain {self.gain:+.3f}, "
            f"{self.child_tokens:.0f} tokens a case against {self.parent_tokens:.0f}"
        )

    def to_json(self) -> str:
        return json.dumps({"parent": self.parent, "child": self.child})


def better_on_minibatch(pairs: Pairs) -> bool:
    """Strictly better in sum, or as good and cheaper."""
    return pairs.gain > 1e-9 or (abs(pairs.gain) <= 1e-9 and pairs.losses == 0 and pairs.cheaper)


def becomes_incumbent(pairs: Pairs, *, solved: float, cost_cap: float) -> bool:
    """Whether the child takes the place of the best so far.

    Its mean is higher, wins exceed losses by two, it loses at most a tenth of what the best one solves, and it costs at most
    `cost_cap` times as much unless it gains two points; or it loses nothing and is cheaper.
    """
    if pairs.losses == 0 and pairs.gain > -1e-9 and pairs.cheaper:
        return True
    held = sum(s >= solved for s in pairs.parent.values())
    kept_cost = pairs.child_tokens <= cost_cap * pairs.parent_tokens or pairs.gain >= 0.02
    return pairs.gain > 0 and pairs.wins - pairs.losses >= 2 and pairs.losses <= 0.1 * held and kept_cost


def in_words(edits: Sequence[Edit]) -> str:
    """Edits in one line, for those that are to be told what was refused."""
    return "; ".join(
        f"{e.op} {json.dumps(e.model_dump(exclude_defaults=True), ensure_ascii=False)[:160]}" for e in edits
    )
