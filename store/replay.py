"""The log of a replay: it answers from what a run recorded, writes nothing, and notes where the replay differs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from store.content import as_bytes, as_text, content_hash
from store.events import KINDS, Event, ModelCalled, ToolCalled, from_json, to_json

if TYPE_CHECKING:
    from store.store import Store


@dataclass(frozen=True)
class Difference:
    """An event that a replay did not reproduce: `missing` was recorded only, `extra` was replayed only."""

    key: str
    problem: Literal["missing", "extra", "changed"]
    recorded: Event | None
    replayed: Event | None

    def __str__(self) -> str:
        if self.recorded is None or self.replayed is None:
            kind = KINDS[type(self.recorded or self.replayed)]  # type: ignore[index]
            return f"{self.key}: {self.problem} {kind}"
        if type(self.recorded) is not type(self.replayed):
            return f"{self.key}: {KINDS[type(self.recorded)]} became {KINDS[type(self.replayed)]}"
        old, new = dict(self.recorded), dict(self.replayed)
        changes = ", ".join(f"{name} {old[name]!r} became {new[name]!r}" for name in old if old[name] != new[name])
        return f"{self.key}: {KINDS[type(self.recorded)]} changed: {changes}"


class ReplayLog:
    """See `RunLog`. Made by `Store.replay_run`."""

    def __init__(self, store: "Store", run_id: str, recorded: dict[str, tuple[str, str]]) -> None:
        self.run_id = run_id
        self._store = store
        self._recorded = recorded
        self._content: dict[str, bytes] = {}
        self._seen: set[str] = set()
        self._differences: list[Difference] = []

    def put(self, content: str | bytes) -> str:
        data = as_bytes(content)
        ref = content_hash(data)
        self._content[ref] = data
        return ref

    def blob(self, ref: str) -> bytes:
        return self._content[ref] if ref in self._content else self._store.blob(ref)

    def text(self, ref: str) -> str:
        return as_text(self.blob(ref))

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None:
        if key in self._seen:
            return
        self._seen.add(key)
        if self._recorded.get(key) == (KINDS[type(event)], to_json(event)):
            return
        recorded = self.find(key)
        if recorded != event:
            self._differences.append(Difference(key, "changed" if recorded else "extra", recorded, event))

    async def durable(self) -> None:
        """Return at once: there is nothing to write."""

    def find(self, key: str) -> Event | None:
        found = self._recorded.get(key)
        return from_json(*found) if found else None

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        """None: a replay takes every call from its own run, by `find`."""
        return None

    def finish(self, status: str, answer: str | None = None) -> None:
        """Leave the run as it is."""

    def release(self) -> None:
        """Leave the run as it is."""

    def differences(self) -> tuple[Difference, ...]:
        """Where the replay so far differs from the record; what was not emitted yet counts as missing."""
        missing = [Difference(key, "missing", self.find(key), None) for key in self._recorded if key not in self._seen]
        return (*self._differences, *missing)
