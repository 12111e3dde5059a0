from dataclasses import replace

import pytest

from agents import Budget
from store import Run, Store
from tests.ui.stage import make_run
from ui.view import listing
from ui.view.estimate import Estimate, estimate, of
from ui.view.listing import PER_PAGE, Wanted


@pytest.fixture
def store(place: str) -> Store:
    return Store.open(place)


def run(**more: object) -> Run:
    plain = Run(*("r", "t", "answered", "m", "", 0, None, None, 0.0, 10.0, None, None, 3, 100, 20, 0.0, "", None))
    return replace(plain, **more)  # type: ignore[arg-type]


def test_an_address_says_what_is_wanted_and_nonsense_counts_as_not_said() -> None:
    asked = {"q": "grid", "status": "failed", "model": "m", "sort": "costliest", "page": "3"}
    assert Wanted.of(asked) == Wanted("grid", "failed", "m", "costliest", 3)
    nonsense = {"status": "x", "sort": "id; DROP TABLE runs", "page": "-1"}
    assert Wanted.of(nonsense) == Wanted.of({}) == Wanted.of({"page": "9" * 30})


def test_pages_cut_the_runs_and_one_behind_the_last_is_the_last(store: Store) -> None:
    for k in range(PER_PAGE + 3):
        store.start_run(task=f"task {k}").finish("answered")
    store.flush()
    titles = [[r.title for r in Wanted(page=p).read(store).runs] for p in (1, 2, 99)]
    assert [len(t) for t in titles] == [PER_PAGE, 3, 3]
    assert titles[0][0] == f"task {PER_PAGE + 2}"
    assert titles[1] == titles[2]
    assert listing.pages(PER_PAGE + 3) == 2
    assert listing.pages(0) == 1
    assert [r.title for r in Wanted(sort="task").read(store).runs][:2] == ["task 0", "task 1"]


def test_a_run_reads_on_one_line() -> None:
    assert listing.facts(run(), now=310.0) == "5 min ago · 10.0 s · 120 tokens · free · m"
    assert listing.facts(run(status="running", finished=None), now=30.0) == "just now · 30.0 s · 120 tokens · free · m"
    assert listing.facts(run(status="interrupted", finished=None), now=2e5) == "2 days ago · 120 tokens · free · m"


def test_an_estimate_is_the_median_and_what_nine_in_ten_stayed_below() -> None:
    known = of(run(prompt_tokens=100 * k, completion_tokens=0, usd=k / 100, calls=k) for k in range(1, 11))
    assert (known.runs, known.tokens, known.most_tokens, known.calls, known.seconds) == (10, 550, 1000, 5.5, 10)
    assert "about 550 tokens (nine in ten runs: below 1,000)" in str(known)
    assert known.short_of(Budget(tokens=600)) == ""
    assert "more tokens and calls than this budget" in known.short_of(Budget(tokens=500, calls=5))
    assert known.short_of(Budget()) == ""


def test_without_an_earlier_run_nothing_is_claimed(place: str, store: Store) -> None:
    assert estimate(store, "scripted") == Estimate()
    assert "nothing to estimate from" in str(Estimate())
    assert Estimate().short_of(Budget(tokens=1)) == ""
    make_run(place)
    make_run(place)  # served from the first one's calls: it cost nothing and says nothing
    assert estimate(store, "scripted").runs == 1


def test_the_items_of_an_evaluation_do_not_stand_for_themselves() -> None:
    assert listing.own(run())
    assert listing.own(run(parent="p", relation="fork"))
    assert not listing.own(run(parent="p"))
