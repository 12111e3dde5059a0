"""Watching a run: a log that also tells what happens, as it happens."""

from collections.abc import Callable

from store.events import Event, ModelCalled, ToolCalled
from store.log import RunLog

Watch = Callable[[str, Event], None]  # event key and event


class Watched:
    """A run log that shows every event to a watcher before it is written."""

    def __init__(self, log: RunLog, watch: Watch) -> None:
        self.run_id = log.run_id
        self._log = log
        self._watch = watch

    def put(self, content: str | bytes) -> str:
        return self._log.put(content)

    def blob(self, ref: str) -> bytes:
        return self._log.blob(ref)

    def text(self, ref: str) -> str:
        return self._log.text(ref)

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None:
        self._watch(key, event)
        self._log.emit(key, event, seconds)

    async def durable(self) -> None:
        await self._log.durable()

    def find(self, key: str) -> Event | None:
        return self._log.find(key)

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        return self._log.memo(call)

    def finish(self, status: str, answer: str | None = None) -> None:
        self._log.finish(status, answer)

    def release(self) -> None:
        self._log.release()


def watched(log: RunLog, watch: Watch | None) -> RunLog:
    """The log itself, or one that also tells `watch`."""
    return Watched(log, watch) if watch else log
