"""The run log: how a running program writes what happens, and finds what happened before."""

from typing import Protocol

from store.events import Event, ModelCalled, ToolCalled


class RunLog(Protocol):
    """One run's log. Keys are paths (`layer/solve/agent/a1/turn/0/model#0`), unique in a run and the same on every re-execution."""

    run_id: str

    def put(self, content: str | bytes) -> str:
        """Keep a blob; return its content hash. Storing the same content again costs nothing."""
        ...

    def text(self, ref: str) -> str:
        """The blob as text, also before it is committed."""
        ...

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None:
        """Append an event that took `seconds` and ended now. An event whose key is already in the log is not written again."""
        ...

    async def durable(self) -> None:
        """Return when everything emitted so far is committed (survives kill -9)."""
        ...

    def find(self, key: str) -> Event | None:
        """The event recorded under this key by an earlier execution of the same run (resume, replay)."""
        ...

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        """A finished, error-free call with this content hash, made in any run of the store."""
        ...
