"""What an answer stands on: each tool call with its source, its arguments, and the certificates that hold its result."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from agents.answer import Answer
from store.events import Event, ToolCalled
from tools.registry import AnyTool

Read = Callable[[str], str]  # a blob's text by its reference


@dataclass(frozen=True)
class Certificate:
    """An output that certifies a result, with the largest size it may have."""

    name: str
    value: float | None
    limit: float

    @property
    def holds(self) -> bool:
        return self.value is not None and abs(self.value) <= self.limit

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name} is missing"
        return f"{self.name} {self.value:.3g}, {'within' if self.holds else 'BEYOND'} its limit {self.limit:.3g}"


@dataclass(frozen=True)
class Ground:
    """One tool call that an answer stands on."""

    name: str
    tool: str
    arguments: dict[str, Any]
    output: dict[str, Any]
    units: dict[str, str]  # of arguments and outputs, where they have one
    source: str  # empty when this version has no such tool
    paper: int | None
    certificates: tuple[Certificate, ...]


def grounds(answer: Answer, read: Read) -> tuple[Ground, ...]:
    """What an answer stands on. `read` gives a blob's text."""
    return tuple(_ground(e.name, e.tool, e.arguments, json.loads(read(e.output))) for e in answer.evidence)


def ground_of(event: ToolCalled, read: Read) -> Ground:
    """A recorded tool call in the same form; a failed one has no output."""
    output = json.loads(read(event.output)) if event.output else {}
    return _ground(event.tool, event.tool, json.loads(read(event.arguments)), output)


def sources(events: Iterable[Event]) -> tuple[str, ...]:
    """The publications behind all tools that a run called, each once."""
    names = dict.fromkeys(e.tool for e in events if isinstance(e, ToolCalled))
    found = (_known().get(name) for name in names)
    return tuple(dict.fromkeys(f"{tool.name}: {tool.source}" for tool in found if tool))


def _ground(name: str, tool: str, arguments: dict[str, Any], output: dict[str, Any]) -> Ground:
    known = _known().get(tool)
    if known is None:
        return Ground(name, tool, arguments, output, {}, "", None, ())
    return Ground(
        name, tool, arguments, output, units_of(known), known.source, known.paper, certificates_of(known, output)
    )


def certificates_of(tool: AnyTool, output: dict[str, Any]) -> tuple[Certificate, ...]:
    """The certificates of a tool's result; none where it has none."""
    return tuple(_certificate(field, output.get(field), limit) for field, limit in tool.certificate.items() if output)


def units_of(tool: AnyTool) -> dict[str, str]:
    """The units of a tool's inputs and outputs, where they have one."""
    return _units(tool.input_type()) | _units(tool.output_type())


def _certificate(name: str, value: Any, limit: float) -> Certificate:
    return Certificate(name, float(value) if isinstance(value, int | float) else None, limit)


def _units(model: Any) -> dict[str, str]:
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    units = {name: extra.get("unit", "") for name, extra in extras.items() if isinstance(extra, dict)}
    return {name: str(unit) for name, unit in units.items() if unit and unit != "1"}


def _known() -> dict[str, Any]:
    from tools import all_tools

    return dict(all_tools())
