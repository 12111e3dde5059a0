"""From a task in words to layered teams: one grammar-constrained model call, then checks that mend what can be mended.

The model chooses subtasks, roles, team sizes, tools and combiners; it invents no code. A plan is checked before it runs, and
what the checks changed is recorded beside it.
"""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from agents.context import Context
from agents.library import Role, checker, explainer, reasoner, solver
from agents.models.contract import Message, ModelRequest
from agents.spec import AgentSpec, Aggregator, GraphSpec, LayerSpec, TeamSpec
from store.events import Planned
from tools import Tool, all_tools
from tools.retrieve import retrieve

MOST_LAYERS = 4
MOST_AGENTS = 3
HANDFUL = 4  # tools a prompt shows
COMBINERS: tuple[Aggregator, ...] = ("single", "sequential", "majority", "best_of_n", "judge", "debate")

ASK = """You plan how a team of agents does a task. Give its subtasks in order; each is done by one layer of agents.
Roles: solve (calls tools and computes), check (tests the result), reason (thinks without tools), explain (says the result).
Use solve only when one of the tools fits the task; otherwise use reason. One agent a layer is enough unless opinions may differ.
Combine: single for one agent; majority when agents answer alike and vote; judge, debate, best_of_n or sequential where needed."""


class Subtask(BaseModel):
    goal: str
    role: Role
    agents: int = 1
    combine: Aggregator = "single"
    tools: list[str] = []


class Plan(BaseModel):
    """What the planner answers."""

    asked: str
    subtasks: list[Subtask]


@dataclass(frozen=True)
class Planning:
    """A checked plan: the graph, the kind of task it is for, and what the checks put right."""

    graph: GraphSpec
    task_kind: str
    repairs: tuple[str, ...]


async def plan(task: str, ctx: Context, at: str = "plan") -> Planning:
    """Plan a network for a task and log it. Raises `ModelError`."""
    tools = retrieve(task, list(all_tools().values()), HANDFUL)
    request = ModelRequest(
        model=ctx.model, messages=_talk(task, tools), answer_schema=_schema(tools), seed=ctx.seed, max_tokens=400
    )
    made = build(await ctx.gateway.structured(request, Plan, at=at, purpose="plan"), tools)
    graph = ctx.log.put(made.graph.canonical())
    ctx.log.emit(
        f"{at}/planned", Planned(graph=graph, graph_hash=made.graph.hash, planner=ctx.model, repairs=made.repairs)
    )
    return made


def build(answer: Plan, tools: list[type[Tool[Any, Any]]]) -> Planning:
    """Make a graph from a plan, mending what would not run or would go unchecked."""
    known = {t.name for t in tools}
    repairs: list[str] = []
    steps = answer.subtasks[:MOST_LAYERS]
    if len(answer.subtasks) > MOST_LAYERS:
        repairs.append(f"kept the first {MOST_LAYERS} of {len(answer.subtasks)} subtasks")
    mended: list[Subtask] = []
    for step in steps:
        fit = [name for name in dict.fromkeys(step.tools) if name in known]
        if step.role == "solve" and not fit:
            repairs.append(f"{step.goal!r} had no tool, so an agent reasons about it")
            mended.append(step.model_copy(update={"role": "reason", "tools": []}))
        elif step.role in ("check", "explain") and (not mended or step.role == mended[-1].role):
            repairs.append(f"left out a {step.role} with nothing new before it")
        else:
            mended.append(step.model_copy(update={"tools": fit if step.role == "solve" else []}))
    if not mended:
        repairs.append("an empty plan became one layer that reasons")
        mended = [Subtask(goal=answer.asked or "do the task", role="reason")]
    mended = _with_checks(mended, repairs)
    layers = tuple(_layer(k, step) for k, step in enumerate(mended))
    kind = "+".join(":".join([s.role, *s.tools]) for s in mended)
    return Planning(GraphSpec(layers=layers, name="planned"), kind, tuple(repairs))


def _with_checks(steps: list[Subtask], repairs: list[str]) -> list[Subtask]:
    """What a tool computed is checked before anything is said about it, and is explained at the end."""
    last = max((k for k, s in enumerate(steps) if s.role == "solve"), default=None)
    if last is None:
        return steps
    if not any(s.role == "check" for s in steps[last:]):
        repairs.append("added a check behind the last solve")
        steps = [*steps[: last + 1], Subtask(goal="check the result", role="check"), *steps[last + 1 :]]
    if steps[-1].role != "explain":
        repairs.append("added an explanation at the end")
        steps = [*steps, Subtask(goal="explain the result", role="explain")]
    return steps


def _layer(k: int, step: Subtask) -> LayerSpec:
    size = 1 if step.role in ("check", "explain") else min(max(step.agents, 1), MOST_AGENTS)
    agents = tuple(_agent(step, f"{step.role}-{n + 1}", size) for n in range(size))
    combine: Aggregator = "single" if size == 1 else "majority" if step.combine == "single" else step.combine
    return LayerSpec(id=f"{k + 1}-{step.role}", goal=step.goal, teams=(TeamSpec(agents=agents, aggregator=combine),))


def _agent(step: Subtask, id: str, size: int) -> AgentSpec:
    warmth: dict[str, Any] = {"temperature": 0.7} if size > 1 else {}  # voters must be able to differ
    match step.role:
        case "solve":
            return solver(id, step.tools, **warmth)
        case "reason":
            return reasoner(id, **warmth)
        case "check":
            return checker(id)
        case "explain":
            return explainer(id)


def _schema(tools: list[type[Tool[Any, Any]]]) -> dict[str, Any]:
    subtask: dict[str, Any] = {
        "goal": {"type": "string", "maxLength": 80},
        "role": {"enum": ["solve", "check", "reason", "explain"]},
        "agents": {"type": "integer", "minimum": 1, "maximum": MOST_AGENTS},
        "combine": {"enum": list(COMBINERS)},
        "tools": {"type": "array", "items": {"enum": [t.name for t in tools]}, "maxItems": 3},
    }
    subtasks = {"type": "array", "items": _object(subtask), "minItems": 1, "maxItems": MOST_LAYERS}
    return _object({"asked": {"type": "string", "maxLength": 120}, "subtasks": subtasks})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _talk(task: str, tools: list[type[Tool[Any, Any]]]) -> tuple[Message, ...]:
    listed = "\n".join(f"- {t.name}: {t.description()}" for t in tools)
    talk = [Message(role="system", content=ASK)]
    for example_tools, question, answer in EXAMPLES:
        talk.append(Message(role="user", content=f"Tools:\n{example_tools}\nTask: {question}"))
        talk.append(Message(role="assistant", content=json.dumps(answer)))
    return (*talk, Message(role="user", content=f"Tools:\n{listed}\nTask: {task}"))


def _step(
    goal: str, role: Role, agents: int = 1, combine: Aggregator = "single", tools: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {"goal": goal, "role": role, "agents": agents, "combine": combine, "tools": list(tools)}


EXAMPLES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "- rod_temperature: Temperature along an insulated rod after a given time.\n- calculate: Exact value of an expression.",
        "How warm is the middle of a 2 m copper rod after ten minutes, and how much warmer than after five?",
        {
            "asked": "how warm after ten minutes, how much warmer than after five",
            "subtasks": [
                _step("temperature in the middle after ten and after five minutes", "solve", tools=("rod_temperature",)),
                _step("check the temperatures", "check"),
                _step("say how warm it is", "explain"),
            ],
        },
    ),
    (
        "- calculate: Exact value of an expression.",
        "Write two sentences on why the sky is blue.",
        {"asked": "two sentences on why the sky is blue", "subtasks": [_step("say why the sky is blue", "reason")]},
    ),
    (
        "- calculate: Exact value of an expression.",
        "A train leaves at 9 and rides 3 hours at 80 km/h. Three people disagree how far it gets. How far does it get?",
        {
            "asked": "how far does it get",
            "subtasks": [
                _step("distance after 3 hours at 80 km/h", "reason", 3, "majority"),
                _step("say the distance", "explain"),
            ],
        },
    ),
)  # fmt: skip
