"""What people ask of a store, and what remains when they delete."""

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from store import (
    Ledger,
    LiveLog,
    RunAlive,
    Store,
    Totals,
    UnknownBlob,
    UnknownRun,
    delete_run,
    get_events,
    get_ledger,
    get_run,
    list_runs,
)
from store.events import AgentStarted, ErrorInfo, ModelCalled, RunFinished
from store.writer import Batch, write


def called(
    log: LiveLog, call: str, *, usd: float = 0.5, cached: bool = False, error: ErrorInfo | None = None
) -> ModelCalled:
    reply = None if error else log.put(f"reply to {call}")
    return ModelCalled(
        call=call,
        model="m",
        purpose="p",
        request=log.put(f"ask {call}"),
        reply=reply,
        prompt_tokens=10,
        completion_tokens=3,
        usd=usd,
        cached=cached,
        error=error,
    )


def finished(store: Store, task: str, *, model: str = "m", status: str = "answered", calls: int = 0) -> LiveLog:
    log = store.start_run(task=task, model=model)
    for i in range(calls):
        log.emit(f"{i}", called(log, f"{task}/{i}"))
    log.finish(status)
    store.flush()
    return log


def count(store: Store, table: str) -> int:
    with store.database.reading() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_runs_are_filtered_sorted_and_paged(store: Store) -> None:
    finished(store, "Cheapest dispatch of the IEEE 30-bus grid", model="big", calls=2)
    finished(store, "Prices at 115 % load", model="small", calls=3)
    finished(store, "Which lines limit the grid?", model="small", status="failed", calls=1)

    def titles(**options: object) -> list[str]:
        return [run.title[:5] for run in list_runs(store, **options).runs]  # type: ignore[arg-type]

    assert titles() == ["Which", "Price", "Cheap"]
    assert titles(descending=False) == ["Cheap", "Price", "Which"]
    assert titles(sort="usd") == titles(sort="tokens") == titles(sort="calls") == ["Price", "Cheap", "Which"]
    assert titles(sort="title", descending=False) == ["Cheap", "Price", "Which"]
    assert titles(status="failed") == ["Which"]
    assert titles(sort="status") == ["Which", "Price", "Cheap"]
    assert titles(model="small", status="answered") == ["Price"]
    assert titles(text="GRID") == ["Which", "Cheap"]
    assert titles(text="%") == ["Price"]
    page = list_runs(store, limit=1, offset=1)
    assert ([run.title[:5] for run in page.runs], page.total) == (["Price"], 3)


def test_a_fork_knows_its_parent_until_that_is_deleted(store: Store) -> None:
    parent = finished(store, "parent")
    child = store.start_run(task="child", parent=parent.run_id, relation="fork")
    run = get_run(store, child.run_id)
    assert (run.parent, run.relation) == (parent.run_id, "fork")
    delete_run(store, parent.run_id)
    run = get_run(store, child.run_id)
    assert (run.parent, run.relation) == (None, "fork")
    with pytest.raises(UnknownRun):
        store.start_run(task="orphan", parent="nobody")


def test_events_are_found_by_prefix_kind_and_place(store: Store) -> None:
    log = store.start_run(task="task")
    for key in ("layer/a/1", "layer/a/2", "layer/A/1", "layer/b/1"):
        log.emit(key, AgentStarted(layer="l", agent="a"))
    log.emit("layer/a/end", RunFinished(status="answered"))
    store.flush()

    def keys(**options: object) -> list[str]:
        return [record.key for record in get_events(store, log.run_id, **options)]  # type: ignore[arg-type]

    assert keys(prefix="layer/a/") == ["layer/a/1", "layer/a/2", "layer/a/end"]
    assert keys(kind=RunFinished) == ["layer/a/end"]
    assert keys(after=2) == ["layer/b/1", "layer/a/end"]
    assert keys(after=0, limit=2) == ["layer/a/2", "layer/A/1"]


def test_the_ledger_counts_failed_attempts_and_keeps_cached_calls_apart(store: Store) -> None:
    log = store.start_run(task="task")
    log.emit("1", called(log, "c1", usd=0.25))
    log.emit("2", called(log, "c2", usd=0.5, error=ErrorInfo(kind="empty_reply", message="blank")))
    log.emit("3", called(log, "c1", usd=0.25, cached=True))
    store.flush()
    assert get_ledger(store, log.run_id) == Ledger(Totals(2, 20, 6, 0.75), Totals(1, 10, 3, 0.25))
    assert get_run(store, log.run_id).usd == 0.75


def test_deleting_takes_what_only_this_run_uses(store: Store) -> None:
    kept, gone = finished(store, "kept", calls=2), finished(store, "gone", calls=3)
    before = count(store, "blobs")
    delete_run(store, gone.run_id)
    with pytest.raises(UnknownRun):
        get_run(store, gone.run_id)
    assert before - count(store, "blobs") == 1 + 2 * 3
    assert (count(store, "events"), count(store, "calls")) == (2, 2)
    assert store.memo("gone/0") is None
    assert store.memo("kept/0") is not None
    assert get_events(store, kept.run_id)


def test_deleting_leaves_what_another_run_put_mentioned_or_read(store: Store) -> None:
    first = store.start_run(task="first")
    put, mentioned, read, lost = (first.put(words) for words in ("put", "mentioned", "read", "lost"))
    first.emit("call", called(first, "c1"))
    first.finish("answered")
    store.flush()

    second = store.start_run(task="second")
    assert second.put("put") == put
    second.emit("start", AgentStarted(layer="l", agent="a", inputs=(mentioned,)))
    assert second.text(read) == "read"
    found = second.memo("c1")
    assert isinstance(found, ModelCalled)
    second.emit("call", found.model_copy(update={"cached": True}))

    delete_run(store, first.run_id)
    assert [store.text(ref) for ref in (put, mentioned, read)] == ["put", "mentioned", "read"]
    with pytest.raises(UnknownBlob):
        store.text(lost)
    remembered = store.memo("c1")
    assert isinstance(remembered, ModelCalled) and remembered.reply is not None
    assert store.text(remembered.reply) == "reply to c1"


def test_content_deleted_with_one_run_can_be_put_again_by_a_living_one(store: Store, place: str) -> None:
    gone = store.start_run(task="gone")
    ref = gone.put("words")
    gone.finish("answered")
    store.flush()
    with Store.open(place) as other:
        delete_run(other, gone.run_id)
    log = store.start_run(task="task")
    assert log.put("words") == ref
    store.flush()
    assert store.text(ref) == "words"


def test_content_is_not_lost_when_it_is_deleted_while_another_run_is_about_to_commit_its_use(
    store: Store, place: str
) -> None:
    gone, log = store.start_run(task="gone"), store.start_run(task="stays")
    ref = gone.put("shared words")
    gone.finish("answered")
    store.flush()
    use = Batch(0, uses=[(log._run, bytes.fromhex(ref))], blobs={bytes.fromhex(ref): b"shared words"})
    with Store.open(place) as other:
        deleter = threading.Thread(target=delete_run, args=(other, gone.run_id))
        with store.database.writing() as connection:
            write(connection, use)  # finds the words there
            deleter.start()
            time.sleep(0.3)  # the deleter does not see the use yet, and has to wait
        deleter.join()
    assert store.text(ref) == "shared words"


def test_a_living_run_is_not_deleted(store: Store) -> None:
    log = store.start_run(task="task")
    with pytest.raises(RunAlive):
        delete_run(store, log.run_id)
    log.release()
    delete_run(store, log.run_id)
    assert list_runs(store).total == 0


def test_deleting_gives_the_space_back(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    with Store.open(str(place)) as store:
        log = store.start_run(task="task")
        log.put(bytes(i * i % 251 for i in range(50_000)).hex() + "".join(f"{i**3:x}" for i in range(100_000)))
        log.finish("answered")
    full = place.stat().st_size
    with Store.open(str(place)) as store:
        delete_run(store, log.run_id)
    assert place.stat().st_size < full / 2
