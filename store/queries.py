"""What people ask of a store: its runs, their events, their cost, their content; and the removal of a run."""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from store.events import KINDS, Event, ModelCalled, Record, from_json
from store.ledger import Ledger, tally
from store.lookup import locate
from store.owner import Owner
from store.schema import blobs, events, runs, uses
from store.store import Store, refuse_if_alive

SortBy = Literal["created", "finished", "title", "status", "model", "calls", "tokens", "usd"]


@dataclass(frozen=True)
class Run:
    """A run at a glance. Times are seconds since 1970 (UTC).

    Attributes:
        status: "running"; "interrupted" when its process has ended without finishing it; else how it finished (answered,
            refused, failed, budget_exhausted, cancelled).
        task, answer: Content hashes.
        parent: Id of the run it stems from, None also when that was deleted.
        calls, prompt_tokens, completion_tokens, usd: What it has paid so far.
    """

    id: str
    title: str
    status: str
    model: str
    graph_hash: str
    seed: int
    parent: str | None
    relation: str | None
    created: float
    finished: float | None
    host: str | None
    pid: int | None
    calls: int
    prompt_tokens: int
    completion_tokens: int
    usd: float
    task: str
    answer: str | None


@dataclass(frozen=True)
class RunPage:
    """Some of the runs that match, and how many match in all."""

    runs: tuple[Run, ...]
    total: int


def list_runs(
    store: Store,
    *,
    status: str | None = None,
    model: str | None = None,
    text: str | None = None,
    parent: str | None = None,
    sort: SortBy = "created",
    descending: bool = True,
    offset: int = 0,
    limit: int | None = 50,
) -> RunPage:
    """A page of the runs.

    Args:
        status, model: Only runs that have it.
        text: Only runs whose title or id contains it, whatever the case.
        parent: Only runs that stem from this one, by its id or the beginning of it.
        sort: What to order by; runs equal in it come newest first.
    """
    with store.database.reading() as connection:
        shown_status = _status(connection)
        wanted = []
        if status is not None:
            wanted.append(shown_status == status)
        if model is not None:
            wanted.append(runs.c.model == model)
        if text:
            wanted.append(runs.c.title.icontains(text, autoescape=True) | runs.c.id.icontains(text, autoescape=True))
        if parent is not None:
            wanted.append(runs.c.parent == locate(connection, parent).run)
        keys: dict[str, sa.ColumnElement[Any]] = {
            "created": runs.c.run,
            "status": shown_status,
            "tokens": runs.c.prompt_tokens + runs.c.completion_tokens,
        }
        key = keys[sort] if sort in keys else runs.c[sort]
        order = (key.desc() if descending else key.asc()).nulls_last()
        page = _select_runs(shown_status).where(*wanted).order_by(order, runs.c.run.desc()).offset(offset).limit(limit)
        total = connection.execute(sa.select(sa.func.count()).select_from(runs).where(*wanted)).scalar_one()
        return RunPage(tuple(_run(row) for row in connection.execute(page)), total)


@dataclass(frozen=True)
class Census:
    """How many runs there are in all, by status, and by model, the most frequent first."""

    total: int
    statuses: dict[str, int]
    models: dict[str, int]


def count_runs(store: Store) -> Census:
    """How many runs of each status and of each model there are."""
    with store.database.reading() as connection:
        found: list[dict[str, int]] = []
        for column in (_status(connection).label("by"), runs.c.model):
            n = sa.func.count()
            rows = connection.execute(sa.select(column, n).group_by(column).order_by(n.desc(), column))
            found.append({str(by): int(number) for by, number in rows})
    return Census(sum(found[0].values()), *found)


def neighbours(store: Store, run_id: str) -> tuple[str | None, str | None]:
    """Ids of the run before and of the run after this one. Raises `UnknownRun` or `AmbiguousRun`."""
    with store.database.reading() as connection:
        run = locate(connection, run_id).run
        before = sa.select(runs.c.id).where(runs.c.run < run).order_by(runs.c.run.desc()).limit(1)
        after = sa.select(runs.c.id).where(runs.c.run > run).order_by(runs.c.run).limit(1)
        return connection.execute(before).scalar(), connection.execute(after).scalar()


def get_run(store: Store, run_id: str) -> Run:
    """One run by its id or the beginning of it. Raises `UnknownRun` or `AmbiguousRun`."""
    with store.database.reading() as connection:
        run = locate(connection, run_id).run
        return _run(connection.execute(_select_runs(_status(connection)).where(runs.c.run == run)).one())


def get_events(
    store: Store,
    run_id: str,
    *,
    prefix: str = "",
    kind: type[Event] | tuple[type[Event], ...] | None = None,
    after: int = -1,
    offset: int = 0,
    limit: int | None = None,
) -> list[Record]:
    """A run's committed events in order.

    Args:
        run_id: The run's id, or the beginning of it.
        prefix: Only keys that begin like this.
        kind: Only events of this type, or of these.
        after: Only what follows this place; to follow a run that is being written, pass the last `Record.seq` seen.
        offset, limit: Of those, leave out so many, and give at most so many.
    """
    with store.database.reading() as connection:
        run = locate(connection, run_id).run
        found = sa.select(events).where(events.c.run == run, events.c.seq > after).order_by(events.c.seq)
        found = found.offset(offset or None).limit(limit)
        if prefix:
            found = found.where(sa.func.substr(events.c.key, 1, len(prefix)) == prefix)
            if store.database.sqlite:  # it compares keys by their bytes, so it can find the range in the index
                found = found.where(events.c.key >= prefix, events.c.key < prefix[:-1] + chr(ord(prefix[-1]) + 1))
        if kind is not None:
            kinds = kind if isinstance(kind, tuple) else (kind,)
            found = found.where(events.c.kind.in_([KINDS[k] for k in kinds]))
        rows = connection.execute(found).all()
    return [Record(row.seq, row.key, from_json(row.kind, row.payload), row.ended, row.seconds) for row in rows]


def get_parts(store: Store, run_id: str, *, kinds: tuple[type[Event], ...]) -> dict[str, list[Record]]:
    """Committed events of these types in all runs that stem from a run, by run id, each run's in order."""
    with store.database.reading() as connection:
        whole = locate(connection, run_id).run
        found = (
            sa.select(runs.c.id, events)
            .join(events, events.c.run == runs.c.run)
            .where(runs.c.parent == whole, events.c.kind.in_([KINDS[kind] for kind in kinds]))
            .order_by(events.c.run, events.c.seq)
        )
        parts: dict[str, list[Record]] = {}
        for row in connection.execute(found):
            event = from_json(row.kind, row.payload)
            parts.setdefault(row.id, []).append(Record(row.seq, row.key, event, row.ended, row.seconds))
    return parts


def get_ledger(store: Store, run_id: str) -> Ledger:
    """What a run has cost by its events, and what the calls it took from earlier ones would have cost."""
    records = get_events(store, run_id, kind=ModelCalled)
    return tally(record.event for record in records if isinstance(record.event, ModelCalled))


def delete_run(store: Store, run_id: str) -> None:
    """Remove a run, and with it the content and the memo entries that no other run uses.

    Raises:
        UnknownRun, AmbiguousRun: There is not exactly one such run.
        RunAlive: A living process still writes it.
    """
    store.flush()
    other = uses.alias()
    with store.database.writing() as connection:
        if not store.database.sqlite:
            # A writer notes its use before it looks whether the blob is there. Held back at the first until this is over,
            # it finds the blob gone and writes it again.
            connection.exec_driver_sql("LOCK TABLE uses IN SHARE ROW EXCLUSIVE MODE")
        row = locate(connection, run_id, lock=True)
        refuse_if_alive(row)
        of_run = sa.select(uses.c.hash).where(uses.c.run == row.run)
        of_others = sa.exists().where(other.c.hash == blobs.c.hash, other.c.run != row.run)
        connection.execute(sa.delete(blobs).where(blobs.c.hash.in_(of_run), ~of_others))
        connection.execute(sa.delete(runs).where(runs.c.run == row.run))  # events, uses and memo entries go with it
    store.database.shrink()


def _select_runs(status: sa.ColumnElement[str]) -> sa.Select[Any]:
    parent = runs.alias()
    columns = [c for c in runs.columns if c.name not in {"status", "parent"}]
    joined = runs.outerjoin(parent, parent.c.run == runs.c.parent)
    return sa.select(*columns, status.label("status"), parent.c.id.label("parent")).select_from(joined)


def _status(connection: Connection) -> sa.ColumnElement[str]:
    """The status column, with "interrupted" for runs whose process has ended without finishing them."""
    owned = sa.select(runs.c.run, runs.c.host, runs.c.pid, runs.c.born).where(runs.c.status == "running")
    living: dict[Owner, bool] = {}
    dead = []
    for run, host, pid, born in connection.execute(owned):
        owner = Owner(host, pid, born) if pid is not None else None
        if owner is not None and owner not in living:
            living[owner] = owner.may_run()
        if owner is None or not living[owner]:
            dead.append(run)
    return sa.case((runs.c.run.in_(dead), "interrupted"), else_=runs.c.status)


def _run(row: Row[Any]) -> Run:
    fields = {name: value for name, value in row._mapping.items() if name in Run.__dataclass_fields__}
    return Run(**fields | {"task": row.task.hex(), "answer": row.answer.hex() if row.answer else None})
