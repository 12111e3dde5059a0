"""Answers are expressions over tool outputs: resolved and computed here, so that no model ever copies a result by hand."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.answer import Quantity
from agents.hands import Hands
from tools import BadInput, Tool

REFERENCE = re.compile(r"\b([a-z])\.([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Result:
    """A finished call as expressions see it."""

    tool: type[Tool[Any, Any]]
    output: Mapping[str, Any]

    def unit(self, field: str) -> str:
        extra = self.tool.output_type().model_fields[field].json_schema_extra
        return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


async def evaluate(expression: str, results: Mapping[str, Result], hands: Hands, *, at: str) -> Quantity:
    """The value of an expression such as `a.cost` or `(a.cost - b.cost) / b.cost * 100`.

    A bare reference may be text or a number and keeps its unit; anything else is computed exactly by the tool `calculate`.

    Raises:
        BadInput: A reference names no finished call or no output of it, or text stands in a computation.
    """
    references = [(m[0], *_look_up(m[0], results)) for m in REFERENCE.finditer(expression)]
    if not references:
        raise BadInput(
            f"the answer {expression!r} refers to no call", hint="write, for instance, a." + _some_field(results)
        )
    bare = next((r for r in references if r[0] == expression.strip()), None)
    if bare:
        return Quantity(expression=expression, value=_plain(bare[1]), unit=bare[2])
    numbers = {name: f"({number_of(name, results)!r})" for name, _, _ in references}
    computed = await hands.call("calculate", {"expression": REFERENCE.sub(lambda m: numbers[m[0]], expression)}, at=at)
    unit = _unit(expression, {name: unit for name, _, unit in references})
    return Quantity(expression=expression, value=float(computed.output["value"]), unit=unit)


def number_of(reference: str, results: Mapping[str, Result]) -> int | float:
    """The number that a reference such as `a.cost` stands for. Raises `BadInput` if it is none, or names nothing."""
    value, _ = _look_up(reference, results)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{reference} is {value!r}, which is no number to compute with")
    return value


def _look_up(reference: str, results: Mapping[str, Result]) -> tuple[Any, str]:
    call, _, field = reference.partition(".")
    if call not in results:
        raise BadInput(f"there is no call named {call}", hint=f"calls are {', '.join(results) or 'none'}")
    result = results[call]
    if field not in result.output:
        near = difflib.get_close_matches(field, result.output, n=1)
        hint = f"did you mean {call}.{near[0]}?" if near else f"outputs are {', '.join(result.output)}"
        raise BadInput(f"{call} has no output {field}", hint=hint)
    value = result.output[field]
    if value is None:
        ways = [given for given, outputs in result.tool.asks.items() if field in outputs]
        raise BadInput(
            f"{call}.{field} is empty", hint=f"give {ways[0]} in call {call}" if ways else "use another output"
        )
    return value, result.unit(field)


def _plain(value: Any) -> float | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return (
        value if isinstance(value, str) else ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)
    )


def _unit(expression: str, units: Mapping[str, str]) -> str:
    """The unit where it is plain: sums keep a common unit, ratios of like quantities are pure numbers or per cent."""
    kinds = set(units.values())
    if len(kinds) != 1:
        return ""
    shape = REFERENCE.sub("x", expression).replace(" ", "")
    if re.fullmatch(r"\(*x\)*(?:[+-]\(*x\)*)*(?:[*/]\d+(?:\.\d+)?)?", shape):
        return kinds.pop()
    if "/" in shape and shape.split("/")[-1].startswith(("x", "(x")):
        return "%" if "*100" in shape or shape.startswith("100*") else "1"
    return ""


def _some_field(results: Mapping[str, Result]) -> str:
    first = next(iter(results.values()), None)
    return next(iter(first.output), "value") if first else "value"
