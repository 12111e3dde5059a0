"""A run log in memory: the contract of `store.log.RunLog`, for tests that need no database."""

import hashlib

from store.events import Event, ModelCalled, ToolCalled


class MemoryLog:
    """One execution of a run. `again()` is the next execution of the same run; `beside()` another run of the same store."""

    def __init__(self) -> None:
        self.run_id = "run"
        self.blobs: dict[str, bytes] = {}
        self.memos: dict[str, ModelCalled] = {}
        self.recorded: dict[str, Event] = {}
        self.events: dict[str, Event] = {}
        self.flushes = 0

    def again(self) -> "MemoryLog":
        log = self.beside()
        log.recorded = {**self.recorded, **self.events}
        return log

    def beside(self) -> "MemoryLog":
        log = MemoryLog()
        log.blobs, log.memos = self.blobs, self.memos
        return log

    def put(self, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        ref = hashlib.blake2b(data, digest_size=16).hexdigest()
        self.blobs.setdefault(ref, data)
        return ref

    def text(self, ref: str) -> str:
        return self.blobs[ref].decode()

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None:
        if key in self.recorded:
            assert self.recorded[key] == event
            return
        assert key not in self.events, f"{key} was emitted twice"
        self.events[key] = event
        if isinstance(event, ModelCalled) and not event.cached and event.error is None:
            self.memos[event.call] = event

    async def durable(self) -> None:
        self.flushes += 1

    def find(self, key: str) -> Event | None:
        return self.recorded.get(key)

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        return self.memos.get(call)

    def model_calls(self) -> list[ModelCalled]:
        return [event for event in self.events.values() if isinstance(event, ModelCalled)]
