"""What a page asks of a store: how many runs there are, which run is next, and a run's events portion by portion."""

import time

import pytest

from store import Census, Store, UnknownRun, count_runs, get_events, neighbours
from store.events import AgentStarted, LayerStarted, Scored

REF = "0" * 32


def test_runs_are_counted_by_shown_status_and_by_model(store: Store) -> None:
    for model, status in (("a", "answered"), ("a", "failed"), ("b", "answered")):
        store.start_run(task="t", model=model).finish(status)
    store.start_run(task="t", model="a").release()
    store.start_run(task="t", model="b")
    store.flush()
    wanted = {"answered": 2, "failed": 1, "interrupted": 1, "running": 1}
    assert count_runs(store) == Census(5, wanted, {"a": 3, "b": 2})


def test_neighbours_are_the_runs_started_just_before_and_after(store: Store) -> None:
    one, two, three = (store.start_run(task=str(k)).run_id for k in range(3))
    assert neighbours(store, two) == (one, three)
    assert neighbours(store, one) == (None, two)
    assert neighbours(store, three) == (two, None)
    with pytest.raises(UnknownRun):
        neighbours(store, "nothing")


def test_a_prefix_takes_what_begins_with_it_and_no_more(store: Store) -> None:
    log = store.start_run(task="t")
    keys = ["layer/a/started", "layer/a/é", "layer/a/\U0010ffff", "layer/A/x", "layer/a0", "layer/a", "layer/b/x"]
    for key in keys:
        log.emit(key, LayerStarted(layer="a", input=REF))
    store.flush()
    assert [r.key for r in get_events(store, log.run_id, prefix="layer/a/")] == keys[:3]


def test_events_of_some_kinds_come_portion_by_portion(store: Store) -> None:
    log = store.start_run(task="t")
    for k in range(10):
        log.emit(f"{k}/agent", AgentStarted(layer="l", agent=str(k)))
        log.emit(f"{k}/score", Scored(by="x", score=k))
        log.emit(f"{k}/layer", LayerStarted(layer="l", input=REF))
    store.flush()
    kinds = (AgentStarted, Scored)
    whole = [r.key for r in get_events(store, log.run_id, kind=kinds)]
    assert len(whole) == 20
    parts = [get_events(store, log.run_id, kind=kinds, offset=k, limit=6) for k in range(0, 24, 6)]
    assert [r.key for part in parts for r in part] == whole


def test_one_agent_of_a_run_of_thirty_thousand_events_is_read_in_milliseconds(store: Store) -> None:
    log = store.start_run(task="t")
    for k in range(30_000):
        log.emit(f"layer/l/agent/a{k // 30}/x{k % 30}", AgentStarted(layer="l", agent="a"))
    store.flush()
    get_events(store, log.run_id, limit=1)
    started = time.process_time()
    assert len(get_events(store, log.run_id, prefix="layer/l/agent/a7/")) == 30
    assert time.process_time() - started < 0.1
