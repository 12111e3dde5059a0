"""Inside one task: an answer that misses its target goes back through the critics once, and the task is tried again."""

import json
from typing import Any

import pytest

from agents import Answer, Budget, Network, RunOptions
from agents.answer import Evidence
from agents.backward.critic import ASK_GLOBAL, ASK_LOCAL
from agents.backward.editor import ASK as EDITOR
from agents.loss import by_tool, checked
from agents.models import ModelRequest, Scripted
from experiments.suites.planted_faults.trade import facts_in, read_order
from experiments.suites.planted_faults.worker import work
from store import Store, get_run
from tests.agents.backward.school import School, wait
from tests.agents.lab import Kiln
from tools import registry


def plausible(task: str, answer: Answer) -> tuple[float, str]:
    """A check without a reference: whatever is sold, the total is in whole cents."""
    said, order = facts_in(answer.text).get("total"), read_order(task)
    if said is None or order is None:
        return 0.0, "there is no total"
    return float(round(said, 2) == said), "the total must be in whole cents"


def script(request: ModelRequest) -> Any:
    """Critics and an editor who take the check's words at face value."""
    asked = request.messages[0].content
    if asked.startswith(ASK_GLOBAL):
        finding = {"seen": "no total", "target": "settle", "kind": "set_prompt", "advice": "Round it."}
        return json.dumps({"findings": [finding]})
    if asked.startswith(ASK_LOCAL):
        finding = {"seen": "no total", "target": "settle/settler", "kind": "set_prompt", "advice": "Round it to cents."}
        return json.dumps({"findings": [finding]})
    if asked.startswith(EDITOR):
        told = "Take the discount off the subtotal and round it to cents."
        return json.dumps({"why": "", "edits": [{"op": "set_prompt", "agent": "settler", "prompt": told}]})
    return work(request)


def network(school: School, model: Any = script) -> tuple[Network, str]:
    faulty, train, _, _ = school.lesson("vague_prompt")
    return Network(faulty.faulty, store=school.store, providers={"m": Scripted(model)}), train[0].task


def test_a_run_that_misses_its_target_is_bettered_and_the_edit_kept(school: School) -> None:
    net, task = network(school)
    before = net.spec
    done = net.run_until(task, checked(plausible), RunOptions(model="m"))
    assert done.scores == (0.0, 1.0)
    assert done.answer
    assert plausible(task, done.answer)[0] == 1
    assert [e.op for e in done.edits] == ["set_prompt"]
    assert net.spec == before
    net.run_until(task, checked(plausible), RunOptions(model="m"), keep=True)
    assert net.spec == done.graph != before
    assert get_run(school.store, done.run_id).status == "answered"


def test_a_good_answer_is_not_tried_again(school: School) -> None:
    net, task = network(school)
    done = net.run_until(task, checked(lambda t, a: (0.8, "good")), RunOptions(model="m"), target=0.7)
    assert (done.scores, done.edits) == ((0.8,), ())


def test_tries_are_bounded_and_the_best_answer_stands(school: School) -> None:
    net, task = network(school)
    done = net.run_until(task, checked(lambda t, a: (0.3, "never good")), RunOptions(model="m"), tries=3)
    assert done.scores[0] == 0.3
    assert len(done.scores) <= 4
    assert done.graph == net.spec


def test_a_spent_budget_ends_it_with_the_first_answer(school: School) -> None:
    net, task = network(school)
    done = net.run_until(task, checked(plausible), RunOptions(model="m", budget=Budget(calls=5)))
    assert done.answer
    assert done.spent.calls <= 5
    assert done.error
    assert get_run(school.store, done.run_id).status == "budget_exhausted"


def test_a_tool_s_own_metric_is_a_score(store_: Store, monkeypatch: pytest.MonkeyPatch, school: School) -> None:
    monkeypatch.setitem(registry._found(), "kiln", Kiln)
    log = store_.start_run(task="t")
    output = {"hardness": 9.0, "cost": 1.0, "colour": "red", "residual": 0.0, "quality": -0.5}
    kept = Evidence(name="a", tool="kiln", arguments={}, output=log.put(json.dumps(output)))
    ctx = school.runner.context(log, RunOptions(model="m"))
    loss = wait(by_tool(-2.0, 0.0)("t", Answer(text="9", evidence=(kept,)), ctx))
    assert (loss.score, loss.by) == (0.75, "kiln")
    assert "quality of kiln is -0.5, 0 is best" in loss.words
    assert wait(by_tool(-2.0, 0.0)("t", Answer(text="9"), ctx)).score == 0.0
    with pytest.raises(ValueError, match="nothing lies between"):
        by_tool(1.0, 1.0)


@pytest.fixture
def store_(school: School) -> Store:
    return school.store
