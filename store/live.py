"""The log of a run that is being executed: written to the store, and aware of what an earlier execution wrote."""

import time
from typing import TYPE_CHECKING

from store.content import as_bytes, as_text, content_hash
from store.events import KINDS, Event, ModelCalled, Planned, RunFinished, ToolCalled, from_json, refs, to_json
from store.writer import Batch

if TYPE_CHECKING:
    from store.store import Store


class LiveLog:
    """See `RunLog`. Made by `Store.start_run` and `Store.resume_run`.

    Args:
        recorded: Kind and payload of each event that an earlier execution wrote, by key.
        kept: Hashes of the content that the run keeps from deletion already, and that is there.
    """

    def __init__(
        self, store: "Store", run: int, run_id: str, recorded: dict[str, tuple[str, str]], kept: set[bytes]
    ) -> None:
        self.run_id = run_id
        self._store = store
        self._writer = store.writer
        self._run = run
        self._recorded = recorded
        self._keys = set(recorded)
        self._kept = set(kept)  # that the run uses it is noted
        self._put = kept  # the content itself is in the store, or on its way

    def put(self, content: str | bytes) -> str:
        data = as_bytes(content)
        ref = content_hash(data)
        name = bytes.fromhex(ref)
        if name not in self._put:
            with self._writer as batch:
                self._put.add(name)
                self._keep(batch, name)
                batch.blobs[name] = self._writer.pending_blobs[name] = data
        return ref

    def blob(self, ref: str) -> bytes:
        data = self._store.blob(ref)
        self.put(data)  # what a run has read stays while the run does, whoever put it
        return data

    def text(self, ref: str) -> str:
        return as_text(self.blob(ref))

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None:
        kind, payload = KINDS[type(event)], to_json(event)
        with self._writer as batch:
            if key not in self._keys:
                seq = len(self._keys)
                self._keys.add(key)
                batch.events.append((self._run, seq, key, kind, payload, time.time(), seconds))
                for ref in refs(event):
                    self._keep(batch, bytes.fromhex(ref))
                self._note(batch, seq, event)
        if isinstance(event, RunFinished):
            self.finish(event.status, event.answer)

    async def durable(self) -> None:
        await self._writer.durable()

    def find(self, key: str) -> Event | None:
        found = self._recorded.get(key)
        return from_json(*found) if found else None

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        return self._store.memo(call)

    def finish(self, status: str, answer: str | None = None) -> None:
        name = bytes.fromhex(answer) if answer else None
        with self._writer as batch:
            batch.changes[self._run].update(status=status, answer=name, finished=time.time(), pid=None)
            if name:
                self._keep(batch, name)
        self._store.forget(self)

    def release(self) -> None:
        with self._writer as batch:
            batch.changes[self._run].update(pid=None)
        self._store.forget(self)

    def _keep(self, batch: Batch, name: bytes) -> None:
        if name not in self._kept:
            self._kept.add(name)
            batch.uses.append((self._run, name))

    def _note(self, batch: Batch, seq: int, event: Event) -> None:
        """Write what follows from an event beside it: the memo, the run's sums, its graph."""
        if isinstance(event, ModelCalled | ToolCalled) and event.error is None:
            # A call served from the memo is noted too, so that it outlives the run that paid for it.
            call = bytes.fromhex(content_hash(event.call))
            batch.calls.append((call, self._run, seq))
            self._writer.pending_calls[call] = event
        if isinstance(event, ModelCalled) and not event.cached:
            batch.paid[self._run].append(event)
        if isinstance(event, Planned):
            batch.changes[self._run].update(graph_hash=event.graph_hash)
