"""The one writer of a store: a thread that commits, batch by batch, what running programs emit.

While a batch is being committed the next one fills, so a thousand agents that wait for their events share a few commits.
A batch waits `LINGER` seconds for company, unless somebody waits for it.
"""

import asyncio
import threading
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.content import pack
from store.database import Database
from store.errors import StoreClosed, WriteFailed
from store.events import ModelCalled, ToolCalled
from store.ledger import Totals, tally
from store.schema import blobs, calls, events, runs, uses

LINGER = 0.02  # seconds
FULL = 5000  # rows that are not kept waiting for company
ROWS = 500  # rows a statement; both databases allow tens of thousands of parameters


@dataclass
class Batch:
    """Rows to commit together. They are kept in the order of the tables' columns."""

    number: int
    events: list[tuple[int, int, str, str, str, float, float]] = field(default_factory=list)
    uses: list[tuple[int, bytes]] = field(default_factory=list)
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    calls: list[tuple[bytes, int, int]] = field(default_factory=list)
    paid: defaultdict[int, list[ModelCalled]] = field(default_factory=lambda: defaultdict(list))  # by run
    changes: defaultdict[int, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))  # columns of a run

    def __len__(self) -> int:
        return len(self.events) + len(self.uses) + len(self.blobs) + len(self.changes)


class Writer:
    """Takes rows without blocking: `with writer as batch` adds to the batch that fills now, safe from any thread.

    Attributes:
        pending_blobs: Content that is not committed yet, by hash.
        pending_calls: Finished calls that are not committed yet, by call.
    """

    def __init__(self, database: Database) -> None:
        self.pending_blobs: dict[bytes, bytes] = {}
        self.pending_calls: dict[bytes, ModelCalled | ToolCalled] = {}
        self._database = database
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._progress = threading.Condition(self._lock)
        self._filling = Batch(1)
        self._done = 0  # number of the last committed batch
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()  # batch number, in order
        self._idle = False  # the thread sleeps until there is something to write
        self._urgent = False
        self._closing = False
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="backprose-store", daemon=True)
        self._thread.start()

    def __enter__(self) -> Batch:
        self._lock.acquire()
        if self._failure is not None or self._closing:
            self._lock.release()
            raise StoreClosed() if self._failure is None else WriteFailed(self._failure)
        return self._filling

    def __exit__(self, *_: object) -> None:
        if len(self._filling) >= FULL:
            self._hurry()
        elif self._idle and self._filling:
            self._idle = False
            self._work.notify()
        self._lock.release()

    async def durable(self) -> None:
        """Return when everything added so far is committed. Raises `WriteFailed`."""
        with self._lock:
            target = self._target()
            if self._done >= target:
                return
            future = asyncio.get_running_loop().create_future()
            self._waiters.append((target, future))
            self._hurry()
        await future

    def flush(self) -> None:
        """`durable` for callers that are not asynchronous."""
        with self._lock:
            target = self._target()
            if self._done < target:
                self._hurry()
            self._progress.wait_for(lambda: self._done >= target or self._failure is not None)
            if self._failure is not None:
                raise WriteFailed(self._failure)

    def close(self) -> None:
        """Commit what was added and stop. Raises `WriteFailed` if anything of it could not be written."""
        with self._lock:
            self._closing = True
            self._hurry()
        self._thread.join()
        if self._failure is not None:
            raise WriteFailed(self._failure)

    def _target(self) -> int:
        """The batch whose commit makes everything added so far durable."""
        if self._failure is not None:
            raise WriteFailed(self._failure)
        return self._filling.number if self._filling else self._filling.number - 1

    def _hurry(self) -> None:
        self._urgent = True
        self._work.notify()

    def _run(self) -> None:
        while batch := self._next():
            try:
                with self._database.writing() as connection:
                    write(connection, batch)
            except Exception as error:
                self._settle(failure=str(getattr(error, "orig", None) or error))
                return
            for blob in batch.blobs:
                self.pending_blobs.pop(blob, None)
            for call, _, _ in batch.calls:
                self.pending_calls.pop(call, None)
            self._settle(done=batch.number)

    def _next(self) -> Batch | None:
        """The next batch to write; None when the store closes and nothing is left."""
        with self._lock:
            self._idle = not self._filling
            self._work.wait_for(lambda: self._filling or self._closing)
            self._work.wait_for(lambda: self._urgent or self._closing, LINGER)
            self._idle = self._urgent = False
            batch = self._filling
            self._filling = Batch(batch.number + 1)
            return batch or None

    def _settle(self, *, done: int | None = None, failure: str | None = None) -> None:
        """Tell those who wait what became of their batch."""
        ready: defaultdict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = defaultdict(list)
        with self._lock:
            self._failure = failure
            self._done = self._done if done is None else done
            while self._waiters and (failure is not None or self._waiters[0][0] <= self._done):
                future = self._waiters.popleft()[1]
                ready[future.get_loop()].append(future)
            self._progress.notify_all()
        for loop, futures in ready.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, futures, failure)


def _resolve(futures: list[asyncio.Future[None]], failure: str | None) -> None:
    for future in futures:
        if future.done():  # its waiter was cancelled
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(WriteFailed(failure))


def write(connection: Connection, batch: Batch) -> None:
    """Write a batch within the connection's transaction."""
    _insert(connection, uses, batch.uses, known=True)  # before the blobs: see `queries.delete_run`
    _insert(connection, blobs, [_blob_row(*blob) for blob in batch.blobs.items()], known=True)
    _insert(connection, events, batch.events)
    _insert(connection, calls, batch.calls, known=True)
    for run, made in batch.paid.items():
        totals = asdict(tally(made).paid)
        connection.execute(
            sa.update(runs)
            .where(runs.c.run == run)
            .values({name: runs.c[name] + sum_ for name, sum_ in totals.items()})
        )
    for run, change in batch.changes.items():
        settled = asdict(_paid(connection, run)) if "finished" in change else {}
        connection.execute(sa.update(runs).where(runs.c.run == run).values(change | settled))


def _insert(connection: Connection, table: sa.Table, rows: list[Any], *, known: bool = False) -> None:
    """Insert rows, many with one statement: each statement gives up Python's lock, which a busy program is slow to return.

    Args:
        known: Rows that are there already are left as they are; otherwise they are an error.
    """
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    row = f"({', '.join([mark] * len(table.columns))})"
    end = " ON CONFLICT DO NOTHING" if known else ""
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        statement = f"INSERT INTO {table.name} ({names}) VALUES {', '.join([row] * len(part))}{end}"
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(part)))


def _blob_row(name: bytes, data: bytes) -> tuple[bytes, int, int, bytes]:
    codec, packed = pack(data)
    return name, codec, len(data), packed


def _paid(connection: Connection, run: int) -> Totals:
    """What the run paid in all: in one sum, where the sum of each batch's sum would be rounded more often."""
    rows = connection.execute(
        sa.select(events.c.payload).where(events.c.run == run, events.c.kind == "model_called")
    ).scalars()
    return tally(ModelCalled.model_validate_json(payload) for payload in rows).paid
