"""Routing: which team of a pool runs, by which tier, and for what reason; learned from scored runs, recorded for a replay."""

import json
from dataclasses import replace

import pytest

from agents import Answer, GraphSpec, LayerSpec, RunOptions, TeamSpec
from agents.context import Record
from agents.loss import Loss
from agents.models import Truncated
from agents.records import Records
from agents.route import Route, route
from store.events import Planned, Routed
from tests.agents.lab import Cast, Lab, speaker, wait

ROUTER = "Choose the team"


def pool(*names: str, **settings: object) -> LayerSpec:
    return LayerSpec(
        id="work", goal="do it", teams=tuple(TeamSpec(id=n, agents=(speaker(n),)) for n in names), **settings
    )


def choice(team: str) -> str:
    return json.dumps({"reason": "it is quick", "choice": team})


def routed(lab: Lab, run: object) -> Routed:
    (event,) = lab.events(run, Routed).values()
    assert isinstance(event, Routed)
    return event


def decide(lab: Lab, layer: LayerSpec, **records: Record) -> Route:
    ctx = lab.runner.context(lab.store.start_run(task="t"), RunOptions(model="scripted"))
    by_hash = {layer.team(name).hash: record for name, record in records.items()}
    return wait(route(layer, replace(ctx, teams=by_hash, task_kind="sums"), "at"))


def test_a_single_team_and_a_pinned_team_run_without_a_question(lab: Lab) -> None:
    assert decide(lab, pool("one")).tier == "only"
    pinned = decide(lab, pool("one", "two", pin="two"), one=Record(99, 1.0), two=Record(99, 0.0))
    assert (pinned.team.id, pinned.tier) == ("two", "pin")
    assert lab.model.calls == 0


def test_a_model_chooses_while_records_are_few_and_its_reason_is_kept(lab: Lab) -> None:
    lab.script = Cast({ROUTER: choice("two"), "one": "1", "two": "2"})
    run = lab.run(GraphSpec(layers=(pool("one", "two"),)))
    event = routed(lab, run)
    assert (str(run), event.team, event.tier, event.reason) == ("2", "two", "router", "it is quick")


def test_the_routers_choice_is_asked_once_for_a_kind_of_task(lab: Lab) -> None:
    lab.script = cast = Cast({ROUTER: choice("two"), "one": "1", "two": "2"})
    network = GraphSpec(layers=(pool("one", "two"),), name="sums")
    for task in ("1 + 1", "2 + 2", "3 + 3"):
        assert routed(lab, lab.run(network, task)).team == "two"
    assert (cast.spoken[ROUTER], cast.spoken["two"]) == (1, 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (Truncated("cut off"), "the router gave no choice: truncated"),
        ("no JSON", "the router gave no choice: unparsable"),
        (choice("three"), "the router named 'three', which is no team"),
    ],
)
def test_where_the_router_fails_the_first_team_runs(lab: Lab, line: object, reason: str) -> None:
    lab.script = Cast({ROUTER: line, "one": "1", "two": "2"})
    run = lab.run(GraphSpec(layers=(pool("one", "two"),)))
    event = routed(lab, run)
    assert (str(run), event.team, event.tier, event.reason) == ("1", "one", "default", reason)
    assert lab.replay(run)[1] == ()


def test_records_decide_once_every_team_was_scored_eight_times(lab: Lab) -> None:
    lab.script = Cast({ROUTER: choice("one")})
    assert decide(lab, pool("one", "two"), one=Record(8, 0.2), two=Record(7, 0.9)).tier == "router"
    learned = decide(lab, pool("one", "two"), one=Record(8, 0.2), two=Record(8, 0.9))
    assert (learned.team.id, learned.tier) == ("two", "bandit")
    assert learned.reason == "one 0.494, two 1.194"  # score + 0.5 sqrt(ln 16 / 8)


def test_the_bandit_is_deterministic_explores_what_is_rare_and_counts_tokens(lab: Lab) -> None:
    layer = pool("one", "two")
    rare = {"one": Record(1000, 0.6), "two": Record(8, 0.5)}
    assert {decide(lab, layer, **rare).team.id for _ in range(5)} == {"two"}
    dear = {"one": Record(100, 0.60, 100.0), "two": Record(100, 0.65, 20_000.0)}
    assert decide(lab, layer, **dear).team.id == "one"
    equal = {"one": Record(100, 0.6), "two": Record(100, 0.6)}
    assert decide(lab, layer, **equal).team.id == "one"


def test_scored_runs_teach_the_route_and_a_replay_knows_only_what_the_run_knew(lab: Lab) -> None:
    async def two_is_right(task: str, answer: Answer, ctx: object) -> Loss:
        return Loss(float(answer.text == "2"), "", "test")

    choices = iter([choice(n) for n in ("one", "two") * 8])
    lab.script = Cast({ROUTER: lambda _: next(choices), "one": "1", "two": "2"})
    network = GraphSpec(layers=(pool("one", "two"),))
    runs = [lab.run(network, f"task {k}", seed=k, scorer=two_is_right) for k in range(17)]
    assert [routed(lab, r).tier for r in runs] == ["router"] * 16 + ["bandit"]
    assert routed(lab, runs[-1]).team == "two"
    known = Records.of(lab.store, network).teams
    assert {n: known[network.layers[0].team(n).hash].uses for n in ("one", "two")} == {"one": 8, "two": 9}
    for run in (runs[0], runs[9], runs[-1]):  # since then more was learned
        again, differences = lab.replay(run)
        assert (differences, again.answer) == ((), run.answer)
    (planned,) = lab.events(runs[-1], Planned).values()
    assert isinstance(planned, Planned)
    assert Records.from_json(lab.store.text(planned.records)).teams[network.layers[0].team("two").hash].uses == 8
