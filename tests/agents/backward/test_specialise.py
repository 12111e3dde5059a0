"""Specialists are made where they are proved to win, and nowhere else; a run chooses among them by kind of task and by cost."""

import random
from pathlib import Path

import pytest

from agents import GraphSpec, SpecError, agent, graph, layer
from agents.backward import Case, Ensemble, Version, specialise
from agents.backward.pool import Pool
from agents.backward.specialise import Proof, Router
from agents.loss import metric


def net(name: str) -> GraphSpec:
    return graph(layer("one", agent(name, "Do it.")))


CASES = [
    Case(f"c{k}", f"Convert {k} {'miles to km' if k % 3 == 0 else 'pounds to kg'}, please", metric(1.0))
    for k in range(60)
]


def version(name: str, right: set[int], tokens: float = 100.0, usd: float = 0.01) -> Version:
    return Version(net(name), {c.id: float(k in right) for k, c in enumerate(CASES)}, tokens, usd)


MILES = {k for k in range(60) if k % 3 == 0}
POUNDS = set(range(60)) - MILES


def test_a_version_that_wins_on_one_kind_of_task_gets_that_kind() -> None:
    best, miles = version("best", POUNDS), version("miles", MILES)
    ensemble, proofs = specialise(best, [best, miles], CASES)
    assert [p.holds for p in proofs] == [True]
    assert "wins: 10 better, 0 worse of 30 held out" in str(proofs[0])
    for k in (900, 901, 902):
        task = f"Convert {k} {'miles to km' if k == 900 else 'pounds to kg'}, please"
        choice = ensemble.choose(task)
        assert ensemble.graph(choice) == (miles if k == 900 else best).graph


def test_none_is_made_where_luck_alone_tells_the_versions_apart() -> None:
    """Over many draws of two equally good versions, hardly any gets through: the proof is on cases that chose nothing."""
    made = 0
    for seed in range(100):
        dice = random.Random(seed)
        pair = [version(n, {k for k in range(60) if dice.random() < 0.6}) for n in ("a", "b")]
        ensemble, _ = specialise(pair[0], pair, CASES)
        made += any(m.router for m in ensemble.members)
    assert made <= 5


def test_none_is_made_of_a_version_that_is_better_on_nothing() -> None:
    best, worse = version("best", POUNDS | MILES), version("worse", MILES)
    ensemble, proofs = specialise(best, [best, worse], CASES)
    assert (len(ensemble.members), proofs) == (1, ())


def test_limits_on_cost_and_time_choose_another_member() -> None:
    best, cheap = version("best", POUNDS | MILES, 900, 0.09), version("cheap", POUNDS, 100, 0.01)
    seconds = {best.graph.hash: 20.0, cheap.graph.hash: 2.0}
    ensemble, _ = specialise(best, [best, cheap], CASES, seconds)
    assert ensemble.graph(ensemble.choose("x")) == best.graph
    for limits in ({"max_usd_per_item": 0.05}, {"max_seconds": 5.0}):
        choice = ensemble.choose("x", **limits)
        assert ensemble.graph(choice) == cheap.graph
        assert ensemble.network("x", **limits).hash == cheap.graph.hash
        assert choice.reason == "best within the limits, 67 % of the deciding cases"
    with pytest.raises(SpecError, match=r"the cheapest costs 0.01 USD a task, the fastest takes 2 s"):
        ensemble.choose("x", max_usd_per_item=0.001)


def test_an_ensemble_survives_its_file(tmp_path: Path) -> None:
    ensemble, _ = specialise(version("best", POUNDS), [version("miles", MILES)], CASES)
    ensemble.save(tmp_path / "e.json")
    again = Ensemble.load(tmp_path / "e.json")
    assert again == ensemble
    assert again.choose(CASES[0].task) == ensemble.choose(CASES[0].task)


def test_the_router_s_evidence_is_naive_bayes() -> None:
    """With one telling word the log-odds are the counted ones."""
    router = Router.fit(["red a"] * 6, ["blue a"] * 10)
    prior, hit, miss = 7 / 11, 7 / 8, 1 / 12
    import math

    red = math.log(prior) + math.log(hit / miss) + math.log((1 - 1 / 8) / (1 - 11 / 12))
    assert router.evidence("red a") == pytest.approx(red, rel=1e-9)
    assert router.evidence("blue a") < 0 < router.evidence("red a")


def test_the_sign_test_is_the_exact_one() -> None:
    assert Proof("s", 9, 5, 0, 9).p == 1 / 32
    assert Proof("s", 9, 4, 1, 9).p == pytest.approx(6 / 32)
    assert Proof("s", 9, 0, 0, 9).p == 1.0


def test_the_pool_keeps_who_leads_and_draws_by_leads() -> None:
    best, miles, nothing = version("best", POUNDS), version("miles", MILES), version("nothing", set())
    pool = Pool(best)
    assert pool.admits(miles)
    assert not pool.admits(nothing)
    pool.add(miles, incumbent=False)
    assert pool.leads() == {best.graph.hash: 40, miles.graph.hash: 20}
    drawn = [pool.draw(random.Random(k)).graph for k in range(3000)]
    assert drawn.count(miles.graph) / 3000 == pytest.approx(1 / 3, abs=0.03)
    everything = version("everything", POUNDS | MILES)
    pool.add(everything, incumbent=True)
    assert {v.graph.hash for v in pool.versions} >= {everything.graph.hash}
    assert pool.incumbent is everything
