"""The scheduler inside a layer: nobody waits for anybody but its parents, and nobody sinks with its colleague."""

import asyncio
import random
import time

import pytest

from agents import Brief, agent, function, graph, layer
from agents.models import ServerError
from store.events import AgentFailed, AgentStarted
from tests.agents.lab import Cast, Lab, speaker

NAPS: dict[str, float] = {}  # by name of the agent


async def nap(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "rested"


def sleeper(name: str, seconds: float) -> object:
    """An agent that sleeps, in seconds."""

    @function(f"nap {name}")
    async def sleep(brief: Brief) -> str:
        return await nap(seconds)

    return agent(name, "", function=f"nap {name}")


def wall(lab: Lab, network: object, tries: int = 3) -> float:
    """The least of several runs' seconds: what else the machine does can only add to it."""
    lab.run(graph(layer("warm", sleeper("warm", 0.0))), "warm up")
    taken = []
    for k in range(tries):
        started = time.perf_counter()
        assert lab.run(network, f"task {k}").status == "answered"
        taken.append(time.perf_counter() - started)
    return min(taken)


def test_a_thousand_agents_that_sleep_a_tenth_of_a_second_take_little_more(lab: Lab) -> None:
    team = [sleeper(f"s{k}", 0.1) for k in range(1000)]
    assert wall(lab, graph(layer("wide", *team, combine="majority"))) < 1.5  # 0.2 s on a quiet machine


def test_a_thousand_model_calls_of_a_tenth_of_a_second_take_little_more(lab: Lab) -> None:
    async def slow(request: object) -> str:
        return await nap(0.1)

    lab.script = slow
    team = [speaker(f"s{k}") for k in range(1000)]
    assert wall(lab, graph(layer("wide", *team, combine="majority"))) < 3.0  # 0.5 s on a quiet machine


def test_a_fast_branch_is_not_held_back_by_a_slow_sibling(lab: Lab) -> None:
    """Fast: 3 agents of 0.1 s in a row; slow: one of 0.3 s beside them. Layer by layer it would take 0.5 s."""
    team = [*(sleeper(f"fast{k}", 0.1) for k in range(3)), sleeper("slow", 0.3)]
    edges = [("fast0", "fast1"), ("fast1", "fast2")]
    assert 0.3 <= wall(lab, graph(layer("both", *team, combine="majority", edges=edges))) < 0.4


@pytest.mark.alone
@pytest.mark.parametrize("seed", range(3))
def test_a_random_graph_takes_its_critical_path(lab: Lab, seed: int) -> None:
    dice = random.Random(seed)
    naps = [dice.uniform(0.01, 0.08) for _ in range(30)]
    edges = [(a, b) for b in range(30) for a in range(b) if dice.random() < 0.1]
    finished: list[float] = []
    for b in range(30):
        finished.append(naps[b] + max((finished[x] for x, y in edges if y == b), default=0.0))
    path = max(finished)
    network = graph(
        layer(
            "dag",
            *[sleeper(f"n{k}", s) for k, s in enumerate(naps)],
            combine="majority",
            edges=[(f"n{a}", f"n{b}") for a, b in edges],
        )
    )
    assert path <= wall(lab, network) < path * 1.05 + 0.1


def test_one_failed_agent_does_not_sink_its_team_and_its_child_still_runs(lab: Lab) -> None:
    lab.script = cast = Cast({"one": ServerError("down"), "two": "from two", "child": "from child"})
    team = [speaker("one"), speaker("two"), speaker("child")]
    edges = [("one", "child"), ("two", "child")]
    run = lab.run(graph(layer("work", *team, combine="majority", edges=edges)), attempts=1)
    assert (run.status, str(run)) == ("answered", "from child")
    (request,) = cast.to("child")
    assert [m.content for m in request.messages if m.content.startswith("From ")] == ["From two:\n\nfrom two"]
    assert [e.agent for e in lab.events(run, AgentFailed).values()] == ["one"]


def test_a_failed_last_agent_gives_way_to_the_last_that_succeeded(lab: Lab) -> None:
    lab.script = Cast({"one": "draft", "two": ServerError("down")})
    run = lab.run(graph(layer("work", speaker("one"), speaker("two"))), attempts=1)
    assert (run.status, str(run)) == ("answered", "draft")


@pytest.mark.parametrize(("quorum", "status"), [(1, "answered"), (2, "answered"), (3, "failed")])
def test_a_team_answers_when_its_quorum_does(lab: Lab, quorum: int, status: str) -> None:
    lab.script = Cast({"one": "yes", "two": ServerError("down"), "three": "yes"})
    team = [speaker(n) for n in ("one", "two", "three")]
    run = lab.run(graph(layer("vote", *team, combine="majority", quorum=quorum)), attempts=1)
    assert run.status == status
    if status == "failed":
        assert run.error.message == "layer vote: 1 of 3 agents failed (two: down)"
        assert str(run.answer.text) == "yes"  # what there was is kept


def test_parents_come_first_whatever_the_order_of_the_agents(lab: Lab) -> None:
    lab.script = Cast({"child": "c", "parent": "p"})
    network = graph(layer("work", speaker("child"), speaker("parent"), combine="majority", edges=[("parent", "child")]))
    run = lab.run(network)
    assert str(run) == "c"
    assert len(lab.events(run, AgentStarted)) == 2


def test_a_bug_in_the_engine_is_raised_as_what_it_is_and_leaves_the_run_to_be_resumed(lab: Lab) -> None:
    from store import get_run

    def broken(request: object) -> str:
        raise ZeroDivisionError("a bug")

    lab.script = broken
    with pytest.raises(ZeroDivisionError, match="a bug"):
        lab.run(graph(layer("work", speaker("one"), speaker("two"), combine="majority")))
    from store import list_runs

    lab.store.flush()
    (run,) = list_runs(lab.store).runs
    assert get_run(lab.store, run.id).status == "interrupted"
