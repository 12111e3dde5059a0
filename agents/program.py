"""The small program that an agent with tools writes: calls, and answers as expressions over their outputs.

An output that needs to be told what to look at is written with it in brackets, `a.watched_price[25]`. The program is then
completed: the call is given that argument, and where two answers look at different things, a second call is made for the second.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from agents.check import Mention
from agents.comparison import made_both_ways, way_of
from tools import Tool

CALL_NAMES = ("a", "b", "c", "d", "e", "f", "g", "h")
THAN = re.compile(r"\b(than|versus|vs|compared)\b", re.IGNORECASE)
LOOK = re.compile(r"\b([a-z])\.(\w+)\[([^\]]*)\]")


class Call(BaseModel):
    name: str
    tool: str
    arguments: dict[str, Any]


class Turn(BaseModel, extra="allow"):
    """What an agent with tools says: calls with answers over them, or a refusal."""

    calls: list[Call] = []
    answers: list[str] = []
    refusal: str = ""


def contrasted(turn: Turn, tools: Mapping[str, type[Tool[Any, Any]]], task: str) -> Turn:
    """A case compared with itself, or with its mirror image, becomes a comparison with the case that lacks its one condition.

    A small model that is asked what a change does may write the changed case twice, or once up and once down (0.93 and 1.07, of
    7 %); asked what one element does more "than" another, both elements into both. Where the case has several conditions,
    which of them is the change stays open, and the checks send the turn back.
    """
    if len(turn.calls) != 2 or turn.calls[0].tool not in tools:
        return turn
    a, b = turn.calls
    if a.tool == b.tool and (mirrored := made_both_ways(task, a.arguments, b.arguments)):
        return turn.model_copy(update={"calls": _one_way(a, b, mirrored, tools[a.tool], task)})
    of_a, of_b = (
        set(re.findall(rf"\b{c.name}\.(\w+(?:\[[^\]]*\])?)", " ".join(turn.answers))) for c in (a, b)
    )  # the same output of both is compared
    fields = tools[a.tool].input_type().model_fields
    conditions = [
        name
        for name, value in a.arguments.items()
        if name in fields
        and not fields[name].is_required()
        and value != fields[name].get_default(call_default_factory=True)
    ]
    if not of_a or of_a != of_b or (a.tool, a.arguments) != (b.tool, b.arguments) or len(conditions) != 1:
        return turn
    (condition,) = conditions
    value = a.arguments[condition]
    if isinstance(value, list) and len(value) == 2 and THAN.search(task):
        pair = (
            c.model_copy(update={"arguments": c.arguments | {condition: [v]}})
            for c, v in zip((a, b), value, strict=True)
        )
        return turn.model_copy(update={"calls": list(pair)})
    base = {name: value for name, value in b.arguments.items() if name != condition}
    return turn.model_copy(update={"calls": [a, b.model_copy(update={"arguments": base})]})


def _one_way(a: Call, b: Call, mirrored: Mapping[str, Mention], tool: type[Tool[Any, Any]], task: str) -> list[Call]:
    """Both calls, with each change made the way the task says, and left out where it was made the other way."""
    for name, change in mirrored.items():
        way = way_of(task, change)
        if way and not tool.input_type().model_fields[name].is_required():
            greater = a.arguments[name] > b.arguments[name]
            wrong = a if greater == (way == "down") else b
            rest = wrong.model_copy(update={"arguments": {n: v for n, v in wrong.arguments.items() if n != name}})
            a, b = (rest, b) if wrong is a else (a, rest)
    return [a, b]


def completed(turn: Turn, tools: Mapping[str, type[Tool[Any, Any]]]) -> Turn:
    """The turn with every look written as an argument of a call; what makes no sense is left for the checks to find."""
    calls = {c.name: c for c in turn.calls}
    if len(calls) < len(turn.calls):
        return turn

    def settle(match: re.Match[str]) -> str:
        name, output, key = match[1], match[2], match[3].strip()
        call = calls.get(name)
        tool = tools.get(call.tool) if call else None
        given = next((g for g, outputs in tool.asks.items() if output in outputs), None) if tool else None
        if call is None or tool is None or given is None:
            return match[0]
        wanted = int(key) if key.isdigit() and _whole(tool, given) else key
        arguments = call.arguments | {given: wanted}
        for other in calls.values():  # one that looks there, or that looks nowhere yet
            free = other.name == name and call.arguments.get(given) is None
            if free or (other.tool == call.tool and other.arguments == arguments):
                calls[other.name] = other.model_copy(update={"arguments": arguments})
                return f"{other.name}.{output}"
        new = next((n for n in CALL_NAMES if n not in calls), None)
        if new is None:
            return match[0]
        calls[new] = call.model_copy(update={"name": new, "arguments": arguments})
        return f"{new}.{output}"

    answers = [LOOK.sub(settle, answer) for answer in turn.answers]
    return turn.model_copy(update={"calls": list(calls.values()), "answers": answers})


def _whole(tool: type[Tool[Any, Any]], given: str) -> bool:
    """Whether an input is an integer."""
    return "integer" in json.dumps(tool.input_type().model_json_schema()["properties"][given])
