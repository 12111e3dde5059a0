"""One call of one tool in this process: its output as JSON, its files, and every failure typed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from tools.contract import Artifact, Desk, Frozen, MemoryExceeded, MissingExtra, ToolCrashed, ToolError, at_desk
from tools.registry import AnyTool

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class ToolResult:
    """What a call gave."""

    output: dict[str, Any]  # JSON values only, no NaN
    artifacts: tuple[Artifact, ...]  # those the output refers to
    files: dict[str, bytes]  # sha256 -> content of the artifacts
    seconds: float  # wall time of the tool itself


def perform(
    tool: AnyTool, inp: Frozen, on_progress: Progress
) -> tuple[dict[str, Any], tuple[Artifact, ...], dict[str, bytes]]:
    """Call `tool` and return its output, artifacts and files.

    Raises:
        ToolError: Any way in which it can fail; what the tool did not type itself is a `ToolCrashed`.
    """
    try:
        with at_desk(Desk(on_progress=on_progress)) as desk:
            out = tool()(inp)
        output = _as_json(tool, out)
    except ToolError:
        raise
    except Exception as error:
        raise _missing(tool, error) or _crash(tool, error) from error
    artifacts = tuple(dict.fromkeys(_artifacts_in(out)))
    return output, artifacts, {a.sha256: desk.files[a.sha256] for a in artifacts if a.sha256 in desk.files}


def _as_json(tool: AnyTool, out: Any) -> dict[str, Any]:
    if not isinstance(out, tool.output_type()):
        raise TypeError(f"it returned a {type(out).__name__} instead of its {tool.output_type().__name__}")
    output: dict[str, Any] = json.loads(json.dumps(out.model_dump(mode="json"), allow_nan=False))
    return output


def _artifacts_in(value: Any) -> Iterator[Artifact]:
    if isinstance(value, Artifact):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _artifacts_in(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _artifacts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _artifacts_in(item)


def _missing(tool: AnyTool, error: Exception) -> MissingExtra | None:
    """The package to install, if it is another's that could not be imported."""
    package = (error.name or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package in {"", tool.__module__.split(".")[0]}:
        return None
    wanted = f"'backprose[{tool.extra}]'" if tool.extra else package
    install = f"pip install {wanted}"
    return MissingExtra(f"{tool.name} needs {package}: {install}", hint=install, package=package)


def _crash(tool: AnyTool, error: Exception) -> ToolCrashed:
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or "can't allocate memory" in words:
        return MemoryExceeded(
            f"{tool.name} ran out of memory", hint="ask for less at once: a smaller case, fewer samples"
        )
    if isinstance(error, ValidationError) and error.title == tool.output_type().__name__:
        wrong = error.errors(include_url=False)[0]
        field = ".".join(map(str, wrong["loc"]))
        words = f"its output {field} is {wrong['input']!r}: {wrong['msg'].lower()}"
    return ToolCrashed(
        f"{tool.name} failed: {words}", hint="this is a fault of the tool, not of the input", error=type(error).__name__
    )
