"""The editor: a language model that turns a critique into edits; it can answer in operations only, and sees no right answer.

What it writes is short: names where an edit holds whole specs. `realise` makes the edit of it, on the graph as it stands.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.backward.critic import clip, closed, compact, layer_page, masked
from agents.backward.edit import (
    AddAgent,
    AddEdge,
    AddExample,
    AddLayer,
    Edit,
    MergeLayers,
    RemoveAgent,
    RemoveEdge,
    RemoveExample,
    RemoveLayer,
    Rewire,
    SetAggregator,
    SetFields,
    SetModel,
    SetParam,
    SetPrompt,
    SetRole,
    SetTools,
    SplitLayer,
)
from agents.backward.gradient import Items
from agents.backward.parts import find_agent, find_layer, find_team
from agents.backward.rollout import Rollout
from agents.context import Context
from agents.models.contract import Message, ModelRequest
from agents.models.record import load_reply
from agents.spec import (
    AGGREGATORS,
    AgentSpec,
    AnswerField,
    Example,
    GraphSpec,
    LayerSpec,
    SpecError,
    TeamSpec,
)
from store.events import ModelCalled
from tools import get_tool

MOST_EDITS = 3
SHOWN_REFUSED = 6
NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,23}$"}

ASK = """You improve one layer of a team of agents. You see the layer and a critique of it. Answer with edits that do what the
critique asks, as few and as small as will do. Keep what is good in a prompt. Write what holds for all tasks; never the answer
to one. Do not repeat edits that were refused before.

Operations:
"""
OPERATIONS = {
    "set_prompt": "tell an agent something else: its whole new prompt",
    "set_role": "give an agent another role",
    "set_tools": "give an agent these tools and no others",
    "set_model": "let an agent use this model; null is the one all use",
    "set_param": "set an agent's temperature, max_tokens or max_turns",
    "set_fields": "let an agent fill these fields, in order, each of so many characters at most, before it answers",
    "add_example": "show an agent how a case was solved",
    "remove_example": "take a demonstration away, by its number from 0",
    "add_edge": "let target hear the answer of source",
    "remove_edge": "let target hear source no more",
    "rewire": "set all edges of the team, each from who speaks to who hears, and the earlier layers it reads",
    "add_agent": "add an agent that hears the agents named",
    "remove_agent": "remove an agent",
    "set_aggregator": "combine the agents' answers in another way",
    "add_layer": "add a layer of one agent before or after this one",
    "remove_layer": "remove this layer",
    "split_layer": "make two layers of one agent each of this one",
    "merge_layers": "make one layer of this one and the next, with the agents of both in sequence",
}


@dataclass(frozen=True)
class Means:
    """What an editor may use."""

    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    solved: tuple[Rollout, ...] = ()  # training cases that went well: their turns can be demonstrations
    secrets: tuple[str, ...] = field(default=(), repr=False)  # right answers, which the editor must not see


class Proposal(BaseModel):
    """What an editor answers."""

    why: str = ""
    edits: list[dict[str, Any]]


class CannotEdit(Exception):
    """The editor's answer makes no edit of this graph; the words say why."""

    kind = "cannot_edit"


async def editor(
    graph: GraphSpec,
    layer: LayerSpec,
    gradient: Items,
    means: Means,
    refused: Sequence[str],
    operations: Sequence[str],
    ctx: Context,
    model: str,
    at: str,
) -> tuple[Edit, ...]:
    """The edits that a critique asks for.

    Args:
        graph, layer: What is edited.
        gradient: The critique, heaviest item first; without any, the editor tries what it likes.
        means: What may be used.
        refused: Edits that were refused before, in words.
        operations: Names of the operations that are allowed now.
        ctx, model, at: Whom to ask, and where it stands in the log.

    Raises:
        CannotEdit: The answer makes no edit.
        SpecError: The edits lead to a graph that could not run.
        ModelError: There is no usable answer.
    """
    wanted = dict.fromkeys(item.kind for item in gradient if item.kind in operations)
    offered = operation_schemas(
        graph, layer, means, list(dict.fromkeys([*wanted, "set_prompt"])) if wanted else operations
    )
    if not offered:
        raise CannotEdit(f"layer {layer.id} offers nothing that may be edited now")
    edits = {"type": "array", "items": {"anyOf": list(offered.values())}, "minItems": 1, "maxItems": MOST_EDITS}
    schema = closed({"why": {"type": "string", "maxLength": 240}, "edits": edits})
    listed = "\n".join(f"- {op}: {OPERATIONS[op]}" for op in offered)
    request = ModelRequest(
        model=model or ctx.model,
        messages=(
            Message(role="system", content=ASK + listed),
            Message(role="user", content=compact(_page(graph, layer, gradient, means, refused))),
        ),
        answer_schema=schema,
        temperature=0.3,
        seed=ctx.seed,
        max_tokens=1000,
    )
    proposal = await ctx.gateway.structured(request, Proposal, at=at, purpose="editor")
    made: list[Edit] = []
    for said in proposal.edits[:MOST_EDITS]:
        if said.get("op") not in offered:
            raise CannotEdit(f"{said.get('op')} is no operation that was offered")
        for edit in realise(graph, layer.id, said, means, ctx):
            graph = edit.apply(graph)
            made.append(edit)
    if not made:
        raise CannotEdit("the editor proposed nothing")
    return tuple(made)


def _page(graph: GraphSpec, layer: LayerSpec, gradient: Items, means: Means, refused: Sequence[str]) -> dict[str, Any]:
    sources = next(heard for x, heard in graph.wired() if x.id == layer.id)
    asked = [{"of": i.target, "kind": i.kind, "critique": masked(clip(i.text), means.secrets)} for i in gradient]
    page: dict[str, Any] = {"layer": layer_page(layer, sources), "critique": asked}
    page["layers_in_order"] = [x.id for x in graph.layers]
    if means.tools:
        page["tools"] = {name: get_tool(name).description() for name in means.tools}
    if refused:
        page["refused_before"] = list(refused[-SHOWN_REFUSED:])
    return page


def operation_schemas(
    graph: GraphSpec, layer: LayerSpec, means: Means, operations: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """JSON schema of each operation on a layer, with the names that exist; operations that cannot apply are left out."""
    team = find_team(layer)
    agents = {"enum": [a.id for a in team.agents if not a.function] or [""]}
    everybody = {"enum": [a.id for a in team.agents]}
    place = graph.layers.index(layer)
    earlier = [x.id for x in graph.layers[:place]]
    text = {"type": "string", "minLength": 1, "maxLength": 1600}
    line = {"type": "string", "maxLength": 200}
    tools = {"type": "array", "items": {"enum": list(means.tools)}, "maxItems": 4}
    has_agent = any(not a.function for a in team.agents)
    several = len(team.agents) > 1
    shown = max(len(a.examples) for a in team.agents)
    forms: dict[str, tuple[bool, dict[str, Any]]] = {
        "set_prompt": (has_agent, {"agent": agents, "prompt": text}),
        "set_role": (has_agent, {"agent": agents, "role": line}),
        "set_tools": (has_agent and bool(means.tools), {"agent": agents, "tools": tools}),
        "set_model": (
            has_agent and bool(means.models or any(a.model for a in team.agents)),
            {"agent": agents, "model": {"enum": [None, *means.models]}},
        ),
        "set_param": (
            has_agent,
            {
                "agent": agents,
                "name": {"enum": ["temperature", "max_tokens", "max_turns"]},
                "value": {"type": "number", "minimum": 0, "maximum": 4096},
            },
        ),
        "set_fields": (
            has_agent,
            {
                "agent": agents,
                "fields": {
                    "type": "array",
                    "items": closed(
                        {
                            "name": {"type": "string", "pattern": "^[a-z][a-z_]{0,23}$"},
                            "meaning": line,
                            "length": {"type": "integer", "minimum": 20, "maximum": 1500},
                        }
                    ),
                    "maxItems": 4,
                },
            },
        ),
        "add_example": (
            has_agent and bool(means.solved),
            {"agent": agents, "case": {"enum": [r.case.id for r in means.solved]}},
        ),
        "remove_example": (
            shown > 0,
            {
                "agent": {"enum": [a.id for a in team.agents if a.examples]},
                "position": {"type": "integer", "minimum": 0, "maximum": shown - 1},
            },
        ),
        "add_edge": (several, {"source": everybody, "target": everybody}),
        "remove_edge": (bool(team.edges), {"source": everybody, "target": everybody}),
        "rewire": (
            several or bool(earlier),
            {
                "edges": {
                    "type": "array",
                    "items": {"type": "array", "items": everybody, "minItems": 2, "maxItems": 2},
                    "maxItems": 12,
                },
                "reads": {"type": "array", "items": {"enum": earlier or [""]}, "maxItems": len(earlier)},
            },
        ),
        "add_agent": (
            True,
            {
                "name": NAME,
                "role": line,
                "prompt": text,
                "tools": tools if means.tools else {"type": "array", "maxItems": 0},
                "hears": {"type": "array", "items": everybody, "maxItems": 4},
                "combiner": {"enum": list(AGGREGATORS)},
            },
        ),
        "remove_agent": (several, {"agent": everybody}),
        "set_aggregator": (several, {"combiner": {"enum": list(AGGREGATORS)}}),
        "add_layer": (
            True,
            {
                "name": NAME,
                "where": {"enum": ["before", "after"]},
                "role": line,
                "prompt": text,
                "tools": tools if means.tools else {"type": "array", "maxItems": 0},
            },
        ),
        "remove_layer": (len(graph.layers) > 1, {}),
        "split_layer": (
            has_agent and len(team.agents) == 1,
            {"first_prompt": text, "second_name": NAME, "second_prompt": text},
        ),
        "merge_layers": (place + 1 < len(graph.layers), {}),
    }
    return {op: closed({"op": {"const": op}, **forms[op][1]}) for op in dict.fromkeys(operations) if forms[op][0]}


def realise(graph: GraphSpec, layer_id: str, said: dict[str, Any], means: Means, ctx: Context) -> tuple[Edit, ...]:
    """The edit that an editor's words mean on this graph, or the two edits. Raises `CannotEdit`."""
    try:
        made = _realise(graph, layer_id, said, means, ctx)
        return made if isinstance(made, tuple) else (made,)
    except (KeyError, TypeError, ValueError, ValidationError, SpecError) as e:
        raise CannotEdit(f"{said.get('op')}: {e}") from e


def _realise(
    graph: GraphSpec, layer_id: str, said: dict[str, Any], means: Means, ctx: Context
) -> Edit | tuple[Edit, ...]:
    layer = find_layer(graph, layer_id)
    team = find_team(layer)
    at: dict[str, Any] = {"layer": layer.id, "team": team.id}
    of = at | ({"agent": said["agent"]} if "agent" in said else {})
    match said["op"]:
        case "set_prompt":
            return SetPrompt(**of, prompt=said["prompt"])
        case "set_role":
            return SetRole(**of, role=said["role"])
        case "set_tools":
            return SetTools(**of, tools=tuple(dict.fromkeys(said["tools"])))
        case "set_model":
            return SetModel(**of, model=said["model"])
        case "set_param":
            value = said["value"] if said["name"] == "temperature" else int(said["value"])
            return SetParam(**of, name=said["name"], value=value)
        case "set_fields":
            kept = tuple(f for f in find_agent(team, said["agent"]).fields if f.choices)
            fields = tuple(
                AnswerField(name=f["name"], meaning=f["meaning"], max_chars=f["length"]) for f in said["fields"]
            )
            return SetFields(**of, fields=(*fields, *(f for f in kept if f.name not in {g.name for g in fields})))
        case "add_example":
            agent = find_agent(team, said["agent"])
            return AddExample(**of, example=demonstration(agent, layer.id, said["case"], means, ctx))
        case "remove_example":
            return RemoveExample(**of, position=said["position"])
        case "add_edge":
            return AddEdge(**at, source=said["source"], target=said["target"])
        case "remove_edge":
            return RemoveEdge(**at, source=said["source"], target=said["target"])
        case "rewire":
            edges = tuple(dict.fromkeys((s, t) for s, t in said["edges"]))
            reads = tuple(dict.fromkeys(r for r in said["reads"] if r))
            return Rewire(**at, edges=edges if len(team.agents) > 1 else None, inputs=reads)
        case "add_agent":
            return _with_agent(team, at, said)
        case "remove_agent":
            return RemoveAgent(**of)
        case "set_aggregator":
            return SetAggregator(**at, aggregator=said["combiner"])
        case "add_layer":
            added = _new_layer(said["name"], said["role"], said["prompt"], said.get("tools", ()))
            place = graph.layers.index(layer)
            if said["where"] == "before":
                return AddLayer(layer=added.id, spec=added, position=place)
            return AddLayer(layer=added.id, spec=added, position=place + 1, wires=through(graph, layer.id, added.id))
        case "remove_layer":
            return RemoveLayer(layer=layer.id)
        case "split_layer":
            agent = team.agents[0]
            first = _one_team(layer, team, agent.model_copy(update={"prompt": said["first_prompt"]}))
            helper = agent.model_copy(update={"id": said["second_name"], "prompt": said["second_prompt"]})
            reads = next(heard for x, heard in graph.wired() if x.id == layer.id)
            second = LayerSpec(id=said["second_name"], teams=(TeamSpec(agents=(helper,)),), inputs=(*reads, first.id))
            return SplitLayer(layer=layer.id, first=first, second=second)
        case "merge_layers":
            following = graph.layers[graph.layers.index(layer) + 1]
            return MergeLayers(layer=layer.id, second=following.id, whole=_merged(layer, following))
    raise CannotEdit(f"{said['op']} is no operation")


def _with_agent(team: TeamSpec, at: dict[str, Any], said: dict[str, Any]) -> tuple[Edit, ...]:
    """An agent more, and before it the combiner that a team with one answer more needs."""
    agent = AgentSpec(id=said["name"], role=said["role"], prompt=said["prompt"], tools=tuple(said.get("tools", ())))
    hears = [(source, agent.id) for source in said["hears"]]
    added = AddAgent(**at, spec=agent, edges=(*team.edges, *hears) if hears else None)
    if said["combiner"] == team.aggregator:
        return (added,)
    return SetAggregator(**at, aggregator=said["combiner"]), added


def _new_layer(name: str, role: str, prompt: str, tools: Sequence[str]) -> LayerSpec:
    agent = AgentSpec(id=f"{name}-1", role=role, prompt=prompt, tools=tuple(tools))
    return LayerSpec(id=name, teams=(TeamSpec(agents=(agent,)),))


def through(graph: GraphSpec, old: str, new: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Who reads the old layer by name reads the new one behind it."""
    return tuple((x.id, tuple(new if i == old else i for i in x.inputs)) for x in graph.layers if old in x.inputs)


def _one_team(layer: LayerSpec, team: TeamSpec, agent: AgentSpec) -> LayerSpec:
    new = team.model_copy(update={"agents": (agent,)})
    return layer.model_copy(update={"teams": tuple(new if t is team else t for t in layer.teams)})


def _merged(first: LayerSpec, second: LayerSpec) -> LayerSpec:
    agents = (*find_team(first).agents, *find_team(second).agents)
    return first.model_copy(
        update={"teams": (TeamSpec(agents=agents, aggregator="sequential"),), "pin": None, "goal": second.goal}
    )


def demonstration(agent: AgentSpec, layer: str, case: str, means: Means, ctx: Context) -> Example:
    """The turn that an agent itself gave in a training case that went well. Raises `CannotEdit`."""
    rollout = next((r for r in means.solved if r.case.id == case), None)
    if rollout is None:
        raise CannotEdit(f"case {case} was not solved")
    at = f"layer/{layer}/agent/{agent.id}/"
    turns = [e for key, e in rollout.events if key.startswith(at) and isinstance(e, ModelCalled) and e.reply]
    if not turns or turns[-1].reply is None:
        raise CannotEdit(f"agent {agent.id} said nothing in case {case}")
    said = load_reply(ctx.log.text, turns[-1].reply).text
    try:
        json.loads(said)
    except ValueError:
        said = json.dumps(said, ensure_ascii=False)
    if any(e.task == rollout.case.task for e in agent.examples):
        raise CannotEdit(f"agent {agent.id} is shown case {case} already")
    return Example(task=rollout.case.task, turn=said, origin=case)
