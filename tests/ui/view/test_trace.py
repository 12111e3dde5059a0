import pytest

from store import Store, get_events
from store.events import ErrorInfo, Event, ModelCalled, Planned, Record, RunFinished, RunStarted
from tests.ui.stage import make_run, refusing
from ui.view.trace import trace, walk

REF = "0" * 32


def call(tokens: int = 5, cached: bool = False, **more: object) -> ModelCalled:
    return ModelCalled(call="c", model="m", purpose="act", request=REF, prompt_tokens=tokens, cached=cached, **more)


def records(*events: tuple[str, Event, float, float]) -> list[Record]:
    return [Record(k, key, event, ended, seconds) for k, (key, event, ended, seconds) in enumerate(events)]


def test_a_real_run_has_layers_with_agents_with_calls(place: str) -> None:
    run = make_run(place)
    with Store.open(place) as store:
        tree = trace(get_events(store, run.run_id))
    shape = [(depth, span.title) for depth, span in walk(tree)]
    assert shape == [
        (0, "run"),
        (1, "plan"),
        (1, "layer solve"),
        (2, "solver"),
        (3, "model act"),
        (3, "tool calculate"),
        (1, "layer tell"),
        (2, "teller"),
        (3, "model write"),
    ]
    assert tree.detail == "answered"


def test_every_span_lies_within_its_parent_and_costs_what_its_children_cost(place: str) -> None:
    run = make_run(place)
    with Store.open(place) as store:
        tree = trace(get_events(store, run.run_id))
    assert tree.tokens == run.spent.tokens
    for _, span in walk(tree):
        assert 0 <= span.start <= span.end
        for child in span.children:
            assert span.start <= child.start
            assert child.end <= span.end
        if span.children:
            assert span.tokens == sum(child.tokens for child in span.children)


def test_a_leaf_begins_its_own_seconds_before_it_ended() -> None:
    tree = trace(
        records(
            ("run/started", RunStarted(task=REF, options=REF, seed=0), 100.0, 0), ("plan/model#0", call(), 103.0, 2.0)
        )
    )
    leaf = tree.children[0].children[0]
    assert (leaf.start, leaf.end) == pytest.approx((1.0, 3.0))


def test_cached_calls_cost_nothing() -> None:
    tree = trace(records(("plan/model#0", call(7), 1, 0), ("plan/repair/model#0", call(9, cached=True), 2, 0)))
    assert tree.tokens == 7


def test_errors_stand_where_they_happened() -> None:
    error = ErrorInfo(kind="rate_limited", message="429")
    tree = trace(
        records(
            ("plan/model#0", call(error=error), 1, 0),
            ("run/finished", RunFinished(status="failed", error=error), 2, 0),
        )
    )
    assert tree.error == error
    assert tree.children[0].children[0].error == error


def test_what_the_checks_put_right_is_said_at_the_plan() -> None:
    planned = Planned(graph=REF, graph_hash="h", planner="m", repairs=("added a check",))
    assert trace(records(("plan/planned", planned, 1, 0))).children[0].detail == "planned; put right: added a check"


def test_rounds_of_a_debate_are_spans_of_their_own() -> None:
    tree = trace(records(("layer/l/combine/round/1/a1/turn/0/model#0", call(), 1, 0)))
    assert tree.children[0].children[0].title == "a1, debate round 2"


def test_a_refusal_shows_at_the_agent_that_refused(place: str) -> None:
    run = make_run(place, script=refusing)
    with Store.open(place) as store:
        tree = trace(get_events(store, run.run_id))
    assert {span.name: span.detail for _, span in walk(tree)}["solver"] == "refused"


def test_a_run_without_events_has_an_empty_trace() -> None:
    assert trace([]).children == []
