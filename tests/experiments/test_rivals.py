"""Rival optimisers, GEPA, DSPy and TextGrad with revert: they mend what they can, keep the budget, and never keep what is worse.

The tasks are orders of the simulated trade, whose agents depend on what they are told; critics and writers are scripted.
"""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agents import Budget, GraphSpec, Runner, RunOptions, agent, graph, layer
from agents.backward import Case, TrainOptions
from agents.backward.gate import agents_of
from agents.loss import checked
from agents.models import ModelRequest, Scripted, Unreachable
from experiments.learning.methods import METHODS, Improved
from experiments.learning.planted import accuracy
from experiments.suites.planted_faults.families import PRICE, Family, cases, planted
from experiments.suites.planted_faults.model import simulated
from experiments.systems.textgrad_revert import CRITICISE, REWRITE
from store import Store, get_events, list_runs
from store.events import GateDecided, ModelCalled

Script = Callable[[ModelRequest], Any]
RIVALS = ("textgrad", "dspy", "gepa")
GUESTS = ("dspy", "gepa")
FAMILY: Family = planted("wrong_prompt", 0)
TRAIN, VAL, TEST = cases(FAMILY, 0)
WRONG = next(a.prompt for _, _, a in agents_of(FAMILY.faulty) if a.id == "pricer")
NONSENSE = "Sing."
REFLECT = "I provided an assistant"  # so GEPA begins


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"{tmp_path}/runs.db") as opened:
        yield opened


def language(wanted: Callable[[str], str]) -> Script:
    """A model that does the work as the simulated one does, and whose instructions are `wanted(those it is shown)`."""

    def script(request: ModelRequest) -> str:
        asked, given = request.messages[0].content, request.messages[-1].content
        if asked.startswith(CRITICISE):
            return json.dumps({"feedback": "The amount is wrong because of the instructions."})
        if asked.startswith(REWRITE):
            return json.dumps({"improved_instructions": wanted(json.loads(given)["instructions"])})
        if asked.startswith(REFLECT):
            return f"```\n{wanted(given.split('```')[1].strip())}\n```"
        fields = (request.answer_schema or {}).get("properties", {})
        if "proposed_instruction" in fields:
            basic = given.split("[[ ## basic_instruction ## ]]")[1].split("[[ ##")[0].strip()
            return json.dumps({"proposed_instruction": wanted(basic)})
        if len(fields) == 1 and (name := next(iter(fields))) in ("observations", "summary"):
            return json.dumps({name: "Orders of goods."})
        return simulated(request)

    return script


def mended(prompt: str) -> str:
    return PRICE if prompt == WRONG else prompt


def spoilt(prompt: str) -> str:
    return NONSENSE


def improve(
    store: Store,
    method: str,
    script: Script,
    *,
    start: GraphSpec = FAMILY.faulty,
    learn: list[Case] = TRAIN,
    decide: list[Case] = VAL,
    tokens: int = 30_000,
    rollouts: int | None = 150,
) -> Improved:
    runner = Runner(store, {"simulated": Scripted(script)})
    run = RunOptions(model="simulated", budget=Budget(tokens=tokens), backoff_s=0.0, attempts=1)
    try:
        return asyncio.run(METHODS[method](runner, start, learn, decide, run, TrainOptions(rollouts=rollouts)))
    finally:
        runner.close()


def on_test(store: Store, spec: GraphSpec) -> float:
    runner = Runner(store, {"simulated": Scripted(simulated)})
    try:
        return asyncio.run(accuracy(runner, spec, TEST))
    finally:
        runner.close()


@pytest.mark.parametrize("method", RIVALS)
def test_a_prompt_that_is_wrong_is_mended(store: Store, method: str) -> None:
    assert on_test(store, FAMILY.faulty) == 0.0
    made = improve(store, method, language(mended))
    assert on_test(store, made.graph) == 1.0
    assert "pricer" in {a.id for _, _, a in agents_of(made.graph) if a.prompt == PRICE}


@pytest.mark.parametrize("method", RIVALS)
def test_instructions_that_make_it_worse_are_not_kept(store: Store, method: str) -> None:
    made = improve(store, method, language(spoilt), start=FAMILY.healthy, learn=[_failing(TRAIN[0]), *TRAIN[1:]])
    assert on_test(store, made.graph) == 1.0
    assert NONSENSE not in {a.prompt for _, _, a in agents_of(made.graph)}


def _failing(case: Case) -> Case:
    """A case that nobody can solve, so that there is something to learn from."""
    return replace(case, scorer=checked(lambda task, answer: (0.0, "wrong")))


@pytest.mark.parametrize("method", RIVALS)
@pytest.mark.parametrize("tokens", [6_000, 12_000])
def test_the_budget_is_spent_and_never_exceeded(store: Store, method: str, tokens: int) -> None:
    made = improve(store, method, language(spoilt), tokens=tokens, rollouts=None)
    (run,) = list_runs(store).runs
    calls = [r.event for r in get_events(store, run.id, kind=ModelCalled) if isinstance(r.event, ModelCalled)]
    spent = sum(c.prompt_tokens + c.completion_tokens for c in calls if not c.cached)
    assert 0.8 * tokens < spent <= tokens
    assert spent == made.tokens
    assert run.status in ("answered", "budget_exhausted")


def test_when_the_budget_ends_the_search_the_best_so_far_comes_back(store: Store) -> None:
    decide = [_failing(VAL[0]), *VAL[1:]]  # so that there is always something left to win
    made = improve(store, "dspy", language(mended), decide=decide, tokens=23_000, rollouts=None)
    assert "the budget of 23000 tokens is exhausted" in made.reason
    assert on_test(store, made.graph) == 1.0


@pytest.mark.parametrize("method", RIVALS)
def test_rollouts_are_counted_and_bounded(store: Store, method: str) -> None:
    assert improve(store, method, language(spoilt), rollouts=60).rollouts <= 60


@pytest.mark.parametrize("method", RIVALS)
def test_the_same_seed_gives_the_same_network(tmp_path: Path, method: str) -> None:
    found = []
    for k in range(2):
        with Store.open(f"{tmp_path}/{k}.db") as store:
            found.append(improve(store, method, language(mended)))
    assert (found[0].graph, found[0].tokens) == (found[1].graph, found[1].tokens)


# TextGrad


def test_a_step_is_kept_where_validation_is_not_worse_and_reverted_where_it_is(store: Store) -> None:
    exact = f"{PRICE} Be exact."

    def first_harmless_then_harmful(prompt: str) -> str:
        return {PRICE: exact, exact: NONSENSE}.get(prompt, prompt)

    made = improve(
        store,
        "textgrad",
        language(first_harmless_then_harmful),
        start=FAMILY.healthy,
        learn=[_failing(TRAIN[0]), *TRAIN[1:]],
    )
    decided = [r.event for r in get_events(store, made.run_id, kind=GateDecided) if isinstance(r.event, GateDecided)]
    assert [(d.stage, d.accepted) for d in decided[:2]] == [("validation", True), ("validation", False)]
    assert "minibatch" not in {d.stage for d in decided}
    assert {a.prompt for _, _, a in agents_of(made.graph)} - {a.prompt for _, _, a in agents_of(FAMILY.healthy)} == {
        exact
    }


def test_criticism_walks_back_from_the_last_agent_to_the_first(store: Store) -> None:
    told: dict[str, dict[str, Any]] = {}

    def listen(request: ModelRequest) -> str:
        if request.messages[0].content.startswith(CRITICISE):
            given = json.loads(request.messages[-1].content)
            told.setdefault(given["instructions"], given)
            return json.dumps({"feedback": f"Feedback on: {given['instructions'][:20]}"})
        return str(language(mended)(request))

    improve(store, "textgrad", listen)
    prompts = {a.id: a.prompt for _, _, a in agents_of(FAMILY.faulty)}
    assert told[prompts["settler"]]["objections"][0].startswith("The whole answer scores 0 of 1")
    assert f"Feedback on: {prompts['settler'][:20]}" in told[prompts["pricer"]]["objections"][0]
    assert f"Feedback on: {WRONG[:20]}" in told[prompts["counter"]]["objections"][0]
    assert set(told) == set(prompts.values())


def test_who_rewrites_sees_no_right_answer(store: Store) -> None:
    given: list[str] = []
    secret = {c.expected.split("= ")[1] for c in (*TRAIN, *VAL)}

    def giving_away(request: ModelRequest) -> str:
        asked, page = request.messages[0].content, request.messages[-1].content
        if asked.startswith(CRITICISE):
            return json.dumps({"feedback": f"It should have said {json.loads(page)['wanted_in_the_end']}."})
        if asked.startswith(REWRITE):
            given.append(page)
        return str(language(mended)(request))

    improve(store, "textgrad", giving_away, rollouts=80)
    assert given
    assert "It should have said [the right answer]." in given[0]
    assert not any(answer in page for answer in secret for page in given)


# DSPy


def hinted(request: ModelRequest) -> str:
    """Doubles numbers: surely where it is shown how, else by its dice. It writes empty phrases for those who improve it."""
    fields = (request.answer_schema or {}).get("properties", {})
    if fields:
        return json.dumps(dict.fromkeys(fields, "Answer the question."))
    if request.messages[0].content.startswith(REFLECT):
        return "```\nAnswer the question.\n```"
    shown = sum(m.role == "assistant" for m in request.messages)
    number = int(request.messages[-1].content.split()[-1])
    return f"{2 * number}" if shown or random.Random(request.key()).random() < 0.4 else "I do not know."


def doubles(first: int, count: int) -> list[Case]:
    def case(k: int) -> Case:
        check = checked(lambda task, answer: (float(answer.text == f"{2 * k}"), "compared"))
        return Case(f"double-{k}", f"Twice the number {k}", check, f"{2 * k}")

    return [case(k) for k in range(first, first + count)]


DOUBLER = graph(layer("answer", agent("solver", "Double it.")), name="doubler")


def test_turns_that_went_well_become_demonstrations(store: Store) -> None:
    learn, decide = doubles(100, 12), doubles(200, 14)
    made = improve(store, "dspy", hinted, start=DOUBLER, learn=learn, decide=decide)
    ((_, _, solver),) = agents_of(made.graph)
    assert 1 <= len(solver.examples) <= 4
    tasks = {c.id: c.task for c in learn}
    for example in solver.examples:
        assert tasks[example.origin] == example.task  # of the training split, never of the cases that decide
        assert example.said == f"{2 * int(example.task.split()[-1])}"


@pytest.mark.parametrize("method", RIVALS)
def test_a_search_that_was_interrupted_goes_on_as_if_nothing_had_been(tmp_path: Path, method: str) -> None:
    def search(folder: str, stop_at: int = 0) -> tuple[Improved | None, int]:
        """What comes of it, and the calls that were made; the search is cancelled in call number `stop_at`."""
        calls = count(1)

        async def speak(request: ModelRequest) -> str:
            if next(calls) == stop_at:
                work.cancel()
                await asyncio.sleep(60)
            return language(mended)(request)

        async def main() -> Improved | None:
            nonlocal work
            work = asyncio.ensure_future(
                METHODS[method](
                    runner, FAMILY.faulty, TRAIN, VAL, run, TrainOptions(rollouts=100, parallel=1), name="it"
                )
            )
            try:
                return await work
            except asyncio.CancelledError:
                return None

        work: asyncio.Future[Improved]
        run = RunOptions(model="m", budget=Budget(tokens=40_000), backoff_s=0.0, attempts=1)
        with Store.open(f"{tmp_path}/{folder}.db") as store:
            runner = Runner(store, {"m": Scripted(speak)})
            try:
                return asyncio.run(main()), next(calls) - 1
            finally:
                runner.close()
                store.flush()
                statuses.append([r.status for r in list_runs(store).runs])

    statuses: list[list[str]] = []
    whole, made = search("whole")
    for stop_at in (made // 4, made // 2):
        assert search("parts", stop_at) == (None, stop_at)  # and not a call more
    again, _ = search("parts")
    assert whole and again
    assert replace(again, run_id="") == replace(whole, run_id="")
    assert [s for (s,) in statuses[1:]] == ["interrupted", "interrupted", statuses[0][0]]


@pytest.mark.parametrize("method", GUESTS)
def test_a_fault_of_the_engine_is_no_wrong_answer(store: Store, method: str) -> None:
    def broken(request: ModelRequest) -> str:
        raise ZeroDivisionError("a fault")

    with pytest.raises(ZeroDivisionError, match="a fault"):
        improve(store, method, broken, start=DOUBLER, learn=doubles(100, 12), decide=doubles(200, 14))
    store.flush()
    assert [r.status for r in list_runs(store).runs] == ["interrupted"]


@pytest.mark.parametrize("method", GUESTS)
def test_a_search_whose_model_was_out_of_reach_can_be_made_again(store: Store, method: str) -> None:
    def dropping(request: ModelRequest) -> Any:
        proposing = request.answer_schema or request.messages[0].content.startswith(REFLECT)
        return Unreachable("the line is down") if proposing else hinted(request)

    given: dict[str, Any] = {"start": DOUBLER, "learn": doubles(100, 12), "decide": doubles(200, 14)}
    with pytest.raises(Unreachable, match="the line is down"):
        improve(store, method, dropping, **given)
    assert improve(store, method, hinted, **given).reason
    store.flush()
    assert sorted(r.status for r in list_runs(store).runs) == ["answered", "failed"]


@pytest.mark.parametrize("method", GUESTS)
def test_without_any_reply_there_is_no_search(store: Store, method: str) -> None:
    with pytest.raises(Unreachable, match="the line is down"):
        improve(store, method, lambda request: Unreachable("the line is down"))


@pytest.mark.parametrize("method", GUESTS)
def test_a_model_that_cannot_write_instructions_leaves_the_network_as_good_as_it_was(store: Store, method: str) -> None:
    def silent(request: ModelRequest) -> str:
        proposing = request.answer_schema or request.messages[0].content.startswith(REFLECT)
        return "" if proposing else hinted(request)

    made = improve(store, method, silent, start=DOUBLER, learn=doubles(100, 12), decide=doubles(200, 14))
    ((_, _, solver),) = agents_of(made.graph)
    assert solver.prompt == "Double it."


def test_dspy_is_not_heard(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    improve(store, "dspy", hinted, start=DOUBLER, learn=doubles(100, 12), decide=doubles(200, 14), rollouts=60)
    assert capfd.readouterr() == ("", "")


def test_without_its_package_it_says_what_to_install(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'backprose\[dspy\]'"):
        improve(store, "dspy", hinted, start=DOUBLER, learn=doubles(100, 12), decide=doubles(200, 14))
