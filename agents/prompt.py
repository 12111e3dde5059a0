"""From an agent's spec and its brief to the messages of one turn.

The stable part comes first (who the agent is, its tools, its demonstrations), so that providers can keep it cached; each input
is a message of its own, so that a text which travels through many prompts is stored once.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.answer import Answer
from agents.models.contract import Message
from agents.nearest import nearest
from agents.spec import AgentSpec
from tools import Tool, get_tool

TEXTS = (str, str | None)
PLAIN = (int, float, int | None, float | None, *TEXTS)
MAX_SHOWN = 240  # characters of one output value that agents read
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
    for example in (*agent.examples, *nearest(brief.task, agent.more_examples, agent.nearest)):
        talk += [Message(role="user", content=example.task), Message(role="assistant", content=example.said)]
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
    inputs = tool.input_type().model_fields.items()
    lines += [f"- {name}: {field.description}" for name, field in inputs if name not in tool.asks]
    looks = {output: f"[{given}]" for given, outputs in tool.asks.items() for output in outputs}
    fields = tool.output_type().model_fields
    outputs = [f"{n}{looks.get(n, '')} ({fields[n].description})" for n in answerable(tool)]
    return "\n".join([*lines, "Outputs: " + ", ".join(outputs)])


def answerable(tool: AnyTool, *, numeric: bool = False) -> list[str]:
    """Outputs that an answer can be: numbers and texts, or numbers alone; headlines first."""
    plain = [
        name
        for name, field in tool.output_type().model_fields.items()
        if field.annotation in PLAIN
        and not (numeric and field.annotation in TEXTS)
        and name not in tool.certificate  # others check these
    ]
    return sorted(plain, key=lambda n: n not in tool.headline)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if not isinstance(value, str) else value
