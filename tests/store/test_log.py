"""A run's log holds what was emitted, once, and says truthfully when it is safe."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import RunLog, Store, StoreClosed, UnknownBlob, WriteFailed, content_hash, get_events, get_run, list_runs
from store.events import AgentAnswered, AgentStarted, ErrorInfo, ModelCalled, Planned, RunFinished, ToolCalled


def started(agent: str) -> AgentStarted:
    return AgentStarted(layer="solve", agent=agent)


def called(
    log: RunLog, call: str, *, reply: str = "yes", cached: bool = False, error: ErrorInfo | None = None
) -> ModelCalled:
    request, answer = log.put(f"ask {call}"), log.put(reply)
    return ModelCalled(
        call=call,
        model="m",
        purpose="test",
        request=request,
        reply=answer,
        prompt_tokens=7,
        completion_tokens=2,
        usd=0.1,
        cached=cached,
        error=error,
    )


def test_what_is_durable_is_there_for_every_reader(store: Store, place: str) -> None:
    log = store.start_run(task="task")
    log.emit("a", started("a1"), seconds=1.5)

    async def wait() -> None:
        await log.durable()

    asyncio.run(wait())
    with Store.open(place) as other:
        (record,) = get_events(other, log.run_id)
    assert (record.seq, record.key, record.event, record.seconds) == (0, "a", started("a1"), 1.5)
    assert abs(record.ended - time.time()) < 60


def test_what_nobody_waits_for_is_committed_soon(store: Store) -> None:
    log = store.start_run(task="task")
    store.flush()
    for i in range(3):
        log.emit(f"{i}", started("a1"))
        deadline = time.monotonic() + 10
        while len(get_events(store, log.run_id)) <= i:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz"))))
def test_the_first_event_of_a_key_stays_and_order_is_kept(store: Store, emitted: list[tuple[str, str]]) -> None:
    log = store.start_run(task="task")
    first: dict[str, str] = {}
    for key, agent in emitted:
        log.emit(key, started(agent))
        first.setdefault(key, agent)
    store.flush()
    records = get_events(store, log.run_id)
    assert [(r.seq, r.key, r.event) for r in records] == [(i, k, started(a)) for i, (k, a) in enumerate(first.items())]


def test_content_is_readable_before_and_after_it_is_committed(store: Store) -> None:
    log = store.start_run(task="the task")
    ref = log.put("čau" * 1000)
    assert ref == content_hash("čau" * 1000)
    assert log.text(ref) == "čau" * 1000
    store.flush()
    assert log.text(ref) == "čau" * 1000
    assert log.blob(log.put(b"\x00\xff")) == b"\x00\xff"
    with pytest.raises(UnknownBlob, match="0" * 32):
        log.text("0" * 32)


def test_the_same_content_is_stored_once(store: Store) -> None:
    import sqlalchemy as sa

    for _ in range(3):
        log = store.start_run(task="the same task")
        for _ in range(3):
            log.put("the same words")
    store.flush()
    with store.database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM blobs")).scalar() == 2


def test_a_finished_call_is_remembered_in_every_run_before_and_after_its_commit(store: Store, place: str) -> None:
    log = store.start_run(task="one")
    event = called(log, "c1")
    assert log.memo("c1") is None
    log.emit("call", event)
    assert log.memo("c1") == event
    store.flush()
    assert store.start_run(task="two").memo("c1") == event
    with Store.open(place) as other:
        assert other.memo("c1") == event


def test_a_failed_call_is_not_remembered(store: Store) -> None:
    log = store.start_run(task="task")
    log.emit("call", called(log, "c1", error=ErrorInfo(kind="empty_reply", message="blank")))
    failed = ErrorInfo(kind="NoAnswer", message="infeasible")
    log.emit("tool", ToolCalled(call="t1", tool="t", version="1", arguments=log.put("{}"), error=failed))
    store.flush()
    assert log.memo("c1") is None
    assert log.memo("t1") is None


def test_a_tool_call_is_remembered_too(store: Store) -> None:
    log = store.start_run(task="task")
    event = ToolCalled(call="t1", tool="t", version="1", arguments=log.put("{}"), output=log.put("[1]"), score=0.5)
    log.emit("tool", event)
    store.flush()
    assert log.memo("t1") == event


def test_the_memo_answers_with_the_run_that_paid(store: Store) -> None:
    log = store.start_run(task="one")
    log.emit("call", called(log, "c1"))
    store.flush()
    again = store.start_run(task="two")
    again.emit("call", called(again, "c1", cached=True))
    store.flush()
    found = store.memo("c1")
    assert found is not None and not found.cached


def test_a_run_row_follows_its_events(store: Store) -> None:
    log = store.start_run(task="What does it cost?\nIn euros.", model="local/x", seed=2**40)
    store.flush()
    run = get_run(store, log.run_id)
    assert (run.title, run.status, run.model, run.seed) == ("What does it cost? In euros.", "running", "local/x", 2**40)
    assert store.text(run.task) == "What does it cost?\nIn euros."

    log.emit("plan", Planned(graph=log.put("{}"), graph_hash="abc"))
    log.emit("call", called(log, "c1"))
    store.flush()
    run = get_run(store, log.run_id)
    assert (run.graph_hash, run.calls, run.prompt_tokens, run.completion_tokens, run.usd) == ("abc", 1, 7, 2, 0.1)

    answer = log.put("41")
    log.emit("end", RunFinished(status="answered", answer=answer))
    store.flush()
    run = get_run(store, log.run_id)
    assert (run.status, run.answer, run.pid) == ("answered", answer, None)
    assert run.finished is not None and run.finished >= run.created


def test_sums_are_exactly_rounded_however_they_were_batched(store: Store) -> None:
    log = store.start_run(task="task")
    for i in range(10):
        log.emit(f"call{i}", called(log, f"c{i}"))
        store.flush()
    log.finish("answered")
    store.flush()
    assert get_run(store, log.run_id).usd == 1.0  # ten times 0.1, added one by one, is 0.9999999999999999


def test_a_thousand_waiters_share_few_commits(store: Store) -> None:
    log = store.start_run(task="task")

    async def agent(i: int) -> None:
        log.emit(f"{i}", AgentAnswered(layer="solve", agent=f"a{i}", answer=log.put(f"answer {i}")))
        await log.durable()

    async def everyone() -> float:
        begin = time.perf_counter()
        await asyncio.gather(*(agent(i) for i in range(1000)))
        return time.perf_counter() - begin

    first = store.writer._done
    assert asyncio.run(everyone()) < 2.0
    assert store.writer._done - first < 100
    assert len(get_events(store, log.run_id)) == 1000


def test_a_cancelled_waiter_does_not_trouble_the_others(store: Store) -> None:
    log = store.start_run(task="task")

    async def main() -> None:
        log.emit("a", started("a1"))
        waiters = [asyncio.create_task(log.durable()) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[1].cancel()
        done = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(d) for d in done] == [type(None), asyncio.CancelledError, type(None)]

    asyncio.run(main())


def test_threads_with_their_own_loops_write_runs_side_by_side(store: Store) -> None:
    logs = [store.start_run(task=f"task {i}") for i in range(2)]

    async def execute(log: RunLog) -> None:
        for i in range(200):
            log.emit(f"{i}", started(log.put(f"agent {i}")))
            if i % 10 == 0:
                await log.durable()
        await log.durable()

    threads = [threading.Thread(target=lambda log=log: asyncio.run(execute(log))) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for log in logs:
        assert [r.key for r in get_events(store, log.run_id)] == [str(i) for i in range(200)]


WRITE_A_RUN = """
import asyncio, sys
from store import Store
from store.events import AgentStarted, RunFinished
async def main(log):
    for i in range(200):
        log.emit(f"{i}", AgentStarted(layer="l", agent="a", inputs=(log.put(f"words {i}"),)))
        await log.durable()
    log.emit("end", RunFinished(status="answered"))
with Store.open(sys.argv[1]) as store:
    asyncio.run(main(store.start_run(task="shared task")))
"""


def test_processes_write_runs_side_by_side(store: Store, place: str) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITE_A_RUN, place]) for _ in range(2)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    page = list_runs(store, status="answered")
    assert page.total == 2
    assert all(len(get_events(store, run.id)) == 201 for run in page.runs)


def test_a_write_that_fails_is_told_to_waiters_and_to_whoever_emits_later(place: str) -> None:
    import sqlalchemy as sa

    store = Store.open(place)
    log = store.start_run(task="task")
    with store.database.writing() as connection:
        connection.execute(sa.text("DROP TABLE events"))
    log.emit("a", started("a1"))

    async def wait_twice() -> None:
        done = await asyncio.gather(log.durable(), log.durable(), return_exceptions=True)
        assert [type(d) for d in done] == [WriteFailed, WriteFailed]

    asyncio.run(wait_twice())
    with pytest.raises(WriteFailed, match="events"):
        log.emit("b", started("a2"))
    with pytest.raises(WriteFailed, match="resume the run"):
        store.flush()
    with pytest.raises(WriteFailed):
        store.close()


def test_a_full_disk_is_told(tmp_path: object) -> None:
    store = Store.open(f"{tmp_path}/runs.db")
    log = store.start_run(task="task")
    with store.database.reading() as connection:  # the one pooled connection, which the writer takes next
        connection.exec_driver_sql("PRAGMA max_page_count=30")
    with pytest.raises(WriteFailed, match="full"):  # of the first call after the writer has met the end
        for i in range(200):
            log.put(f"{i}" * 20_000)
            log.put(bytes(range(i)) * 100)
            log.put(content_hash(f"{i}") * 10 + "".join(content_hash(f"{i}/{j}") for j in range(100)))
        store.flush()
    with pytest.raises(WriteFailed, match="full"):
        store.close()


def test_closing_writes_what_is_left_and_ends_the_log(place: str) -> None:
    store = Store.open(place)
    log = store.start_run(task="task")
    log.emit("a", started("a1"))
    store.close()
    store.close()
    with pytest.raises(StoreClosed):
        log.emit("b", started("a2"))
    with pytest.raises(StoreClosed):
        store.start_run(task="another")
    with Store.open(place) as again:
        assert [r.key for r in get_events(again, log.run_id)] == ["a"]


def test_a_program_that_forgets_to_close_loses_nothing(place: str) -> None:
    program = WRITE_A_RUN.replace("with Store.open(sys.argv[1]) as store:", "if store := Store.open(sys.argv[1]):")
    subprocess.run([sys.executable, "-c", program, place], check=True, timeout=60)
    with Store.open(place) as store:
        (run,) = list_runs(store).runs
        assert run.status == "answered"
        assert len(get_events(store, run.id)) == 201


def test_ids_sort_by_time(store: Store) -> None:
    ids = []
    for _ in range(20):
        ids.append(store.start_run(task="task").run_id)
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert all(len(run_id) <= 20 for run_id in ids)
