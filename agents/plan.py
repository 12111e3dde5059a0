"""From a task in words to layered teams: one grammar-constrained model call, then checks that mend what can be mended.

The model chooses subtasks, roles, team sizes, tools and combiners; it invents no code. A plan is checked before it runs, and
what the checks changed is recorded beside it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from agents.context import Context
from agents.library import Role, checker, explainer, reasoner, solver
from agents.models.contract import Message, ModelRequest
from agents.spec import AgentSpec, Aggregator, GraphSpec, LayerSpec, TeamSpec
from store.events import Planned
from tools import Tool, all_tools
from tools.retrieve import keywords_in, retrieve

MOST_LAYERS = 4
MOST_AGENTS = 3
HANDFUL = 3  # tools a prompt shows beside `calculate`
CALCULATE = "calculate"
SHARE = 0.5  # of the best tool's fit: below it a tool is of another field (so it is for all of 274 known questions)
FIELD = 2  # keywords of a tool that a task must use to speak of its field
COMBINERS: tuple[Aggregator, ...] = ("single", "sequential", "majority", "best_of_n", "judge", "debate")

ASK = """You plan how a team of agents does a task. Give its subtasks in order; each is done by one layer of agents.
Roles: solve (gets values with tools), check (tests the values), reason (thinks without tools), explain (says the result).
The tool calculate knows no data, only the numbers that the task says.
When the task asks for values that a tool computes, plan one solve for all of them, also when they take several calls.
Texts, opinions and reasons need no tool: plan one reason.
Give agents and combine (majority, judge, debate) only where several agents should do the same."""


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
    tools = fitting(task, all_tools())
    request = ModelRequest(
        model=ctx.model, messages=_talk(task, tools), answer_schema=_schema(tools), seed=ctx.seed, max_tokens=400
    )
    made = build(await ctx.gateway.structured(request, Plan, at=at, purpose="plan"), tools, task)
    graph = ctx.log.put(made.graph.canonical())
    ctx.log.emit(
        f"{at}/planned", Planned(graph=graph, graph_hash=made.graph.hash, planner=ctx.model, repairs=made.repairs)
    )
    return made


def fitting(task: str, tools: Mapping[str, type[Tool[Any, Any]]]) -> list[type[Tool[Any, Any]]]:
    """The tools a plan may use: the few that fit a task best, and `calculate`, which fits anywhere.

    A small model that is shown tools of other fields takes one of them now and then (3 times in 15, seen with one such tool).
    """
    fields = [tool for name, tool in tools.items() if name != CALCULATE]
    return [*retrieve(task, fields, HANDFUL, SHARE), *(tool for name, tool in tools.items() if name == CALCULATE)]


def build(answer: Plan, tools: list[type[Tool[Any, Any]]], task: str = "") -> Planning:
    """Make a graph from a plan, mending what would not run, would miss the task's field or would go unchecked."""
    spoken = {t.name: 0 if t.name == CALCULATE else keywords_in(task, t) for t in tools}
    repairs: list[str] = []
    steps = answer.subtasks[:MOST_LAYERS]
    if len(answer.subtasks) > MOST_LAYERS:
        repairs.append(f"kept the first {MOST_LAYERS} of {len(answer.subtasks)} subtasks")
    mended: list[Subtask] = []
    for step in _one_program(steps, spoken, repairs):
        if step.role in ("check", "explain") and (not mended or step.role == mended[-1].role):
            repairs.append(f"left out a {step.role} with nothing new before it")
        else:
            mended.append(step)
    if not mended:
        repairs.append("an empty plan became one layer that reasons")
        mended = [Subtask(goal=answer.asked or "do the task", role="reason")]
    mended = _with_checks(mended, repairs)
    layers = tuple(_layer(k, step) for k, step in enumerate(mended))
    kind = "+".join(":".join([s.role, *s.tools]) for s in mended)
    return Planning(GraphSpec(layers=layers, name="planned"), kind, tuple(repairs))


def _one_program(steps: list[Subtask], spoken: dict[str, int], repairs: list[str]) -> list[Subtask]:
    """All solving in one layer, at the place of its first step.

    An agent with tools makes several calls and computes with their results exactly, so splitting that work, or reasoning about
    its results without tools, only adds places where numbers get lost. `calculate` beside another tool is left out, for answers
    are computed by it anyway. Tools of whose field the task says nothing give way to the one of whose field it speaks.

    Args:
        steps: What the plan says.
        spoken: How many of a tool's keywords the task uses, for every tool there is.
        repairs: Gets what was changed.
    """
    solving = [s for s in steps if s.role == "solve"]
    fit = [name for name in dict.fromkeys(name for s in solving for name in s.tools) if name in spoken]
    tools = [name for name in fit if name != CALCULATE] or fit
    nearest = max(spoken, key=lambda name: spoken[name], default="")
    if tools and spoken[nearest] >= FIELD and not any(spoken[name] for name in tools):
        repairs.append(f"the task speaks of the field of {nearest} and not of that of {' or '.join(tools)}")
        tools = [nearest]
    if solving and not tools:
        repairs.append("the solving had no tool, so an agent reasons")
        return [s.model_copy(update={"role": "reason", "tools": []}) if s in solving else s for s in steps]
    if len(solving) > 1:
        repairs.append(f"made one layer of {len(solving)} that solve")
    kept: list[Subtask] = []
    for step in steps:
        if step is (solving[0] if solving else None):
            kept.append(step.model_copy(update={"goal": "", "tools": tools}))
        elif step.role == "reason" and solving and steps.index(step) > steps.index(solving[0]):
            repairs.append(f"left out reasoning about results: {step.goal!r}")
        elif step.role != "solve":
            kept.append(step.model_copy(update={"tools": []}))
    return kept


def _with_checks(steps: list[Subtask], repairs: list[str]) -> list[Subtask]:
    """What a tool computed is checked before anything is said about it, and is explained at the end."""
    last = max((k for k, s in enumerate(steps) if s.role == "solve"), default=None)
    if last is None:
        return steps
    behind = [s.role for s in steps[last + 1 :]]
    if "check" not in behind[: behind.index("explain") if "explain" in behind else None]:
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
        "tools": {"type": "array", "items": {"enum": [t.name for t in tools]}, "minItems": 1, "maxItems": 3},
        "agents": {"type": "integer", "minimum": 2, "maximum": MOST_AGENTS},
        "combine": {"enum": list(COMBINERS)},
    }
    plain = _object(subtask) | {"required": ["goal", "role"]}
    subtasks = {"type": "array", "items": plain, "minItems": 1, "maxItems": MOST_LAYERS}
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
    """A subtask as an answer shows it: an agent alone and without tools needs no more than its goal and role."""
    with_tools = {"tools": list(tools)} if tools else {}
    several = {"agents": agents, "combine": combine} if agents > 1 else {}
    return {"goal": goal, "role": role, **with_tools, **several}


_ROD = "- rod_temperature: Temperature along an insulated rod after a given time.\n- calculate: Exact value of an expression."
EXAMPLES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        _ROD,
        "How warm is the middle of a 2 m copper rod after ten minutes, how much warmer than after five, and which end is hotter?",
        {
            "asked": "how warm after ten minutes, how much warmer than after five, which end is hotter",
            "subtasks": [
                _step(
                    "find the temperatures and the hotter end",
                    "solve",
                    tools=("rod_temperature",),
                ),
                _step("check the temperatures", "check"),
                _step("say the temperatures", "explain"),
            ],
        },
    ),
    (
        _ROD,
        "Why is copper warmer to the touch than wood?",
        {"asked": "why is copper warmer", "subtasks": [_step("say why copper feels warmer than wood", "reason")]},
    ),
    (
        _ROD,
        "How many joules are 3.5 kWh?",
        {
            "asked": "how many joules",
            "subtasks": [
                _step("convert 3.5 kWh to joules", "solve", tools=("calculate",)),
                _step("say the energy", "explain"),
            ],
        },
    ),
    (
        _ROD,
        "Write a limerick about Paris.",
        {"asked": "a limerick about Paris", "subtasks": [_step("write a limerick about Paris", "reason")]},
    ),
    (
        _ROD,
        "Three friends cannot agree: does a feather fall as fast as a stone on the moon?",
        {
            "asked": "does a feather fall as fast as a stone",
            "subtasks": [_step("decide whether a feather falls as fast as a stone", "reason", 3, "majority")],
        },
    ),
)
