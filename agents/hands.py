"""An agent's hands: one tool call, logged, never made twice, its artifacts kept by content.

A call is named by what determines it (tool, version, canonical arguments). A recorded call of this run is returned as it was;
a finished call of an earlier run with the same name is reused.
"""

import hashlib
import json
import time
from asyncio import Lock
from collections import defaultdict
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

from agents.models.contract import NotRecorded
from store.events import ArtifactRef, ErrorInfo, ToolCalled
from store.log import RunLog
from tools import Executor, NoAnswer, Tool, ToolError, get_tool


@dataclass(frozen=True)
class Outcome:
    """A finished tool call: its output, and where the output is kept."""

    output: dict[str, Any]
    ref: str
    score: float | None


class Hands:
    """Makes tool calls for one run.

    Args:
        log: The run's log.
        executor: Where calls run.
        replay: Refuse every call the log does not hold.
    """

    def __init__(self, log: RunLog, executor: Executor, *, replay: bool = False) -> None:
        self._log = log
        self._executor = executor
        self._replay = replay
        self._under_way: defaultdict[str, Lock] = defaultdict(Lock)  # by call: equal calls at one time are one call

    def on(self, log: RunLog) -> "Hands":
        """The same hands, for a part of the run that keeps a log of its own."""
        part = copy(self)
        part._log = log
        return part

    async def call(self, name: str, arguments: dict[str, Any], *, at: str) -> Outcome:
        """Run one tool under the event key `at`. Raises `ToolError` subclasses."""
        key = f"{at}/tool"
        tool = get_tool(name)
        call = _call_hash(tool, arguments)
        recorded = self._log.find(key)
        if isinstance(recorded, ToolCalled):
            if self._replay and recorded.call != call:
                raise NotRecorded(f"{key} was recorded for another call of {recorded.tool} than the one now made")
            self._log.emit(key, recorded)
            return self._outcome(recorded)
        if self._replay:
            raise NotRecorded(f"the log holds no call of {name} at {key}")
        async with self._under_way[call]:
            event, seconds = await self._make(tool, call, arguments)
            self._log.emit(key, event, seconds)
        await self._log.durable()
        return self._outcome(event)

    async def _make(self, tool: type[Tool[Any, Any]], call: str, arguments: dict[str, Any]) -> tuple[ToolCalled, float]:
        known = self._log.memo(call)
        if isinstance(known, ToolCalled):
            return known.model_copy(update={"cached": True}), 0.0
        facts: dict[str, Any] = {"call": call, "tool": tool.name, "version": tool.version}
        facts["arguments"] = self._log.put(_canonical(arguments))
        started = time.perf_counter()
        try:
            result = await self._executor.call(tool.name, arguments)
        except ToolError as e:
            error = ErrorInfo(kind=e.kind, message=e.message, hint=e.hint)
            return ToolCalled(**facts, error=error), time.perf_counter() - started
        kept = tuple(
            ArtifactRef(
                name=a.name, media_type=a.media_type, blob=self._log.put(result.files[a.sha256]), caption=a.caption
            )
            for a in result.artifacts
        )
        score = result.output.get(tool.score) if tool.score else None
        event = ToolCalled(**facts, output=self._log.put(_canonical(result.output)), artifacts=kept, score=score)
        return event, time.perf_counter() - started

    def _outcome(self, event: ToolCalled) -> Outcome:
        if event.error:
            raise revive(event.error)
        assert event.output is not None  # an event without error has an output
        return Outcome(json.loads(self._log.text(event.output)), event.output, event.score)


def revive(error: ErrorInfo) -> ToolError:
    """The typed error that an event recorded; a kind that nobody defines any more says that there is no answer."""
    known = {cls.__name__: cls for cls in _with_subclasses(ToolError)}
    return known.get(error.kind, NoAnswer)(error.message, hint=error.hint)


def _with_subclasses(cls: type[ToolError]) -> Iterator[type[ToolError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _with_subclasses(child)


def _call_hash(tool: type[Tool[Any, Any]], arguments: dict[str, Any]) -> str:
    text = _canonical({"tool": tool.name, "version": tool.version, "arguments": arguments})
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
