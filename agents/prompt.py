"""From an agent's spec and its brief to the messages and the answer schema of one turn.

The stable part comes first (who the agent is, its tools, its demonstrations), so that providers can keep it cached; each input
is a message of its own, so that a text which travels through many prompts is stored once.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.answer import Answer
from agents.models.contract import Message
from agents.spec import AgentSpec, AnswerField
from tools import Tool, definition, get_tool

CALL_NAMES = ("a", "b", "c", "d")
PLAIN = (int, float, str, int | None, float | None, str | None)
MOST_WORDS = 4  # of a name copied from the task
MAX_SHOWN = 240  # characters of one output value that agents read
UNSAID = frozenset(
    (
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "enum",
        "examples",
        "description",
        "title",
        "default",
        "unit",
    )
)
AnyTool = type[Tool[Any, Any]]


@dataclass(frozen=True)
class Brief:
    """What an agent is given: the whole task, its layer's goal, and the answers it may build on, by who gave them."""

    task: str
    goal: str = ""
    inputs: tuple[tuple[str, Answer], ...] = ()


def messages(agent: AgentSpec, brief: Brief, tools: Sequence[AnyTool]) -> tuple[Message, ...]:
    """The conversation that opens an agent's turn."""
    talk = [Message(role="system", content=_system(agent, tools))]
    for example in agent.examples:
        talk += [Message(role="user", content=example.task), Message(role="assistant", content=example.turn)]
    talk += [Message(role="user", content=f"From {who}:\n\n{describe(answer)}") for who, answer in brief.inputs]
    goal = f"\nYour part: {brief.goal}" if brief.goal and brief.goal != brief.task else ""
    return (*talk, Message(role="user", content=brief.task + goal))


def describe(answer: Answer) -> str:
    """An answer as the next agent reads it: its words, its checked values, and the calls they stand on with their headlines."""
    lines = [answer.text]
    lines += [f"= {q} ({q.expression})" for q in answer.values]
    for e in answer.evidence:
        headline = {name: e.shown[name] for name in get_tool(e.tool).headline if name in e.shown}
        lines.append(f"{e.name}: {e.tool} {_compact(e.arguments)} gave {_compact(headline)}")
    return "\n".join(lines)


def shown(output: dict[str, Any], headline: Iterable[str]) -> dict[str, Any]:
    """The part of a tool's output that agents read: headline fields first, then what is short; no blobs, no blanks."""
    first = [k for k in headline if k in output]
    order = first + [k for k in output if k not in first]
    return {
        k: output[k] for k in order if output[k] not in (None, "", [], {}) and len(_compact(output[k])) <= MAX_SHOWN
    }


def turn_schema(agent: AgentSpec, tools: Sequence[AnyTool], task: str) -> dict[str, Any]:
    """JSON schema of a turn: the agent's own fields, then either tool calls with answers over them, or a refusal.

    Ranges and lists of names are left out of the arguments: a question may ask for what a tool must refuse, and then the tool
    should say so.
    """
    choice = next((f for f in agent.fields if f.choices), None)
    counts = dict.fromkeys(n for _, n in choice.choices) if choice else {0: None}
    acting = [_object(_fields(agent.fields, choice, n) | _calls(agent, tools, task, n)) for n in counts]
    plain = [f for f in agent.fields if not f.choices]
    refusing = _object(_fields(plain, None, 0) | {"refusal": {"type": "string", "minLength": 3, "maxLength": 200}})
    return {"anyOf": [*acting, refusing]}


def written_schema(agent: AgentSpec) -> dict[str, Any]:
    """JSON schema for an agent without tools that has answer fields: the fields, then the answer in words."""
    return _object(_fields(agent.fields, None, 0) | {"answer": {"type": "string"}})


def _system(agent: AgentSpec, tools: Sequence[AnyTool]) -> str:
    parts = [agent.role, agent.prompt, *(_tool_page(t) for t in tools)]
    if agent.fields:
        parts.append("First fill:\n" + "\n".join(f"- {f.name}: {f.meaning}" for f in agent.fields))
    if tools:
        parts.append(
            "Then list your calls, named a, b, ..., and the answers as expressions over their outputs. An empty list of "
            "answers means that you want to see the outputs first. If no tool can help, give a refusal that says why."
        )
    return "\n\n".join(p for p in parts if p)


def _tool_page(tool: AnyTool) -> str:
    lines = [f"Tool {tool.name}: {tool.description()}", "Arguments:"]
    lines += [f"- {name}: {field.description}" for name, field in tool.input_type().model_fields.items()]
    outputs = [f"{n} ({tool.output_type().model_fields[n].description})" for n in _answerable(tool)]
    return "\n".join([*lines, "Outputs: " + ", ".join(outputs)])


def _answerable(tool: AnyTool) -> list[str]:
    """Outputs that an answer can be: numbers and texts, headlines first."""
    plain = [n for n, f in tool.output_type().model_fields.items() if f.annotation in PLAIN]
    return sorted(plain, key=lambda n: n not in tool.headline)


def _calls(agent: AgentSpec, tools: Sequence[AnyTool], task: str, count: int) -> dict[str, Any]:
    names: dict[str, Any] = {"enum": list(CALL_NAMES)}
    each = [_object({"name": names, "tool": {"const": t.name}, "arguments": _arguments(agent, t, task)}) for t in tools]
    most = count or len(CALL_NAMES)
    return {
        "calls": {"type": "array", "items": {"anyOf": each}, "minItems": count or 1, "maxItems": most},
        "answers": {"type": "array", "items": {"type": "string", "pattern": _expression(tools)}, "maxItems": 4},
    }


def _arguments(agent: AgentSpec, tool: AnyTool, task: str) -> dict[str, Any]:
    """Schema of a tool's arguments.

    What every demonstration gives is required, for what a small model may omit, it forgets; what the tool wants copied can only
    be written in words of the task.
    """
    given = definition(tool).input_schema
    schema: dict[str, Any] = _without_ranges(given)
    calls = [c for e in agent.examples for c in json.loads(e.turn).get("calls", ()) if c.get("tool") == tool.name]
    always = [name for name in schema["properties"] if calls and all(name in c["arguments"] for c in calls)]
    for name, field in given["properties"].items():
        if field.get("copied"):
            schema["properties"][name] = {"enum": spans(task)}
    return schema | {"required": list(dict.fromkeys([*schema.get("required", ()), *always]))}


def spans(task: str) -> list[str]:
    """Every run of one to four words of a task, without the punctuation around it."""
    words = [w.strip(".,;:!?\"'()[]") for w in task.split()]
    runs = (" ".join(words[k : k + n]) for n in range(1, MOST_WORDS + 1) for k in range(len(words) - n + 1))
    return [run for run in dict.fromkeys(runs) if run]


def _expression(tools: Sequence[AnyTool]) -> str:
    """Regular expression of an answer: outputs of calls by name, joined by + - * / with numbers and parentheses."""
    outputs = "|".join(sorted({name for t in tools for name in _answerable(t)}))
    term = rf"\(?([{''.join(CALL_NAMES)}]\.({outputs})|[0-9]+)\)?"
    return rf"^{term}( [-+*/] {term}){{0,4}}$"


def _without_ranges(schema: Any) -> Any:
    if isinstance(schema, dict):
        dropped = {
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "description",
            "title",
            "default",
            "unit",
        }
        return {
            k: _without_ranges(v) for k, v in schema.items() if k not in dropped or not isinstance(v, str | int | float)
        }
    if isinstance(schema, list):
        return [_without_ranges(v) for v in schema]
    return schema


def _fields(fields: Iterable[AnswerField], choice: AnswerField | None, count: int) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for f in fields:
        if f is choice:
            schemas[f.name] = {"enum": [value for value, n in f.choices if n == count]}
        else:
            schemas[f.name] = {"type": "string", "maxLength": f.max_chars}
    return schemas


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if not isinstance(value, str) else value
