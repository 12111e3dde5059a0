"""An evaluation: every item run, checked and counted, within its budget, in a log that no trainer learns from."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Budget, GraphSpec, RunOptions, agent, graph, layer
from agents.models import ModelReply, ModelRequest, Price, RateLimited, Scripted, Unreachable, Usage
from experiments.evaluate import Progress, Unfinished, summary
from experiments.purse import Purse
from experiments.results import evaluations, read
from experiments.stats import mean_interval
from experiments.systems import System
from store import Store, list_runs, scored_runs
from tests.experiments.lab import Sums, by_dice, run


def one_agent(task: str) -> GraphSpec:
    return graph(layer("answer", agent("solver", "Answer.")))


ONE = System("one", "one agent", one_agent)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"{tmp_path}/runs.db") as opened:
        yield opened


def four(request: ModelRequest) -> str:
    return "4"


@pytest.mark.parametrize("parallel", [1, 2])
def test_results_come_in_the_order_of_the_items_with_score_reason_and_cost(store: Store, parallel: int) -> None:
    _, wrong, right = run(store, ONE, Scripted(four), Sums(3), parallel=parallel).results
    assert (right.item, right.family, right.kind) == ("sum/2", "like 1", "even")
    assert (right.score, right.words, right.answer, right.status, right.valid) == (1, "right", "4", "answered", True)
    assert (wrong.item, wrong.score, wrong.words) == ("sum/1", 0, "'4' is not 2")
    assert min(right.tokens, wrong.tokens) > 0
    assert (right.calls, right.run_id != wrong.run_id) == (1, True)


def test_an_evaluation_that_is_made_again_pays_nothing_and_is_the_same(store: Store) -> None:
    model = Scripted(by_dice)
    first, paid = run(store, ONE, model), model.calls
    assert run(store, ONE, model) == first == read(store, first.id)
    assert model.calls == paid
    assert evaluations(store) == [first]


def test_another_system_with_the_same_calls_pays_nothing_and_is_charged_the_same(store: Store) -> None:
    """Which system comes first must not make it look dearer."""
    model = Scripted(by_dice)
    first, paid = run(store, ONE, model), model.calls
    second = run(store, replace(ONE, name="two"), model)
    assert model.calls == paid
    assert second.id != first.id
    assert [(r.score, r.tokens, r.calls) for r in second.results] == [
        (r.score, r.tokens, r.calls) for r in first.results
    ]
    assert {r.seconds for r in second.results} == {None}


def test_a_changed_suite_seed_or_system_is_another_evaluation(store: Store) -> None:
    model = Scripted(by_dice)
    other = System("one", "one agent", lambda task: graph(layer("answer", agent("solver", "Answer well."))))
    made = [
        run(store, ONE, model),
        run(store, ONE, model, Sums(4)),
        run(store, other, model),
        run(store, ONE, model, options=RunOptions(model="scripted", seed=1)),
    ]
    assert len({e.id for e in made}) == 4
    assert evaluations(store, suites=["sums"]) == made[::-1]
    assert evaluations(store, suites=["other"]) == []


def test_no_router_and_no_trainer_learns_from_an_evaluation(store: Store) -> None:
    made = run(store, ONE, Scripted(by_dice))
    assert scored_runs(store, one_agent("").hash) == []
    assert {r.parent for r in list_runs(store, parent=made.id).runs} == {made.id}


def test_an_unusable_reply_is_no_wrong_answer_and_too_many_of_them_leave_no_score(store: Store) -> None:
    made = run(store, ONE, Scripted(lambda r: "" if r.messages[-1].content == "3 + 3 =" else by_dice(r)))
    blank = made.results[3]
    assert (blank.valid, blank.score, blank.status) == (False, 0, "failed")
    assert blank.words.startswith("not scored: failed: ")
    assert "no score: only 91.7 % of the replies are valid" in summary(made)


def test_an_item_that_the_provider_did_not_answer_is_tried_again_by_the_same_command(store: Store) -> None:
    down = Scripted(lambda r: RateLimited("slow down") if r.messages[-1].content == "3 + 3 =" else by_dice(r))
    with pytest.raises(Unfinished, match=r"1 of 12 items could not be measured.*slow down") as stopped:
        run(store, ONE, down)
    assert list(stopped.value.lacking) == ["sum/3"]
    up = Scripted(by_dice)
    assert [r.valid for r in run(store, ONE, up).results] == [True] * 12
    assert up.calls == 1


def test_a_model_that_cannot_be_reached_stops_the_evaluation_at_once(store: Store) -> None:
    model = Scripted(lambda r: Unreachable("nobody there"))
    with pytest.raises(Unfinished, match="nobody there"):
        run(store, ONE, model, parallel=1)
    assert model.calls == 4  # the attempts of one call


def test_the_cap_holds_over_all_items_and_a_larger_one_goes_on(store: Store) -> None:
    def priced(request: ModelRequest) -> ModelReply:
        return ModelReply(text=by_dice(request), usage=Usage(prompt_tokens=10, completion_tokens=20), usd=0.01)

    model = Scripted(priced, price=Price(prompt=0.0002, completion=0.0004))  # at most 0.21 a call, in truth 0.01
    with pytest.raises(Unfinished, match="the budget is spent") as stopped:
        run(store, ONE, model, purse=Purse(Budget(usd=0.25)), parallel=4)
    assert 1 <= model.calls <= 5  # what is spent and what the next call may need never exceed the cap
    assert "raise the budget" in stopped.value.hint
    paid = model.calls
    made = run(store, ONE, model, purse=Purse(Budget(usd=10.0)))
    assert len(made.results) == 12
    assert model.calls == 12 == paid + 12 - paid


def test_a_system_that_exceeds_the_budget_of_an_item_has_failed_that_item(store: Store) -> None:
    made = run(store, ONE, Scripted(by_dice), options=RunOptions(model="scripted", budget=Budget(tokens=100)))
    assert {(r.status, r.score, r.valid) for r in made.results} == {("budget_exhausted", 0.0, True)}


def test_progress_tells_what_is_done_and_what_is_left(store: Store) -> None:
    seen: list[Progress] = []
    made = run(store, ONE, Scripted(by_dice), watch=seen.append, parallel=1)
    assert [p.done for p in seen] == list(range(1, 13))
    assert seen[5].tokens_left == pytest.approx(seen[5].tokens)
    assert (seen[-1].tokens_left, seen[-1].seconds_left) == (0, 0)
    assert seen[-1].score == sum(r.score for r in made.results)


def test_the_summary_counts_by_kind_and_gives_the_interval_and_the_price(store: Store) -> None:
    made = run(store, ONE, Scripted(by_dice))
    right, tokens = sum(r.score for r in made.results), sum(r.tokens for r in made.results)
    mean = mean_interval([r.score for r in made.results], [r.family for r in made.results])
    told = summary(made)
    assert f"{right:g}/12 = {100 * right / 12:.1f} %" in told
    assert f"(95 % interval {100 * mean.low:.1f} to {100 * mean.high:.1f})" in told
    assert f"{tokens / right:.0f} tokens per solved item" in told
    assert sum(line.startswith(("even", "odd")) for line in told.splitlines()) == 2
