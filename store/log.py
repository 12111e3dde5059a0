"""The run log: how a running program writes what happens, and finds what happened before."""

from typing import Protocol

from store.events import Event, ModelCalled, ToolCalled


class RunLog(Protocol):
    """One run's log.

    Keys are paths (`layer/solve/agent/a1/turn/0/model#0`), unique in a run and the same on every re-execution.
    """

    run_id: str

    def put(self, content: str | bytes) -> str:
        """Keep a blob; return its content hash. Storing the same content again costs nothing."""
        ...

    def blob(self, ref: str) -> bytes:
        """The blob, also before it is committed. Raises `UnknownBlob`."""
        ...

    def text(self, ref: str) -> str:
        """The blob as text, also before it is committed. Raises `UnknownBlob`."""
        ...

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None:
        """Append an event that took `seconds` and ended now. An event whose key is in the log already is left as it is.

        It never waits. Raises `WriteFailed` if something emitted earlier could not be written.
        """
        ...

    async def durable(self) -> None:
        """Return when everything emitted so far is committed (survives kill -9). Raises `WriteFailed` if it cannot be."""
        ...

    def find(self, key: str) -> Event | None:
        """The event recorded under this key by an earlier execution of the same run (resume, replay)."""
        ...

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        """A finished, error-free call with this content hash, made in any run of the store."""
        ...

    def finish(self, status: str, answer: str | None = None) -> None:
        """The run ended: note its status and answer, settle its sums, and give it up. Emitting `RunFinished` does it too."""
        ...

    def release(self) -> None:
        """Give the run up unfinished: it shows as interrupted and can be resumed, also by this process."""
        ...
