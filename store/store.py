"""A store: one database, its writer, and the runs that are started, resumed and replayed in it."""

import atexit
import secrets
import time
from types import TracebackType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from store.content import as_bytes, as_text, content_hash, unpack
from store.database import Database
from store.errors import RunAlive, StoreClosed, UnknownBlob
from store.events import ModelCalled, ToolCalled, from_json
from store.live import LiveLog
from store.lookup import locate
from store.migrate import make_ready
from store.owner import Owner, this_process
from store.replay import ReplayLog
from store.schema import blobs, calls, events, runs, uses
from store.writer import Batch, Writer, write

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
TITLE = 160  # characters

_BLOB = sa.select(blobs.c.codec, blobs.c.data).where(blobs.c.hash == sa.bindparam("hash"))
_MEMO = (
    sa.select(events.c.kind, events.c.payload)
    .join(calls, (calls.c.run == events.c.run) & (calls.c.seq == events.c.seq))
    .where(calls.c.call == sa.bindparam("call"))
    .order_by(calls.c.run)  # the run that paid comes first
    .limit(1)
)


class Store:
    """Runs in a database. Open it with `Store.open`, close it or use it in a `with`; it may be shared by threads."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writer = Writer(database)
        self._live: dict[str, LiveLog] = {}
        self._closed = False
        atexit.register(self.close)

    @classmethod
    def open(cls, url: str | None = None) -> "Store":
        """Open a store; an empty database gets its tables.

        Args:
            url: An SQLAlchemy URL (`sqlite://` is in memory, `postgresql://...`) or a file path. None takes the environment
                variable `BACKPROSE_DB`, and without that a file in the user's data folder.

        Raises:
            Unavailable: The database cannot be opened.
            SchemaMismatch: It was written by another version; `backprose db upgrade` helps.
        """
        database = Database(url)
        try:
            database.check()
            make_ready(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @property
    def url(self) -> str:
        """Where the store is, without a password."""
        return self.database.url.render_as_string(hide_password=True)

    def start_run(
        self,
        *,
        task: str,
        title: str = "",
        model: str = "",
        seed: int = 0,
        parent: str | None = None,
        relation: Literal["fork", "continue"] | None = None,
    ) -> LiveLog:
        """Begin a run that this process owns.

        Args:
            task: The task in words; kept as a blob.
            title: How lists show the run; left out, the beginning of the task.
            model: The model's name, as the user gave it.
            seed: The run's seed.
            parent: Id, or beginning of the id, of the run that this one stems from.
            relation: How it stems from it.
        """
        self._check_open()
        ref = bytes.fromhex(content_hash(task))
        owner = this_process()
        row: dict[str, Any] = {
            "task": ref,
            "title": _title(title or task),
            "status": "running",
            "model": model,
            "graph_hash": "",
            "seed": seed,
            "relation": relation,
            "host": owner.host,
            "pid": owner.pid,
            "born": owner.born,
            "calls": 0,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "usd": 0.0,
        }
        run_id, row["created"] = _new_id()
        with self.database.writing() as connection:
            row["parent"] = locate(connection, parent).run if parent else None
            run = connection.execute(sa.insert(runs).values(id=run_id, **row).returning(runs.c.run)).scalar_one()
            write(connection, Batch(0, uses=[(run, ref)], blobs={ref: as_bytes(task)}))
        return self._go_live(LiveLog(self, run, run_id, {}, {ref}))

    def resume_run(self, run_id: str) -> LiveLog:
        """Take over a run that was interrupted or has finished, with what it has recorded.

        Args:
            run_id: The run's id, or an unambiguous beginning of it.

        Raises:
            UnknownRun, AmbiguousRun: There is not exactly one such run.
            RunAlive: A living process on this host still writes it. (A process elsewhere cannot be asked; should it write on,
                whoever writes second gets `WriteFailed`.)
        """
        self._check_open()
        self.writer.flush()
        owner = this_process()
        with self.database.writing() as connection:
            row = locate(connection, run_id, lock=True)
            refuse_if_alive(row)
            connection.execute(
                sa.update(runs)
                .where(runs.c.run == row.run)
                .values(status="running", finished=None, host=owner.host, pid=owner.pid, born=owner.born)
            )
            kept = sa.select(uses.c.hash).join(blobs, blobs.c.hash == uses.c.hash).where(uses.c.run == row.run)
            names = {bytes(name) for name in connection.execute(kept).scalars()}
            return self._go_live(LiveLog(self, row.run, row.id, _recorded(connection, row.run), names))

    def replay_run(self, run_id: str) -> ReplayLog:
        """A log that answers from what a run recorded, compares what is emitted with it, and writes nothing.

        Raises:
            UnknownRun, AmbiguousRun: There is not exactly one such run.
        """
        self._check_open()
        self.writer.flush()
        with self.database.reading() as connection:
            row = locate(connection, run_id)
            return ReplayLog(self, row.id, _recorded(connection, row.run))

    def blob(self, ref: str) -> bytes:
        """The content with this hash, also before it is committed. Raises `UnknownBlob`."""
        name = bytes.fromhex(ref)
        if (data := self.writer.pending_blobs.get(name)) is not None:
            return data
        with self.database.reading() as connection:
            row = connection.execute(_BLOB, {"hash": name}).first()
        if row is None:
            raise UnknownBlob(ref)
        return unpack(row.codec, row.data)

    def text(self, ref: str) -> str:
        """`blob` as text."""
        return as_text(self.blob(ref))

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        """A finished, error-free call with this content hash, made in any run of the store."""
        name = bytes.fromhex(content_hash(call))
        if (pending := self.writer.pending_calls.get(name)) is not None:
            return pending
        with self.database.reading() as connection:
            row = connection.execute(_MEMO, {"call": name}).first()
        event = from_json(*row) if row else None
        return event if isinstance(event, ModelCalled | ToolCalled) else None

    def flush(self) -> None:
        """Return when everything emitted so far is committed. Raises `WriteFailed`."""
        self.writer.flush()

    def close(self) -> None:
        """Commit what is left, give up the runs that have not finished, and close. Raises `WriteFailed`."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        try:
            for log in list(self._live.values()):
                log.release()
        finally:
            try:
                self.writer.close()
            finally:
                self.database.close()

    def forget(self, log: LiveLog) -> None:
        """The log's run was given up (for `LiveLog`)."""
        self._live.pop(log.run_id, None)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _go_live(self, log: LiveLog) -> LiveLog:
        self._live[log.run_id] = log
        return log

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed


def refuse_if_alive(row: Row[Any]) -> None:
    """Raise `RunAlive` if a living process on this host writes the run."""
    if row.status == "running" and row.pid is not None and Owner(row.host, row.pid, row.born).alive():
        raise RunAlive(row.id, row.pid)


def _recorded(connection: Connection, run: int) -> dict[str, tuple[str, str]]:
    rows = connection.execute(
        sa.select(events.c.key, events.c.kind, events.c.payload).where(events.c.run == run).order_by(events.c.seq)
    )
    return {key: (kind, payload) for key, kind, payload in rows}


def _new_id() -> tuple[str, float]:
    """A run id and the time in it [s since 1970]: date, time and millisecond (UTC), so ids sort, and twenty random bits."""
    now = time.time()
    tail = int(now % 1 * 1000) << 20 | secrets.randbits(20)
    digits = "".join(DIGITS[tail >> shift & 31] for shift in range(25, -1, -5))
    return time.strftime("%y%m%d-%H%M%S-", time.gmtime(now)) + digits, now


def _title(text: str) -> str:
    words = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * TITLE]).split())
    return words if len(words) <= TITLE else words[: TITLE - 1] + "…"
