"""What an agent may say, as a JSON schema: the wordings, numbers and expressions that could be right, and no others.

Where a provider constrains decoding, most faults of a small model cannot even be written: a number the task does not say, a name
it does not use, an output that does not exist, a difference written as a ratio.
"""

import json
import math
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from agents.check import PAIR, SYSTEM, beside, mentions, named, shares
from agents.comparison import wants_percent
from agents.program import CALL_NAMES
from agents.prompt import AnyTool, answerable
from agents.question import opening
from agents.spec import AgentSpec, AnswerField, Choice
from tools import definition, hints

MOST_WORDS = 6  # of a name copied from the task
MOST_CALLS = 4  # that an agent writes itself
LISTED = re.compile(r"\b\d+(?:(?:,|,? and|,? or| to| through) +\d+)+\b")  # 2, 5 and 7; 0 to 3
QUOTED = re.compile(r"""(?<!\w)(?:'(.+?)'|"(.+?)"|‘(.+?)’|“(.+?)”)(?!\w)""", re.DOTALL)
MOST_NUMBERS = 30  # in a text: with more of them, numbers are only checked afterwards
NUMBERS = ("number", "integer")
RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
WORDS = ("description", "title", "default", "unit")


class _Elements(NamedTuple):
    """Whole numbers of a text, of which names of elements are made; `alone` without those of pairs: a 30-17 names no bus 30.

    How many buses a system has names none of them.
    """

    numbers: list[int]
    alone: list[int]

    @classmethod
    def of(cls, text: str) -> "_Elements":
        of_elements = SYSTEM.sub(" ", text)
        return cls(_whole_numbers(of_elements), _whole_numbers(PAIR.sub(" ", of_elements)))


def turn_schema(agent: AgentSpec, tools: Sequence[AnyTool], task: str, sources: str) -> dict[str, Any]:
    """JSON schema of a turn: the agent's own fields, then either tool calls with answers over them, or a refusal.

    Ranges of arguments are left out: a question may ask for what a tool must refuse, and then the tool should say so.

    Args:
        agent: Whose turn it is.
        tools: What it may call.
        task: The whole task, of whose words names are made.
        sources: Everything that numbers may come from: the task, the layer's goal, what earlier layers found.
    """
    choosing = next((f for f in agent.fields if f.choices), None)
    arguments = {t.name: _arguments(agent, t, task, sources) for t in tools}
    acting = [
        _object(_fields(agent.fields, task, choice) | _calls(tools, arguments, choice, _Elements.of(sources)))
        for choice in (choosing.choices if choosing else (Choice(value=""),))
        if wants_percent(task) or not any("* 100" in form for form in choice.forms)
    ]
    plain = [f for f in agent.fields if not f.choices]
    refusing = _object(_fields(plain, task) | {"refusal": {"type": "string", "minLength": 3, "maxLength": 200}})
    return {"anyOf": [*acting, refusing]}


def written_schema(agent: AgentSpec, task: str) -> dict[str, Any]:
    """JSON schema for an agent without tools that has answer fields: the fields, then the answer in words."""
    return _object(_fields(agent.fields, task) | {"answer": {"type": "string"}})


def spans(task: str) -> list[str]:
    """Every run of a few words of a task, without the punctuation around it."""
    words = [w.strip(".,;:!?\"'()[]") for w in task.split()]
    runs = (" ".join(words[k : k + n]) for n in range(1, MOST_WORDS + 1) for k in range(len(words) - n + 1))
    return [run for run in dict.fromkeys(runs) if run]


def sayable(schema: dict[str, Any], sources: str) -> list[float]:
    """The numbers that an argument may have: its default, those a text says, and for a pure number what a per cent or a change
    becomes (8 % less: 0.92), within its range where that leaves any.

    Args:
        schema: The argument's schema, of type number or integer.
        sources: The text.
    """
    low = schema.get("minimum", schema.get("exclusiveMinimum")) or 0
    high = schema.get("maximum", schema.get("exclusiveMaximum")) or math.inf
    pure = not str(schema.get("description", "")).endswith("]")  # a unit stands in brackets at the end
    default = schema.get("default")
    found = [float(default)] if isinstance(default, int | float) else []
    if schema["type"] == "integer":
        found += [m.value for m in mentions(sources) if m.value == int(m.value)]
    elif pure:
        found += shares(sources, low, high)
    else:
        found += [n for m in mentions(sources) for n in ((m.value, -m.value) if low < 0 else (m.value,))]
    rounded = dict.fromkeys(float(f"{n:.9g}") for n in found)
    return [int(n) if n == int(n) and not (pure and schema["type"] == "number") else n for n in rounded]


def _calls(tools: Sequence[AnyTool], arguments: dict[str, Any], choice: Choice, elements: _Elements) -> dict[str, Any]:
    names: dict[str, Any] = {"enum": list(CALL_NAMES[:MOST_CALLS])}
    each = [_object({"name": names, "tool": {"const": t.name}, "arguments": arguments[t.name]}) for t in tools]
    most = choice.calls or MOST_CALLS
    answer = {"type": "string", "pattern": _expression(tools, choice.forms, elements)}
    return {
        "calls": {"type": "array", "items": {"anyOf": each}, "minItems": choice.calls or 1, "maxItems": most},
        "answers": {"type": "array", "items": answer, "maxItems": 4},
    }


def _arguments(agent: AgentSpec, tool: AnyTool, task: str, sources: str) -> dict[str, Any]:
    """Schema of a tool's arguments.

    What every demonstration gives is required, for what a small model may omit, it forgets; what the tool wants copied can only
    be written in words of the task, or with its numbers; what is named by words can only be given where one of them stands, a
    number only by one that stands beside it. What only says what to look at is written into the answers instead.
    """
    given, known = definition(tool).input_schema, hints(tool)
    if "grounded" in agent.checks and len(mentions(sources)) <= MOST_NUMBERS:
        for name, field in given["properties"].items():
            words = known[name].get("named_by", ())
            given["properties"][name] = _grounded(
                field, beside(sources, words) if words and field.get("type") in NUMBERS else sources
            )
    schema: dict[str, Any] = _without_ranges(given)
    examples = (*agent.examples, *agent.more_examples)
    calls = [c for e in examples for c in json.loads(e.turn).get("calls", ()) if c.get("tool") == tool.name]
    always = [name for name in schema["properties"] if calls and all(name in c["arguments"] for c in calls)]
    elements = _Elements.of(sources)
    for name, field in given["properties"].items():
        copied, named_by = known[name].get("copied", False), known[name].get("named_by", ())
        pattern = _element(elements, field.get("examples")) if copied == "numbers" else None
        written = _written(copied, task)
        if name in tool.asks or _unnamed(named_by, task) or (copied == "numbers" and not pattern) or written == []:
            del schema["properties"][name]
        elif pattern:
            element = {"type": "string", "pattern": f"^{pattern}$"}
            schema["properties"][name] = element if field["type"] == "string" else {**field, "items": element}
        elif copied:
            schema["properties"][name] = {"enum": written or spans(task)}
        elif isinstance(named_by, dict):
            left = [choice for choice in field["enum"] if not _unnamed(named_by.get(choice, ()), task)]
            schema["properties"][name] = {**field, "enum": left}
        if named_by and field.get("type") not in NUMBERS:
            always.append(name)
    required = dict.fromkeys([*schema.get("required", ()), *always])
    return schema | {"required": [name for name in required if name in schema["properties"]]}


def _written(copied: bool | str, task: str) -> list[str] | None:
    """What a task writes in the form that is copied; None where the form is any of its words."""
    if copied == "list":
        return list(dict.fromkeys(LISTED.findall(task)))
    if copied == "quoted":
        return list(dict.fromkeys("".join(groups) for groups in QUOTED.findall(task)))
    return None


def _unnamed(named_by: Collection[str] | dict[str, Any], task: str) -> bool:
    """Whether there are words that name something, and none of them stands in the task."""
    words = [word for of in named_by.values() for word in of] if isinstance(named_by, dict) else named_by
    return bool(words) and not named(task, words)


def _grounded(schema: Any, sources: str) -> Any:
    """The schema with every number one that the sources say, or its default."""
    if isinstance(schema, list):
        return [_grounded(item, sources) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") not in NUMBERS or "enum" in schema:
        return {key: _grounded(value, sources) for key, value in schema.items()}
    said = sayable(schema, sources)
    return schema | {"enum": said} if said else schema


def _expression(tools: Sequence[AnyTool], forms: Sequence[str], elements: _Elements) -> str:
    """Regular expression of an answer: one of the forms over one output, or any outputs of calls joined by + - * / with
    numbers and parentheses."""
    outputs = dict.fromkeys(o for t in tools for o in _outputs(t, elements, numeric=False))
    if forms:
        numeric = dict.fromkeys(o for t in tools for o in _outputs(t, elements, numeric=True))
        written = [
            re.escape(form).replace(r"\.x", rf"\.{output}")
            for form in forms
            for output in (numeric if " " in form else outputs)
        ]
        return f"^({'|'.join(written)})$"
    term = rf"\(?([{''.join(CALL_NAMES[:MOST_CALLS])}]\.({'|'.join(outputs)})|[0-9]+)\)?"
    return rf"^{term}( [-+*/] {term}){{0,4}}$"


def _outputs(tool: AnyTool, elements: _Elements, *, numeric: bool) -> list[str]:
    """Regular expressions of the outputs that an answer may use; one that must be told where to look says where."""
    given = {output: name for name, outputs in tool.asks.items() for output in outputs}
    fields = tool.input_type().model_fields
    found = []
    for output in answerable(tool, numeric=numeric):
        if output not in given:
            found.append(output)
        elif fields[given[output]].annotation in (int, int | None):
            found += [rf"{output}\[({'|'.join(map(str, elements.alone))})\]"] if elements.alone else []
        elif element := _element(elements, fields[given[output]].examples):
            found.append(rf"{output}\[{element}\]")
    return found


def _element(elements: _Elements, examples: Sequence[str] | None) -> str | None:
    """Regular expression of a name that is made of the task's numbers, in the form of the examples: 13, 6-8, 6-8#2.

    A pair joins two different ones: what runs from bus 5 to bus 5 is no line. None where no name can be made.
    """
    pairs = {"-" in example for example in examples or ()}
    alone = [str(n) for n in elements.alone] if pairs != {True} else []
    numbers = elements.numbers if pairs != {False} else []
    joined = [f"{n}-({'|'.join(str(m) for m in numbers if m != n)})" for n in numbers if len(numbers) > 1]
    return rf"({'|'.join([*alone, *joined])})(#[1-9])?" if alone or joined else None


def _whole_numbers(text: str) -> list[int]:
    return list(dict.fromkeys(int(m.value) for m in mentions(text) if m.value == int(m.value)))


def _without_ranges(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _without_ranges(value)
            for key, value in schema.items()
            if key not in (*RANGES, *WORDS) or not isinstance(value, str | int | float)
        }
    return [_without_ranges(item) for item in schema] if isinstance(schema, list) else schema


def _fields(fields: Iterable[AnswerField], task: str, choice: Choice | None = None) -> dict[str, Any]:
    """Schemas of the answer fields; a field with choices has been chosen."""
    return {f.name: {"const": choice.value} if choice and f.choices else _text(f, task) for f in fields}


def _text(field: AnswerField, task: str) -> dict[str, Any]:
    begin = opening(task) if field.question else ""
    if not re.fullmatch(r"[\w ]+", begin):
        return {"type": "string", "maxLength": field.max_chars}
    return {"type": "string", "pattern": rf'^{begin} [^"\\]{{1,{field.max_chars}}}$'}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
