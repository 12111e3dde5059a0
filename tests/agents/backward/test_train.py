"""Training mends what is broken, keeps its budget, knows where every version comes from, and shows no editor a right answer."""

import json
import random
from typing import Any

import pytest

from agents import Network, RunOptions, SpecError
from agents.backward import Case, TrainOptions, split
from agents.backward.critic import masked
from agents.backward.edit import apply_all, edits_from_json
from agents.backward.editor import ASK as EDITOR
from agents.loss import metric
from agents.models import Budget, ModelRequest
from agents.models.contract import ServerError
from agents.spec import GraphSpec
from experiments.suites.planted_faults.model import simulated
from store import get_events, get_run
from store.events import GateDecided, RolledOut, VersionMade
from store.versions import UnknownVersion, get_version, lineage, list_versions
from tests.agents.backward.school import SHORT, School


@pytest.mark.parametrize("family", ["wrong_prompt", "missing_edge", "wrong_combiner", "overloaded_agent"])
def test_a_planted_fault_is_mended(school: School, family: str) -> None:
    faulty, _, _, test = school.lesson(family)
    fit = school.fit(family)
    assert school.score(faulty.faulty, test) < 1
    assert school.score(fit.best.graph, test) == 1
    assert (fit.status, fit.steps <= 12) == ("answered", True)


def test_network_fit_is_the_better_network_from_then_on(school: School) -> None:
    faulty, train, val, _ = school.lesson("wrong_prompt")
    network = Network(faulty.faulty, store=school.store, providers={"simulated": school.model})
    fit = network.fit(train, val, RunOptions(model="simulated"))
    assert network.spec == fit.best.graph != faulty.faulty
    assert get_run(school.store, fit.run_id).graph_hash == network.hash
    assert "0.000 -> 1.000 on 15 deciding cases" in str(fit)


def test_every_version_knows_its_parent_its_edits_their_cause_and_its_scores(school: School) -> None:
    fit = school.fit("missing_input")
    text = school.store.text
    school.store.flush()
    versions = {v.version: v.made for v in list_versions(school.store, run_id=fit.run_id)}
    made = [v for v in versions.values() if v.parent]
    assert made
    for version in made:
        parent = GraphSpec.model_validate_json(text(versions[version.parent].graph))
        assert version.edits
        assert version.critique
        assert apply_all(parent, edits_from_json(text(version.edits))).hash == version.version
        scores = json.loads(text(version.scores))
        assert sum(scores.values()) / len(scores) == pytest.approx(version.mean)
    best = get_version(school.store, fit.best.graph.hash[:8])
    assert [v.version for v in lineage(school.store, best)][-1] == fit.start.graph.hash
    with pytest.raises(UnknownVersion, match="no version ffffffff"):
        get_version(school.store, "ffffffff")


def test_the_editor_never_sees_a_right_answer(school: School) -> None:
    asked: list[str] = []

    def script(request: ModelRequest) -> Any:
        if request.messages[0].content.startswith(EDITOR):
            asked.append(request.messages[-1].content)
        return simulated(request)

    telling = School(school.store, lambda r: _with_answers(r, script(r)))
    _, train, val, _ = telling.lesson("vague_prompt")
    telling.fit("vague_prompt")
    telling.runner.close()
    assert asked
    assert all("the right answer" in page for page in asked)
    assert not [c.expected for page in asked for c in (*train, *val) if c.expected in page]


def _with_answers(request: ModelRequest, reply: Any) -> Any:
    """A critic that gives the answers away."""
    given = request.messages[-1].content
    if '"findings"' not in str(reply) or '"wanted":"' not in given:
        return reply
    found = json.loads(reply)
    wanted = [c["wanted"] for c in json.loads(given)["cases"]]
    for finding in found["findings"]:
        finding["advice"] = f"{finding['advice']} It should say {wanted[0]}."
    return json.dumps(found)


def test_masking_leaves_longer_numbers_alone() -> None:
    assert masked("say 12, not 112 or 12.5", ["12"]) == "say [the right answer], not 112 or 12.5"


def test_no_cap_is_exceeded_and_the_best_so_far_is_kept(school: School) -> None:
    dice = random.Random(3)
    ends = set()
    for seed in range(6):
        caps = {"calls": dice.randint(1, 200), "tokens": dice.randint(500, 20_000), "usd": dice.uniform(1e-4, 0.02)}
        name = dice.choice(tuple(caps))
        own = School(school.store, lambda r, s=seed: simulated(r.model_copy(update={"seed": r.seed + 7 * s})))
        family = ("vague_prompt", "missing_field")[seed % 2]
        fit = own.fit(family, 100 + seed, budget=Budget(**{name: caps[name]}))
        own.runner.close()
        row = get_run(school.store, fit.run_id)
        spent = {"calls": row.calls, "tokens": row.prompt_tokens + row.completion_tokens, "usd": row.usd}
        assert spent[name] <= caps[name] + 1e-12
        assert fit.best.mean >= fit.start.mean
        assert row.status == fit.status
        assert row.graph_hash == fit.best.graph.hash
        ends.add(fit.status)
    assert "budget_exhausted" in ends


def test_the_count_of_rollouts_is_a_cap_too(school: School) -> None:
    fit = school.fit("missing_edge", options=SHORT.model_copy(update={"rollouts": 30}))
    school.store.flush()
    assert fit.rollouts <= 30
    assert len(get_events(school.store, fit.run_id, kind=RolledOut)) == fit.rollouts
    assert fit.status == "budget_exhausted"


def test_a_failing_provider_is_not_the_graph_s_fault(school: School) -> None:
    failing = School(school.store, lambda request: ServerError("down"))
    fit = failing.fit("wrong_prompt", attempts=1)
    failing.runner.close()
    school.store.flush()
    rolled = [r.event for r in get_events(school.store, fit.run_id, kind=RolledOut)]
    assert rolled
    assert all(isinstance(e, RolledOut) and e.score is None and e.error for e in rolled)
    assert fit.best.graph == fit.start.graph


def test_gate_modes_differ_in_what_they_keep(school: School) -> None:
    for gate in ("strict", "revert", "none"):
        fit = school.fit("wrong_combiner", 2, SHORT.model_copy(update={"gate": gate}))
        school.store.flush()
        decided = [r.event for r in get_events(school.store, fit.run_id, kind=GateDecided)]
        stages = {e.stage for e in decided if isinstance(e, GateDecided)}
        assert ("minibatch" in stages or "validation" in stages) == (gate != "none")
        if gate == "none":
            assert all(isinstance(e, GateDecided) and e.accepted for e in decided)


@pytest.mark.parametrize("switch", [{"structure": False}, {"rates": {"backward": False}}, {"rates": {"beta": 0.0}}])
def test_parts_can_be_switched_off(school: School, switch: dict[str, Any]) -> None:
    options = TrainOptions.model_validate({**SHORT.model_dump(), "steps": 3, **switch})
    fit = school.fit("missing_edge", options=options)
    school.store.flush()
    if "structure" in switch:
        events = [r.event for r in get_events(school.store, fit.run_id, kind=VersionMade)]
        ops = {e.op for v in events if isinstance(v, VersionMade) and v.edits for e in _edits(school, v)}
        assert ops <= {"set_prompt", "set_role", "set_fields", "add_example", "remove_example"}
    keys = [r.key for r in get_events(school.store, fit.run_id)]
    critics = any("/local/model" in k for k in keys)
    assert critics == (switch.get("rates", {}).get("backward", True))
    assert any("/global/" in k for k in keys) == ("rates" not in switch)


def _edits(school: School, version: VersionMade) -> Any:
    return edits_from_json(school.store.text(version.edits or ""))


def test_cases_that_cannot_be_trained_on_are_refused(school: School) -> None:
    faulty, train, val, _ = school.lesson("wrong_prompt")
    network = Network(faulty.faulty, store=school.store, providers={"simulated": school.model})
    with pytest.raises(SpecError, match="5 cases decide, which is too few"):
        network.fit(train, val[:5], RunOptions(model="simulated"))
    with pytest.raises(SpecError, match="is there twice"):
        network.fit(train, [*val, train[0]], RunOptions(model="simulated"))


def test_a_case_is_always_on_the_same_side_of_the_split() -> None:
    many = [Case(f"c{k}", "task", metric(1.0)) for k in range(700)]
    train, val = split(many)
    again, _ = split(many[::-1])
    assert {c.id for c in train} == {c.id for c in again}
    assert 0.5 < len(train) / len(many) < 0.64
    assert not {c.id for c in train} & {c.id for c in val}
