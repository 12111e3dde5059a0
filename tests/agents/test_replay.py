"""A replay makes no call and reproduces every event, however the run went."""

import itertools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import Answer, Brief, Budget, Evidence, GraphSpec, Quantity, agent, function, graph, layer
from agents.loss import judged, metric
from agents.models import EmptyReply, ModelRequest, NotRecorded, RateLimited, ServerError, Truncated
from agents.run import CannotResume
from store import RunAlive, get_run
from store.events import AgentFailed, BudgetRefused, ModelCalled, Refined, Scored
from tests.agents.lab import Cast, Lab, speaker, turn, wait
from tests.agents.models.memory_log import MemoryLog

FIRE = turn(("a", "kiln", {"temperature": 900}), answers=["a.hardness"])


def same(lab: Lab, run: object) -> None:
    again, differences = lab.replay(run)
    assert [str(d) for d in differences] == []
    assert (again.status, again.answer, again.error) == (run.status, run.answer, run.error)


def solve(**settings: object) -> GraphSpec:
    return graph(
        layer("solve", speaker("solver", tools=("kiln",), **settings)),
        layer("check", agent("check", "", function="certify")),
        layer("say", speaker("writer")),
    )


def test_an_answered_run(lab: Lab) -> None:
    lab.script = Cast({"solver": FIRE, "writer": "It is 90 MPa hard."})
    run = lab.run(solve())
    assert run.status == "answered"
    same(lab, run)


def test_a_run_with_retries_repairs_and_a_longer_second_try(lab: Lab) -> None:
    bad = [RateLimited("busy"), ServerError("oops"), EmptyReply("nothing"), FIRE[:-4], FIRE]
    lab.script = Cast({"solver": bad, "writer": [Truncated("cut off"), "90 MPa"]})
    run = lab.run(solve())
    assert run.status == "failed"  # words are not asked for again with more room, a turn is
    assert {k.rsplit("/")[-1] for k in lab.events(run, ModelCalled) if "solver" in k} == {
        "model#0", "model#1", "model#2", "model#3",
    }  # fmt: skip
    same(lab, run)


def test_a_refused_run(lab: Lab) -> None:
    lab.script = Cast({"solver": turn(("a", "kiln", {"temperature": -4}), answers=["a.cost"]), "writer": "?"})
    run = lab.run(solve())
    assert run.status == "refused"
    same(lab, run)


def test_a_run_whose_agents_fail(lab: Lab) -> None:
    lab.script = Cast({"solver": ServerError("down"), "writer": "?"})
    run = lab.run(solve())
    assert (run.status, run.error.kind) == ("failed", "server_error")
    assert lab.events(run, AgentFailed)
    same(lab, run)


@pytest.mark.parametrize("budget", [Budget(calls=1), Budget(tokens=60), Budget(calls=0), Budget(calls=2)])
def test_a_run_that_its_budget_ends_in_the_same_words(lab: Lab, budget: Budget) -> None:
    lab.script = Cast({"solver": [RateLimited("busy"), FIRE], "writer": "90 MPa"})
    run = lab.run(solve(max_tokens=64), budget=budget)
    assert run.status == "budget_exhausted"
    assert lab.events(run, BudgetRefused)
    same(lab, run)


def test_a_refined_run(lab: Lab) -> None:
    hours = itertools.chain((2, 3, 7), itertools.repeat(7))
    lab.script = Cast(
        {
            "You tune": lambda _: json.dumps({"reason": "", "changes": {"hours": next(hours)}}),
            "solver": FIRE,
            "writer": "270 MPa",
        }
    )
    run = lab.run(solve(refinements=4))
    assert [e.kept for e in lab.events(run, Refined).values()] == [True, True, False]
    same(lab, run)


@pytest.mark.parametrize("combine", ["debate", "judge", "synthesise", "majority", "weighted_vote", "best_of_n"])
def test_a_combined_run(lab: Lab, combine: str) -> None:
    pick = json.dumps({"reason": "", "index": 1})
    lab.script = Cast(
        {"You compare": pick, "Merge": "one, two, three", "one": ["x", "y"], "two": ["y", "x"], "three": "y"}
    )
    run = lab.run(graph(layer("vote", *map(speaker, ("one", "two", "three")), combine=combine)))
    assert run.status == "answered"
    same(lab, run)


def test_a_planned_run(lab: Lab) -> None:
    plan = {
        "asked": "why",
        "subtasks": [{"goal": "say why", "role": "reason", "agents": 1, "combine": "single", "tools": []}],
    }
    lab.script = Cast({"You plan": json.dumps(plan), "": "Because."})
    run = lab.run(None, "Why is the sky blue?")
    assert (run.status, str(run)) == ("answered", "Because.")
    same(lab, run)


def test_a_scored_run_with_its_scorer_and_without(lab: Lab) -> None:
    lab.script = Cast({"You grade": json.dumps({"reason": "plain", "score": 7}), "writer": "42"})
    network = graph(layer("say", speaker("writer")))
    for scorer in (metric(42.0), judged(("is short", "is right"))):
        run = lab.run(network, f"task {scorer}", scorer=scorer)
        (scored,) = lab.events(run, Scored).values()
        assert run.loss.score == scored.score > 0.5
        same(lab, run)
        again, differences = lab.replay(run, scorer=scorer)
        assert (differences, again.loss) == ((), run.loss)


def test_an_answer_that_cannot_be_scored_is_kept(lab: Lab) -> None:
    lab.script = Cast({"You grade": ServerError("down"), "writer": "42"})
    network = graph(layer("say", speaker("writer")))
    failed = lab.run(network, scorer=judged(("is short",)))
    assert (failed.status, failed.answer.text, failed.error.kind) == ("failed", "42", "server_error")
    broke = lab.run(network, "another", scorer=judged(("is short",)), budget=Budget(calls=1))
    assert (broke.status, broke.answer.text, broke.loss) == ("budget_exhausted", "42", None)


def test_functions_are_not_called_again_whatever_they_look_at(lab: Lab) -> None:
    dice = random.Random()

    @function("dice")
    def throw(brief: Brief) -> str:
        if brief.task == "fail":
            raise OSError(f"no dice {dice.random()}")
        return f"thrown {dice.random()}"

    network = graph(layer("throw", agent("dice", "", function="dice")))
    for task in ("throw", "fail"):
        same(lab, lab.run(network, task))


def test_a_replay_says_what_the_log_lacks(lab: Lab) -> None:
    lab.script = Cast({"writer": "hello"})
    run = lab.run(graph(layer("say", speaker("writer"))))
    lab.store.flush()
    with lab.store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE key LIKE '%model#0'")
    with pytest.raises(NotRecorded, match="the log holds no call at layer/say/agent/writer/turn/0/model#0"):
        lab.replay(run)


def test_a_router_or_a_team_hides_no_gap_of_the_log(lab: Lab) -> None:
    from agents import TeamSpec
    from agents.spec import LayerSpec

    lab.script = Cast({"Choose": json.dumps({"reason": "", "choice": "b"}), "x": "1", "y": "2"})
    teams = (TeamSpec(id="a", agents=(speaker("x"),)), TeamSpec(id="b", agents=(speaker("y"),)))
    run = lab.run(GraphSpec(layers=(LayerSpec(id="w", teams=teams),)))
    lab.store.flush()
    with lab.store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE key LIKE '%route/model#0'")
    with pytest.raises(NotRecorded):
        lab.replay(run)


def test_what_has_its_answer_cannot_be_resumed_and_what_is_alive_neither(lab: Lab) -> None:
    lab.script = Cast({"writer": "hello"})
    run = lab.run(graph(layer("say", speaker("writer"))))
    with pytest.raises(CannotResume, match=r"is finished \(answered\)"):
        wait(lab.runner.resume(run.run_id))
    alive = lab.store.start_run(task="t")
    with pytest.raises(CannotResume, match="was killed before it had begun"):
        wait(lab.runner.resume(alive.run_id))

    def meddle(request: ModelRequest) -> str:
        running = next(iter(lab.store._live))
        with pytest.raises(RunAlive):
            asking = lab.runner.resume(running)
            try:
                asking.send(None)
            finally:
                asking.close()
        return "done"

    alive.release()
    lab.script = meddle
    assert get_run(lab.store, lab.run(graph(layer("say", speaker("w"))), "again").run_id).status == "answered"


@given(st.text(max_size=3000), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_an_answer_reads_back_as_it_was(text: str, number: float, refused: bool) -> None:
    values = (Quantity(expression="a.x", value=number, unit="MW"), Quantity(expression="a.y", value="west"))
    evidence = (Evidence(name="a", tool="kiln", arguments={"x": [number]}, output="0" * 32, shown={"y": None}),)
    answer = Answer(text=text, values=values, evidence=evidence, refused=refused)
    log = MemoryLog()
    assert Answer.load(log.text, answer.keep(log)) == answer
