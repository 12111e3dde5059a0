"""An interrupted run can be taken over, by one process at a time, and knows what it did before."""

import asyncio
import os
import random
import subprocess
import sys
import time

import pytest

from store import AmbiguousRun, RunAlive, RunLog, Store, UnknownRun, WriteFailed, get_events, get_run, list_runs
from store.events import AgentAnswered, AgentStarted, Planned, RunFinished


def started(agent: str) -> AgentStarted:
    return AgentStarted(layer="solve", agent=agent)


def test_a_resumed_run_finds_its_events_and_goes_on_after_them(store: Store) -> None:
    log = store.start_run(task="task")
    log.emit("a", started("a1"))
    log.emit("b", started("b1"))
    assert log.find("a") is None  # nothing was recorded by an earlier execution
    log.release()
    store.flush()
    assert get_run(store, log.run_id).status == "interrupted"

    again = store.resume_run(log.run_id)
    assert get_run(store, log.run_id).status == "running"
    assert again.find("a") == started("a1")
    assert again.find("c") is None
    again.emit("b", started("never written"))
    again.emit("c", started("c1"))
    store.flush()
    assert [(r.seq, r.key, r.event) for r in get_events(store, log.run_id)] == [
        (0, "a", started("a1")),
        (1, "b", started("b1")),
        (2, "c", started("c1")),
    ]


def test_a_run_executed_again_to_its_end_is_finished_again(store: Store) -> None:
    log = store.start_run(task="task")
    log.emit("end", RunFinished(status="answered", answer=log.put("41")))
    again = store.resume_run(log.run_id)
    again.emit("end", RunFinished(status="answered", answer=again.put("41")))
    store.flush()
    run = get_run(store, log.run_id)
    assert run.status == "answered"
    assert run.answer and store.text(run.answer) == "41"


def test_a_living_run_is_not_resumed(store: Store) -> None:
    log = store.start_run(task="task")
    with pytest.raises(RunAlive, match=f"still running in process {os.getpid()}"):
        store.resume_run(log.run_id)


def test_a_beginning_of_the_id_is_enough_if_only_one_run_has_it(store: Store) -> None:
    first = store.start_run(task="task")
    first.finish("answered")
    assert store.resume_run(first.run_id[:9]).run_id == first.run_id
    second = store.start_run(task="task")
    with pytest.raises(AmbiguousRun) as ambiguous:
        get_run(store, first.run_id[:2])
    assert set(ambiguous.value.matches) == {first.run_id, second.run_id}
    with pytest.raises(UnknownRun, match=f"did you mean .*{first.run_id}") as unknown:
        get_run(store, "x" + first.run_id)
    assert first.run_id in unknown.value.close
    with pytest.raises(UnknownRun):
        get_run(store, "%")
    with pytest.raises(UnknownRun):
        store.replay_run("")


def test_a_second_writer_of_the_same_run_is_stopped(store: Store, place: str) -> None:
    log = store.start_run(task="task")
    with Store.open(place) as other:
        log.release()
        store.flush()
        other.resume_run(log.run_id).emit("a", started("by the other"))
        other.flush()
        log.emit("b", started("by the first"))  # it does not know of the other's event
        with pytest.raises(WriteFailed):
            store.flush()
    with pytest.raises(WriteFailed):
        store.close()


# Twenty agents at once; whatever is reported as durable is printed after the fact.
WRITE_UNTIL_KILLED = """
import asyncio, random, sys
from store import Store
from store.events import AgentAnswered, ModelCalled, Planned
store = Store.open(sys.argv[1])
log = store.start_run(task="endless")
print(log.run_id, flush=True)
async def agent(name):
    i = 0
    while True:
        answer = log.put(f"{name} says {i} " + random.randbytes(300).hex())
        log.emit(f"{name}/{i}/call", ModelCalled(call=f"{name}/{i}", model="m", purpose="p", request=answer, usd=0.25))
        log.emit(f"{name}/{i}", AgentAnswered(layer="l", agent=name, answer=answer))
        await log.durable()
        print(f"{name}/{i}", flush=True)
        await asyncio.sleep(random.random() / 100)
        i += 1
async def main():
    await asyncio.gather(*(agent(f"a{i}") for i in range(20)))
asyncio.run(main())
"""


def test_after_kill_9_everything_reported_durable_is_there_and_nothing_is_half_there(place: str) -> None:
    Store.open(place).close()
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", WRITE_UNTIL_KILLED, place], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        run_id = child.stdout.readline().strip()
        child.stdout.readline()
        time.sleep(random.random() / 3)
        child.kill()
        reported = child.stdout.read().split()
        child.wait()

        with Store.open(place) as store:
            run = get_run(store, run_id)
            records = get_events(store, run_id)
            assert run.status == "interrupted"
            assert [r.seq for r in records] == list(range(len(records)))
            written = {r.key for r in records}
            assert written.issuperset(reported)
            for record in records:
                if isinstance(record.event, AgentAnswered):
                    assert record.event.agent in store.text(record.event.answer)
                    assert f"{record.key}/call" in written  # emitted before it
                    assert store.memo(record.key) is not None  # in the same transaction as its event
            paid = sum(key.endswith("/call") for key in written)
            assert (run.calls, run.usd) == (paid, paid / 4)
            assert store.resume_run(run_id).find(records[-1].key) == records[-1].event


def test_a_run_stays_running_for_others_while_its_process_lives(store: Store, place: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITE_UNTIL_KILLED, place], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    run_id = child.stdout.readline().strip()
    try:
        assert [run.id for run in list_runs(store, status="running").runs] == [run_id]
        with pytest.raises(RunAlive):
            store.resume_run(run_id)
    finally:
        child.kill()
        child.wait()
    assert [run.id for run in list_runs(store, status="interrupted").runs] == [run_id]
    assert list_runs(store, status="running").total == 0


def test_a_replay_of_the_same_events_differs_in_nothing_and_writes_nothing(store: Store) -> None:
    log = store.start_run(task="task")
    log.emit("a", started("a1"))
    log.emit("b", AgentAnswered(layer="solve", agent="a1", answer=log.put("41")))
    log.finish("answered")
    store.flush()
    before = store.writer._done

    replay = store.replay_run(log.run_id)
    _as_log: RunLog = replay
    assert replay.find("a") == started("a1")
    assert replay.memo("anything") is None
    replay.emit("a", started("a1"))
    replay.emit("b", AgentAnswered(layer="solve", agent="a1", answer=replay.put("41")))
    replay.finish("answered")
    asyncio.run(replay.durable())
    assert replay.text(replay.put("only here")) == "only here"
    assert replay.differences() == ()
    store.flush()
    assert store.writer._done == before


def test_a_replay_tells_what_is_missing_extra_and_changed(store: Store) -> None:
    log = store.start_run(task="task")
    graph = log.put("{}")
    log.emit("plan", Planned(graph=graph, graph_hash="old"))
    log.emit("a", started("a1"))
    log.emit("b", started("b1"))
    log.release()
    replay = store.replay_run(log.run_id)
    replay.emit("plan", Planned(graph=graph, graph_hash="new"))
    replay.emit("b", RunFinished(status="failed"))
    replay.emit("c", started("c1"))
    assert [str(difference) for difference in replay.differences()] == [
        "plan: planned changed: graph_hash 'old' became 'new'",
        "b: agent_started became run_finished",
        "c: extra agent_started",
        "a: missing agent_started",
    ]
