"""The critics: language models that look at failed rollouts and say in words which layer is at fault and what it should change.

The global critic sees how the layers work together, the local one what the agents of one layer did. Both see the right answers;
what they say goes through `masked` before an editor reads it.

Source: Ma et al., arXiv 2506.09046: ComputeGlobalGradient(S, tau), ComputeLocalGradient(l, f_l, tau).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from agents.backward.gradient import GradientItem, Items, Node, backward
from agents.backward.rollout import Bench, Rollout, nodes
from agents.context import Context
from agents.models.contract import Message, ModelRequest
from agents.spec import AgentSpec, GraphSpec, LayerSpec, TeamSpec

CLIP = 1600  # characters of one text, about 400 tokens
WALKED = 0.5  # weight of the deterministic walk in a layer's blame; the critic has the rest
TEMPERATURE = 0.3

KINDS = {
    "set_prompt": "an agent is told the wrong thing, or not told enough",
    "set_role": "an agent plays the wrong role",
    "set_tools": "an agent lacks a tool, or has the wrong one",
    "set_model": "an agent's own model is too weak for its part",
    "set_param": "an agent's temperature, length or number of turns is wrong",
    "set_fields": "an agent answers before it has thought: it should fill other fields first",
    "add_example": "an agent should be shown a solved task",
    "remove_example": "a demonstration misleads an agent",
    "add_edge": "an agent does not hear a colleague whose answer it needs",
    "remove_edge": "an agent is misled by a colleague it hears",
    "rewire": "agents work in the wrong order, or the layer does not see an earlier layer that it needs",
    "add_agent": "the team lacks an agent",
    "remove_agent": "an agent fails always, or adds nothing",
    "set_aggregator": "the right answer was there, but was not the one taken",
    "add_layer": "a step of the work is done by nobody",
    "remove_layer": "a layer spoils what came before it",
    "split_layer": "an agent has to do two things at once",
    "merge_layers": "two layers should be one",
}
"""Kinds of change with the fault each one mends; they are names of edit operations."""

ASK_GLOBAL = """You find out why a team of agents answered wrongly. It works in layers; each layer's answer goes to the next.
For each case you see what every agent and every layer said, and what was wanted. Find the first layer whose answer is wrong
although what it heard was right. Give up to three findings, the most important first: what you saw, the layer at fault, and the
kind of change that would mend it."""
ASK_LOCAL = """You find out what is wrong inside one layer of a team of agents. You see its agents, what they heard and said, and
what was wanted in the end. Give up to three findings, the most important first: what you saw, who has to change, the kind of
change, and your advice in a sentence that holds for all cases. Never write a case's answer into the advice."""


class Finding(BaseModel):
    """What a critic found."""

    seen: str = Field(max_length=400)
    target: str
    kind: str
    advice: str = Field("", max_length=400)


class Findings(BaseModel):
    findings: list[Finding] = Field(max_length=3)


@dataclass(frozen=True)
class View:
    """Failed rollouts, and one or two that went well, with their nodes; what critics look at."""

    graph: GraphSpec
    bad: tuple[tuple[Rollout, Node], ...]
    good: tuple[tuple[Rollout, Node], ...]

    @classmethod
    async def of(cls, bench: Bench, rollouts: Sequence[Rollout], target: float, most: int) -> "View":
        """The view of some rollouts: at most so many failures, the worst first, and one success."""
        scored = [r for r in rollouts if r.score is not None]
        bad = sorted((r for r in scored if (r.score or 0.0) < target), key=lambda r: r.score or 0.0)[:most]
        good = [r for r in scored if (r.score or 0.0) >= target][:1]
        seen = {r.case.id: await nodes(r, bench.ctx) for r in (*bad, *good)}
        return cls(
            scored[0].graph,
            tuple((r, seen[r.case.id]) for r in bad),
            tuple((r, seen[r.case.id]) for r in good),
        )

    def walked(self) -> dict[str, float]:
        """Each layer's share of the loss by the reverse walk, over all failures; the shares add up to 1."""
        blame = dict.fromkeys((layer.id for layer in self.graph.layers), 0.0)
        for rollout, end in self.bad:
            for node in backward(end, 1 - (rollout.score or 0.0)):
                blame[node.name.partition("/")[0]] += node.blame
        total = sum(blame.values())
        return {layer: b / total for layer, b in blame.items()} if total else blame


async def global_critic(view: View, kinds: Sequence[str], ctx: Context, model: str, at: str) -> Items:
    """What the whole asks of its layers, in these kinds of change. Raises `ModelError`."""
    layers = [layer.id for layer in view.graph.layers]
    given = {
        "layers": [layer_page(layer, sources) for layer, sources in view.graph.wired()],
        "cases": [case_page(r, end) for r, end in (*view.bad, *view.good)],
    }
    found = await _ask(ASK_GLOBAL, given, layers, kinds, ctx, model, at)
    evidence = tuple(f"rollout/{r.graph.hash[:16]}/{r.case.id}/{end.evidence}" for r, end in view.bad)
    return _items(found, evidence)


async def local_critic(view: View, layer: LayerSpec, kinds: Sequence[str], ctx: Context, model: str, at: str) -> Items:
    """What one layer asks of itself, in these kinds of change. Raises `ModelError`."""
    sources = next(heard for x, heard in view.graph.wired() if x.id == layer.id)
    given = {
        "layer": layer_page(layer, sources),
        "other_layers": [x.id for x in view.graph.layers if x.id != layer.id],
        "cases": [case_page(r, end, layer=layer.id) for r, end in (*view.bad, *view.good)],
    }
    agents = [f"{layer.id}/{a.id}" for team in layer.teams for a in team.agents]
    found = await _ask(ASK_LOCAL, given, [layer.id, *dict.fromkeys(agents)], kinds, ctx, model, at)
    evidence = tuple(f"rollout/{r.graph.hash[:16]}/{r.case.id}/layer/{layer.id}/combined" for r, _ in view.bad)
    return _items(found, evidence)


async def _ask(
    ask: str, given: dict[str, Any], targets: list[str], kinds: Sequence[str], ctx: Context, model: str, at: str
) -> Findings:
    faults = "\n".join(f"- {kind}: {KINDS[kind]}" for kind in kinds)
    fields = {
        "seen": {"type": "string", "maxLength": 300},
        "target": {"enum": targets},
        "kind": {"enum": list(kinds)},
        "advice": {"type": "string", "maxLength": 300},
    }
    schema = closed({"findings": {"type": "array", "items": closed(fields), "minItems": 1, "maxItems": 3}})
    talk = (
        Message(role="system", content=f"{ask}\n\nKinds of change and the faults they mend:\n{faults}"),
        Message(role="user", content=compact(given)),
    )
    request = ModelRequest(
        model=model or ctx.model,
        messages=talk,
        answer_schema=schema,
        temperature=TEMPERATURE,
        seed=ctx.seed,
        max_tokens=700,
    )
    return await ctx.gateway.structured(request, Findings, at=at, purpose="critic")


def _items(found: Findings, evidence: tuple[str, ...]) -> Items:
    """Findings as gradient items; the k-th weighs 1/k, for critics name the most important first."""
    return tuple(
        GradientItem(target=f.target, kind=f.kind, text=f"{f.seen} {f.advice}".strip(), evidence=evidence, weight=1 / k)
        for k, f in enumerate(found.findings, 1)
        if f.kind in KINDS
    )


def blame_of(view: View, items: Iterable[GradientItem]) -> dict[str, float]:
    """Each layer's share of the blame: by the reverse walk, and by how heavily the global critic names it."""
    walked = view.walked()
    named = dict.fromkeys(walked, 0.0)
    for item in items:
        layer = item.target.partition("/")[0]
        if layer in named:
            named[layer] += item.weight
    total = sum(named.values())
    if not total:
        return walked
    return {layer: WALKED * walked[layer] + (1 - WALKED) * named[layer] / total for layer in walked}


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the right answers of training cases, wherever they stand as words of their own."""
    for secret in sorted({s.strip() for s in secrets if s.strip()}, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.]){re.escape(secret)}(?![\w]|\.\d)", "[the right answer]", text)
    return text


# What a model reads of a network and of a rollout: JSON, for models read it well and it needs no syntax of its own


def layer_page(layer: LayerSpec, sources: Sequence[str]) -> dict[str, Any]:
    """A layer as critics and editors read it; only the team that an empty name means is shown."""
    team = next((t for t in layer.teams if t.id == layer.pin), layer.teams[0])
    page: dict[str, Any] = {"layer": layer.id, "reads": list(sources)}
    if layer.goal:
        page["goal"] = layer.goal
    return page | {"combiner": team.aggregator, "agents": [agent_page(a, team) for a in team.agents]}


def agent_page(agent: AgentSpec, team: TeamSpec) -> dict[str, Any]:
    told: Mapping[str, Any] = {
        "role": agent.role,
        "prompt": agent.prompt,
        "function": agent.function,
        "tools": list(agent.tools),
        "hears": list(team.parents[agent.id]),
        "model": agent.model,
        "fields": [f.name for f in agent.fields],
        "examples": len(agent.examples),
        "temperature": agent.temperature,
        "max_tokens": agent.max_tokens,
    }
    return {"agent": agent.id} | {name: value for name, value in told.items() if value not in (None, "", [], 0)}


def case_page(rollout: Rollout, end: Node, layer: str = "") -> dict[str, Any]:
    """A rollout as critics read it: what was said, in order; with `layer`, only what that layer heard and said."""
    order = list(reversed(backward(end, 1.0)))
    if layer:
        own = [n for n in order if n.name.partition("/")[0] == layer]
        heard = [p for n in own for p in n.parents if p not in own]
        order = [n for n in order if n in own or n in heard]
    said = {n.name: _said(n, order) for n in order}
    page = {"task": clip(rollout.case.task), "said": said, "score": rollout.score, "verdict": clip(rollout.words)}
    if rollout.case.expected:
        page["wanted"] = clip(rollout.case.expected)
    return page


def _said(node: Node, seen: Sequence[Node]) -> str:
    """What a node said; where it handed on what an agent of its layer had said, and that is seen, the agent's name says it."""
    if node.said is None:
        return f"FAILED: {node.why or 'no answer'}"
    layer, _, agent = node.name.partition("/")
    own = [p for p in node.parents if p.said == node.said and p.name.startswith(f"{layer}/") and p in seen]
    return f"takes {own[0].name.partition('/')[2]}" if own and not agent else clip(node.said)


def clip(text: str) -> str:
    """The text, or its beginning and its end."""
    return text if len(text) <= CLIP else f"{text[: CLIP // 2]} ... {text[-CLIP // 2 :]}"


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON schema of an object with exactly these properties."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
