"""An evaluation: every item run, checked and counted, with the interval that its size allows."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import GraphSpec, Runner, RunOptions, agent, graph, layer
from agents.models import ModelRequest, Scripted
from experiments.evaluate import Result, evaluate, summary, wilson
from experiments.suites.protocol import AnswerLike, Item, Score, Split
from experiments.systems import System
from store import Store

Z = 1.959964


class Sums:
    """Two sums, to be answered in digits."""

    name, licence, description = "sums", "CC0-1.0", "Sums of small numbers"

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        return tuple(Item(f"sum-{a}", "sums", "val", f"{a} + {a} =", str(a + a), "sum") for a in (2, 3))

    def check(self, item: Item, answer: AnswerLike) -> Score:
        right = answer.text == item.expected
        return Score(float(right), "right" if right else f"{answer.text!r} is not {item.expected}")


def one_agent(task: str) -> GraphSpec:
    return graph(layer("answer", agent("solver", "Answer.")))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"{tmp_path}/runs.db") as opened:
        yield opened


def evaluated(store: Store, model: Scripted, parallel: int) -> list[Result]:
    runner = Runner(store, {"scripted": model})
    system = System("one", "one agent", one_agent)
    try:
        suite, options = Sums(), RunOptions(model="scripted")
        return asyncio.run(evaluate(suite, suite.items("val"), system, runner, options, parallel))
    finally:
        runner.close()


def four(request: ModelRequest) -> str:
    return "4"


@pytest.mark.parametrize("parallel", [1, 2])
def test_results_come_in_the_order_of_the_items_with_score_reason_and_cost(store: Store, parallel: int) -> None:
    right, wrong = evaluated(store, Scripted(four), parallel)
    assert (right.item, right.score, right.words, right.answer, right.status) == ("sum-2", 1, "right", "4", "answered")
    assert (wrong.item, wrong.score, wrong.words) == ("sum-3", 0, "'4' is not 6")
    assert min(right.tokens, wrong.tokens) > 0
    assert right.run_id != wrong.run_id


def test_an_evaluation_that_is_made_again_pays_nothing_and_tells_the_same_cost(store: Store) -> None:
    model = Scripted(four)
    first, paid = evaluated(store, model, 1), model.calls
    again = evaluated(store, model, 1)
    assert model.calls == paid
    assert [(r.score, r.tokens) for r in again] == [(r.score, r.tokens) for r in first]


def test_the_summary_counts_by_kind_and_gives_the_interval(store: Store) -> None:
    told = summary(evaluated(store, Scripted(four), 1))
    low, high = wilson(1, 2)
    assert f"1/2 = 50.0 % (95 % interval {100 * low:.1f} to {100 * high:.1f})" in told
    assert any(line.split() == ["sum", "1/2"] for line in told.splitlines())


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_ends_where_the_proportion_is_just_z_standard_errors_away(counts: tuple[int, int]) -> None:
    """Wilson's bounds are the roots p of (right/n - p)^2 = z^2 p (1 - p) / n."""
    right, n = counts
    share = right / n
    low, high = wilson(right, n)
    assert 0 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1
    for p in (low, high):
        assert abs(share - p) == pytest.approx(Z * math.sqrt(p * (1 - p) / n), abs=1e-7)


def test_the_interval_has_its_closed_form_at_the_ends_and_is_everything_without_data() -> None:
    assert wilson(10, 10) == pytest.approx((10 / (10 + Z**2), 1.0))
    assert wilson(0, 10) == pytest.approx((0.0, Z**2 / (10 + Z**2)))
    assert wilson(0, 0) == (0.0, 1.0)
