"""Suites as trainers see them: the test split is sealed; and specialists are made where they win."""

import asyncio
from pathlib import Path

import pytest

from agents import Answer, Runner, RunOptions
from agents.models import Scripted
from experiments.learning.cases import Open, Sealed, case_of, spread
from experiments.learning.methods import ABLATIONS, METHODS, OF_LANGUAGE, RIVALS
from experiments.learning.specialists import outcome
from experiments.suites.grid_questions import suite
from experiments.suites.planted_faults.model import simulated
from store import Store


def test_the_test_split_is_sealed() -> None:
    seen = Open(suite)
    with pytest.raises(Sealed, match="the test split of grid_questions is sealed"):
        seen.cases("test")
    ids = {c.id for split in ("train", "val") for c in seen.cases(split)}  # type: ignore[arg-type]
    assert not ids & {i.id for i in suite.items("test")}


def test_a_limit_takes_items_from_everywhere() -> None:
    items = suite.items("train")
    some = spread(items, 5)
    assert len({i.id for i in some}) == 5
    assert items.index(some[-1]) > len(items) / 2


def test_a_case_is_scored_by_the_suite_s_checker(tmp_path: Path) -> None:
    item = suite.items("train")[0]
    with Store.open(f"{tmp_path}/runs.db") as store:
        runner = Runner(store)
        ctx = runner.context(store.start_run(task="t"), RunOptions(model="m"))
        loss = asyncio.run(case_of(suite, item).scorer(item.prompt, Answer(text="no idea"), ctx))
        runner.close()
    found = suite.check(item, Answer(text="no idea"))
    assert (loss.score, loss.words, loss.by) == (found.score, found.words, "grid_questions")


def test_every_rival_and_every_part_has_a_method() -> None:
    assert {*RIVALS, *OF_LANGUAGE, *ABLATIONS} == set(METHODS)


@pytest.mark.parametrize(("mixed", "made"), [(True, True), (False, False)])
def test_a_specialist_is_made_only_where_it_wins(tmp_path: Path, mixed: bool, made: bool) -> None:
    with Store.open(f"{tmp_path}/runs.db") as store:
        runner = Runner(store, {"simulated": Scripted(simulated)})
        found = asyncio.run(outcome(runner, 0, mixed=mixed))
        runner.close()
    assert any(m.router for m in found.ensemble.members) == made
    assert (found.picked > 0) == made
    assert (found.routed > found.alone + 0.2) == made
