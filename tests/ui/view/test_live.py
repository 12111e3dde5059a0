import pytest

from store import Store, get_run
from store.events import AgentAnswered, AgentStarted, LayerStarted, ModelCalled, RolledOut
from tests.ui.stage import make_run
from ui.view.live import PER_PAGE, Live
from ui.view.story import tell
from ui.view.trace import Span, walk

REF = "0" * 32


def shape(root: Span) -> list[tuple[int, str, int, float, float]]:
    return [(d, s.title, s.tokens, s.start, s.end) for d, s in walk(root) if s.kind not in ("model", "tool", "note")]


def test_seen_in_portions_a_run_is_what_it_is_seen_whole(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.view.live.PORTION", 2)
    run = make_run(place)
    with Store.open(place) as store:
        live = Live(store, run.run_id).catch_up()
        story = tell(store, run.run_id)
        assert shape(live.tree()) == shape(story.trace)
        assert live.tree().inside == sum(s.kind in ("model", "tool") for _, s in walk(story.trace)) == 3
        assert (live.events, live.graph, live.error) == (len(story.records), story.graph, None)
        assert live.states() == {("solve", "solver"): "answered", ("tell", "teller"): "answered"}
        assert live.tools == {"calculate": 1}
        assert live.progress.tokens == run.spent.tokens


def test_the_calls_of_an_agent_are_read_when_they_are_asked_for(place: str) -> None:
    run = make_run(place)
    with Store.open(place) as store:
        live = Live(store, run.run_id).catch_up()
        solver = live.span("layer/solve/agent/solver")
        assert solver is not None
        whole = [s for _, s in walk(tell(store, run.run_id).trace) if s.at.startswith("layer/solve/agent/solver/turn")]
        read = live.calls(solver)
        assert [(s.title, s.at, s.tokens) for s in read] == [(s.title, s.at, s.tokens) for s in whole]
        assert [s.start for s in read] == pytest.approx([s.start for s in whole])
        spec = live.agent(solver)
        assert spec is not None
        assert spec.prompt == "Work it out."
        assert live.span("layer/solve/agent/nobody") is None


def test_a_run_under_way_is_followed(place: str) -> None:
    with Store.open(place) as store:
        log = store.start_run(task="t")
        live = Live(store, log.run_id).catch_up()
        assert (live.events, live.tree().children) == (0, [])
        log.emit("layer/a/started", LayerStarted(layer="a", input=REF))
        log.emit("layer/a/agent/x/started", AgentStarted(layer="a", agent="x"))
        store.flush()
        assert live.catch_up().states() == {("a", "x"): "started"}
        log.emit("layer/a/agent/x/answered", AgentAnswered(layer="a", agent="x", answer=REF))
        store.flush()
        assert live.catch_up().states() == {("a", "x"): "answered"}
        assert live.catch_up().events == 3


def test_many_calls_come_page_by_page(place: str) -> None:
    with Store.open(place) as store:
        log = store.start_run(task="t")
        log.emit("layer/a/agent/x/started", AgentStarted(layer="a", agent="x"))
        for k in range(PER_PAGE + 5):
            call = ModelCalled(call=f"c{k}", model="m", purpose=f"p{k}", request=REF, prompt_tokens=k, usd=0.5)
            log.emit(f"layer/a/agent/x/turn/{k}/model#0", call)
        store.flush()
        live = Live(store, log.run_id).catch_up()
        span = live.span("layer/a/agent/x")
        assert span is not None
        assert (span.inside, span.tokens, span.usd) == (PER_PAGE + 5, sum(range(PER_PAGE + 5)), (PER_PAGE + 5) / 2)
        names = [leaf.name for page in (1, 2) for leaf in live.calls(span, page)]
        assert names == [f"p{k}" for k in range(PER_PAGE + 5)]
        assert get_run(store, log.run_id).calls == PER_PAGE + 5


def test_a_training_shows_its_rollouts_case_by_case(place: str) -> None:
    with Store.open(place) as store:
        log = store.start_run(task="Train it")
        for case in ("one", "two"):
            at = f"rollout/{'ab' * 16}/{case}"
            log.emit(f"{at}/layer/l/agent/x/started", AgentStarted(layer="l", agent="x"))
            call = ModelCalled(call=case, model="m", purpose="act", request=REF, prompt_tokens=7)
            log.emit(f"{at}/layer/l/agent/x/turn/0/model#0", call)
            log.emit(f"{at}/done", RolledOut(graph_hash="ab" * 16, case=case, score=1.0))
        store.flush()
        live = Live(store, log.run_id).catch_up()
        shown = [(depth, span.title, span.tokens) for depth, span in walk(live.tree())][1:]
        cases = [
            (d, t, n) for case in ("one", "two") for d, t, n in ((2, f"case {case}", 7), (3, "layer l", 7), (4, "x", 7))
        ]
        assert shown == [(1, "rollouts abababab", 14), *cases]
        agent = live.span(f"rollout/{'ab' * 16}/two/layer/l/agent/x")
        assert agent is not None
        assert [leaf.title for leaf in live.calls(agent)] == ["model act"]
