import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store, get_run
from tests.agents.backward.school import School
from ui.view import lineage
from ui.view.charts import LIGHT
from ui.view.diff import networks_changed
from ui.view.lineage import Training


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    """A training that mended a wrong prompt, as a page shows it."""
    place: Path = tmp_path_factory.mktemp("lineage")
    with Store.open(str(place / "runs.db")) as store:
        school = School(store)
        run_id = school.fit("wrong_prompt").run_id
        school.runner.close()
        store.start_run(task="Train my dog").finish("answered")
        store.flush()
        assert [run.id for run in lineage.trainings(store)] == [run_id]
        yield lineage.training(store, get_run(store, run_id))


def test_the_best_version_stems_from_the_one_that_went_in_and_scores_more(shown: Training) -> None:
    start, best = shown.nodes[0], shown.best
    assert best is not None
    assert shown.line(best)[0] == start
    assert start.interval is not None
    assert best.interval is not None
    assert best.interval.estimate > start.interval.estimate
    assert start.interval.low <= start.interval.estimate <= start.interval.high
    assert len(best.scores) == shown.decide


def test_a_version_tells_its_critique_and_a_step_the_scores_that_admitted_it(shown: Training) -> None:
    best = shown.best
    assert best is not None
    assert best.critique
    assert best.edits
    step = next(step for step in shown.steps if step.number == best.step)
    assert (step.outcome, step.stage, step.incumbent) == ("accepted", "paired validation", True)
    assert step.after == best.graph
    assert step.before is not None
    assert networks_changed(step.before, step.after)
    assert sum(new - old for _, old, new in step.table) > 0
    assert sum(step.blame.values()) == pytest.approx(1)


def test_every_version_stands_in_the_tree_once_below_its_parent(shown: Training) -> None:
    tree = shown.tree()
    assert sorted(n.version for n in tree) == sorted(n.version for n in shown.nodes)
    for k, node in enumerate(tree):
        parent = shown.node(node.parent)
        if parent is None:
            assert node.depth == 0
        else:
            assert node.depth == parent.depth + 1
            assert tree.index(parent) < k


def test_the_curve_has_a_point_and_a_whisker_for_each_version_and_says_them(shown: Training) -> None:
    option = lineage.curve(shown, LIGHT)
    json.dumps(option, allow_nan=False)
    versions, best = option["series"]
    assert len(versions["data"]) == len(versions["markLine"]["data"]) == len(shown.nodes)
    assert best["data"][0][0] == 0
    told = lineage.curve_in_words(shown)
    assert told.count(" to ") == len(shown.nodes)
    assert "best so far" in told
