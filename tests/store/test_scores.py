"""The runs that routing and weighted votes learn from: the newest scored ones of the same graph, whole and in order."""

from store import Store, scored_runs
from store.events import AgentStarted, Planned, Scored

GRAPH, OTHER = "a" * 32, "b" * 32


def run(store: Store, graph: str, *scores: float) -> None:
    """A finished run of a graph, scored as often as there are scores."""
    log = store.start_run(task="the task")
    log.emit("plan", Planned(graph=log.put("{}"), graph_hash=graph))
    log.emit("layer/solve/agent/a/started", AgentStarted(layer="solve", agent="a"))
    for i, score in enumerate(scores):
        log.emit(f"score/{i}", Scored(by="checker", score=score))
    log.finish("answered")
    store.flush()


def scores(found: list[list[tuple[str, object]]]) -> list[list[float]]:
    return [[event.score for _, event in events if isinstance(event, Scored)] for events in found]


def test_only_scored_runs_of_the_same_graph_count_oldest_first(store: Store) -> None:
    run(store, GRAPH, 0.25)
    run(store, GRAPH)
    run(store, OTHER, 0.5)
    run(store, GRAPH, 1.0)
    assert scores(scored_runs(store, GRAPH)) == [[0.25], [1.0]]
    assert scored_runs(store, "c" * 32) == []


def test_a_run_comes_with_all_its_events_in_order(store: Store) -> None:
    run(store, GRAPH, 1.0)
    (events,) = scored_runs(store, GRAPH)
    assert [key for key, _ in events] == ["plan", "layer/solve/agent/a/started", "score/0"]
    assert isinstance(events[1][1], AgentStarted)


def test_the_limit_keeps_the_newest_runs_however_often_each_was_scored(store: Store) -> None:
    for score in (0.1, 0.2, 0.3):
        run(store, GRAPH, score, score)
    assert scores(scored_runs(store, GRAPH, limit=2)) == [[0.2, 0.2], [0.3, 0.3]]
