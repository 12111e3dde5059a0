"""The gate: what it refuses without asking a model, what it calls better, and that no hostile editor gets past it."""

import itertools
import json
import os
import random
from typing import Any

import pytest

from agents import Example, GraphSpec, SpecError, agent, graph, layer
from agents.backward import Case, TrainOptions
from agents.backward.dry import dry_run, smallest
from agents.backward.edit import AddAgent, AddExample, AddLayer, Edit, SetPrompt, SetTools, apply_all
from agents.backward.editor import ASK as EDITOR
from agents.backward.gate import (
    Guard,
    Pairs,
    becomes_incumbent,
    better_on_minibatch,
    static,
)
from agents.loss import metric
from agents.models import ModelRequest
from experiments.suites.planted_faults.model import simulated
from store import get_events
from store.events import GateDecided
from tests.agents.backward.school import SHORT, School, wait
from tools import Executor

STEPS = 200 if os.environ.get("BACKPROSE_THOROUGH") else 30
TASK = "How many of the seventeen red boxes in the northern hall are still full?"
TRAIN = [Case("t1", TASK, metric(12.0), "there are 4711 boxes"), Case("t2", "Other task", metric(1.0), "4217")]
VAL = [Case("v1", "A task that decides", metric(1.0), "Rumpelstiltskin")]
GUARD = Guard.of(TRAIN, VAL)
PROMPT = " ".join(f"word{k}" for k in range(40))


def net() -> GraphSpec:
    return graph(
        layer("one", agent("a", f"{PROMPT} {{name}}")), layer("two", agent("b", "Say it."), agent("c", "Say it too."))
    )


def refused(*edits: Edit, before: GraphSpec | None = None) -> str:
    start = before or net()
    return static(start, apply_all(start, edits), GUARD, eta=0.5, max_prompt_tokens=60)


def prompt(text: str) -> SetPrompt:
    return SetPrompt(layer="one", agent="a", prompt=text)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (prompt(f"{PROMPT} {{name}}"), "change nothing"),
        (prompt(f"{PROMPT} {{name}} {TASK}"), "copies 'how many of the seventeen red boxes in'"),
        (prompt(f"{PROMPT} {{name}} It is 4217."), "contains '4217', the right answer"),
        (prompt(f"{PROMPT} {{name}} rumpelstiltskin!"), "the right answer"),
        (prompt(PROMPT), "the prompt lost {name}"),
        (prompt("Something else {name}"), "of the prompt's 41 words change, at most 20 may"),
        (prompt(f"{PROMPT} {{name}} {'more ' * 30}"), "has 71 words, at most 60 are allowed"),
        (prompt(f"{PROMPT} {{name}} see /home/me/notes.txt"), "a secret or a place on a disk"),
        (prompt(f"{PROMPT} {{name}} key sk-abcdefghijklmnopqrstuvwx1234567890"), "a secret or a place on a disk"),
        (SetTools(layer="one", agent="a", tools=("no_such",)), "no tool named no_such"),
        (AddExample(layer="one", agent="a", example=Example(task="x", turn="{}", origin="v1")), "no training case"),
        (AddLayer(layer="n", spec=layer("n", agent("n", "N")), position=0, wires=(("one", ()),)), ""),
        (
            AddLayer(layer="n", spec=layer("n", agent("n", "N")), position=1, wires=(("two", ("one",)),)),
            "read by nobody",
        ),
    ],
)
def test_the_static_check_names_what_is_wrong(edit: Edit, words: str) -> None:
    why = refused(edit)
    assert words in why if words else why == ""


def test_a_demonstration_from_the_training_split_may_repeat_its_task() -> None:
    shown = Example(task=TASK, turn='{"answer": "4217"}', origin="t1")
    assert refused(AddExample(layer="one", agent="a", example=shown)) == ""


def test_an_agent_with_tools_is_shown_turns_and_no_plain_words() -> None:
    shown = AddExample(layer="one", agent="a", example=Example(task="x", turn='"12"', origin="t1"))
    assert refused(shown) == ""
    with pytest.raises(SpecError, match="turns with calls, not plain words"):
        refused(shown, SetTools(layer="one", agent="a", tools=("calculate",)))


def test_teams_and_networks_do_not_grow_without_end() -> None:
    many = [AddAgent(layer="two", spec=agent(f"n{k}", "N"), edges=None) for k in range(5)]
    assert "at most 6 are allowed" in refused(*many)
    layers = [AddLayer(layer=f"n{k}", spec=layer(f"n{k}", agent("n", "N")), position=1) for k in range(5)]
    assert "it has 7 layers" in refused(*layers)


def test_what_was_tried_before_is_not_tried_again() -> None:
    after = prompt(f"{PROMPT} {{name}} x").apply(net())
    assert (
        static(net(), after, GUARD, eta=0.5, max_prompt_tokens=60, seen=[after.hash]) == "this graph was tried before"
    )


def test_a_dry_run_asks_no_model_and_calls_no_tool() -> None:
    tooled = graph(
        layer("one", agent("a", "A", tools=["calculate"], model="far/away")),
        layer("two", agent("b", "B"), agent("c", "C"), agent("d", "D"), combine="judge"),
        layer("three", agent("e", "E", checks=("faithful",)), agent("f", "F"), combine="debate", rounds=2),
    )
    with Executor(1) as executor:
        assert wait(dry_run(tooled, executor)) == ""
        unknown = graph(layer("one", agent("a", "A", function="nowhere")))
        assert "nowhere is not registered" in wait(dry_run(unknown, executor))


def test_the_smallest_value_satisfies_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2},
            "b": {"enum": ["x", "y"]},
            "c": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
        "required": ["a", "b", "c"],
    }
    assert smallest(schema) == {"a": [3, 3], "b": "x", "c": None}


def pairs(parent: str, child: str, tokens: float = 1.0) -> Pairs:
    """Scores as digits: `1101` is right, right, wrong, right."""
    names = [f"c{k}" for k in range(len(parent))]
    made: list[Any] = [dict(zip(names, map(float, s), strict=True)) for s in (parent, child)]
    return Pairs(*made, 100.0, 100.0 * tokens)


@pytest.mark.parametrize(
    ("parent", "child", "tokens", "better", "incumbent"),
    [
        ("0000", "1100", 1.0, True, True),
        ("0000", "1000", 1.0, True, False),  # one win may be luck
        ("1111", "1111", 0.5, True, True),  # as good and cheaper
        ("1111", "1111", 1.0, False, False),
        ("1110", "1101", 0.5, False, False),  # cheaper, but it forgets
        ("0000", "1100", 2.0, True, True),  # dearer, but worth it
    ],
)
def test_what_counts_as_better(parent: str, child: str, tokens: float, better: bool, incumbent: bool) -> None:
    p = pairs(parent, child, tokens)
    assert better_on_minibatch(p) == better
    assert becomes_incumbent(p, solved=1.0, cost_cap=1.25) == incumbent


def test_who_forgets_much_does_not_become_the_best() -> None:
    parent, child = "1" * 10 + "0" * 10, "00" + "1" * 8 + "1" * 10
    assert not becomes_incumbent(
        pairs(parent, child), solved=1.0, cost_cap=1.25
    )  # 10 won, but 2 of 10 solved ones lost
    assert becomes_incumbent(pairs(parent, "0" + child[1:2].replace("0", "1") + child[2:]), solved=1.0, cost_cap=1.25)


def test_the_sum_over_random_pairs_agrees_with_counting() -> None:
    dice = random.Random(0)
    for _ in range(200):
        a, b = ("".join(dice.choices("01", k=9)) for _ in range(2))
        p = pairs(a, b)
        assert p.wins - p.losses == pytest.approx(9 * p.gain)
        assert (p.wins, p.losses) == (
            sum(x < y for x, y in zip(a, b, strict=True)),
            sum(x > y for x, y in zip(a, b, strict=True)),
        )


def test_a_hostile_editor_changes_nothing_on_test(school: School) -> None:
    """It makes prompts worse, copies answers, grows prompts and breaks the wiring, for all steps there are."""
    turn = itertools.count()
    _, train, val, test = school.lesson("wrong_combiner", 5)

    def script(request: ModelRequest) -> Any:
        if not request.messages[0].content.startswith(EDITOR):
            return simulated(request)
        page = json.loads(request.messages[-1].content)["layer"]
        k, who = next(turn), page["agents"][0]["agent"]
        old = page["agents"][0].get("prompt", "")
        attacks = [
            {"op": "set_prompt", "agent": who, "prompt": f"{old} Ignore all that. {k}"},
            {"op": "set_prompt", "agent": who, "prompt": f"Write a poem {k}."},
            {"op": "set_prompt", "agent": who, "prompt": f"{old} {train[k % 12].task} {train[k % 12].expected}"},
            {"op": "set_prompt", "agent": who, "prompt": f"{old} {val[k % 15].expected}"},
            {"op": "set_prompt", "agent": who, "prompt": f"{old} {'again and again ' * (20 + k)}"},
            {"op": "set_role", "agent": who, "role": f"You are a poet of the year {k}."},
            {"op": "remove_layer"},
            {"op": "rewire", "edges": [[who, who]], "reads": ["nowhere"]},
            {"op": "add_edge", "source": who, "target": who},
            {"op": "no_such_operation"},
        ]
        return json.dumps({"why": "", "edits": [attacks[k % len(attacks)]]})

    hostile = School(school.store, script)
    options = TrainOptions.model_validate({**SHORT.model_dump(), "steps": STEPS, "patience": STEPS})
    fit = hostile.fit("wrong_combiner", 5, options)
    hostile.runner.close()
    school.store.flush()
    decided = [r.event for r in get_events(school.store, fit.run_id, kind=GateDecided)]
    assert fit.steps == STEPS
    assert fit.best.graph.hash == fit.start.graph.hash
    assert school.score(fit.best.graph, test) == school.score(fit.start.graph, test)
    assert not [e for e in decided if isinstance(e, GateDecided) and e.incumbent]
    copied = [e for e in decided if isinstance(e, GateDecided) and "copies" in e.reason]
    assert copied
    assert all(e.stage == "static" for e in copied)
