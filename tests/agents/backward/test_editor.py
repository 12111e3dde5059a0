"""What an editor writes becomes an edit of the graph as it stands, or a reason why not; the playbook needs no editor."""

import json
import random
from typing import Any

import pytest

from agents import Example, GraphSpec, RunOptions, agent, graph, layer
from agents.backward import Case
from agents.backward.edit import Edit, apply_all
from agents.backward.editor import OPERATIONS, CannotEdit, Means, operation_schemas, realise
from agents.backward.gate import Guard, static
from agents.backward.parts import find_layer
from agents.backward.playbook import moves
from agents.backward.rollout import Bench
from agents.context import Context
from agents.loss import metric
from agents.models import Scripted
from agents.prompt import Brief, messages
from agents.run import Runner
from agents.spec import SpecError
from experiments.systems.random_edits import random_value
from tests.agents.backward.school import School, wait


def net() -> GraphSpec:
    shown = Example(task="2 + 2?", turn='"4"', origin="t0")
    team = [agent("a", "First."), agent("b", "Second.", examples=(shown,)), agent("c", "Third.")]
    return graph(
        layer("read", agent("reader", "Read it.")),
        layer("work", *team, combine="majority", edges=(("a", "c"),)),
        layer("say", agent("sayer", "Say it. Say it well.")).model_copy(update={"inputs": ("read", "work")}),
    )


@pytest.fixture
def means(school: School) -> tuple[Means, Context]:
    """What an editor may use, with one case that the network solved."""
    runner = Runner(school.store, {"m": Scripted(lambda request: "it is 12")})
    ctx = runner.context(school.store.start_run(task="t"), RunOptions(model="m"))
    (done,) = wait(Bench(ctx, 1).run(net(), [Case("t1", "How much is 3 * 4?", metric(12.0))]))
    assert done.score == 1
    return Means(models=("small",), tools=("calculate",), solved=(done,)), ctx


def said(op: str, layer_id: str, means: tuple[Means, Context], **words: Any) -> tuple[Edit, ...]:
    return realise(net(), layer_id, {"op": op, **words}, *means)


def after(op: str, layer_id: str, means: tuple[Means, Context], **words: Any) -> GraphSpec:
    return apply_all(net(), said(op, layer_id, means, **words))


def test_every_operation_is_offered_somewhere_and_its_random_words_make_an_edit_or_say_why_not(
    means: tuple[Means, Context],
) -> None:
    made: set[str] = set()
    for seed in range(600):
        dice = random.Random(seed)
        place = dice.choice(net().layers)
        forms = operation_schemas(net(), place, means[0], tuple(OPERATIONS))
        words = random_value(forms[dice.choice(sorted(forms))], dice)
        try:
            edits = realise(net(), place.id, words, *means)
            apply_all(net(), edits)
        except (CannotEdit, SpecError):
            continue
        made |= {e.op for e in edits}
    assert made >= set(OPERATIONS)


def test_a_new_agent_brings_the_combiner_that_the_team_then_needs(means: tuple[Means, Context]) -> None:
    words = {"name": "new", "role": "", "prompt": "New.", "tools": [], "hears": [], "combiner": "majority"}
    team = after("add_agent", "read", means, **words).layers[0].teams[0]
    assert (team.aggregator, [a.id for a in team.agents]) == ("majority", ["reader", "new"])
    hearing = after("add_agent", "work", means, **{**words, "hears": ["b", "c"]}).layers[1].teams[0]
    assert hearing.sinks == ("new",)


def test_a_layer_behind_another_is_read_in_its_place(means: tuple[Means, Context]) -> None:
    words = {"name": "check", "where": "after", "role": "", "prompt": "Check.", "tools": []}
    found = after("add_layer", "work", means, **words)
    assert [x.id for x in found.layers] == ["read", "work", "check", "say"]
    assert found.layers[3].inputs == ("read", "check")
    assert after("add_layer", "read", means, **{**words, "where": "before"}).layers[0].id == "check"


def test_a_split_layer_hears_all_that_the_whole_heard(means: tuple[Means, Context]) -> None:
    found = after("split_layer", "say", means, first_prompt="Say it.", second_name="well", second_prompt="Say it well.")
    assert [(x.id, x.inputs) for x in found.layers[2:]] == [
        ("say", ("read", "work")),
        ("well", ("read", "work", "say")),
    ]


def test_merged_layers_work_in_sequence(means: tuple[Means, Context]) -> None:
    whole = after("merge_layers", "work", means).layers[-1]
    assert whole.teams[0].aggregator == "sequential"
    assert [a.id for a in whole.teams[0].agents] == ["a", "b", "c", "sayer"]


def test_a_demonstration_is_the_agent_s_own_turn_from_a_training_case(means: tuple[Means, Context]) -> None:
    example = after("add_example", "say", means, agent="sayer", case="t1").layers[2].teams[0].agents[0].examples[0]
    assert (example.task, json.loads(example.turn), example.origin) == ("How much is 3 * 4?", "it is 12", "t1")
    shown = messages(agent("x", "X", examples=(example,)), Brief("2 + 3?"), ())
    assert [m.content for m in shown[1:]] == [
        "How much is 3 * 4?",
        "it is 12",
        "2 + 3?",
    ]  # plain words, as it spoke them
    with pytest.raises(CannotEdit, match="case t9 was not solved"):
        said("add_example", "say", means, agent="sayer", case="t9")


@pytest.mark.parametrize(
    ("op", "layer_id", "words", "why"),
    [
        ("set_prompt", "read", {"agent": "nobody", "prompt": "x"}, "there is no agent nobody"),
        ("set_prompt", "read", {"agent": "reader"}, "'prompt'"),
        ("set_param", "read", {"agent": "reader", "name": "temperature", "value": "hot"}, "hot"),
        ("rewire", "work", {"edges": [["a"]], "reads": []}, "unpack"),
        ("remove_example", "read", {"agent": "reader", "position": -1}, "position"),
        ("fly", "read", {}, "fly is no operation"),
    ],
)
def test_words_that_make_no_edit_say_why(
    means: tuple[Means, Context], op: str, layer_id: str, words: dict[str, Any], why: str
) -> None:
    with pytest.raises((CannotEdit, SpecError), match=why):
        apply_all(net(), said(op, layer_id, means, **words))


def test_the_playbook_demonstrates_thinks_votes_and_looks_again(means: tuple[Means, Context]) -> None:
    everything = tuple(OPERATIONS)
    start = net()
    found = list(moves(start, find_layer(start, "say"), means[0], everything, means[1]))
    assert [m[0].op for m in found] == ["add_example", "set_fields", "add_layer"]
    thinking = apply_all(start, found[1])
    votes = next(m for m in moves(thinking, find_layer(thinking, "say"), means[0], everything, means[1]) if len(m) > 3)
    team = apply_all(thinking, votes).layers[2].teams[0]
    assert (team.aggregator, {a.temperature for a in team.agents}) == ("majority", {0.7})
    guard = Guard.of([r.case for r in means[0].solved], [])
    for move in found:
        assert static(start, apply_all(start, move), guard, eta=0.5, max_prompt_tokens=400) == ""
    assert [m[0].op for m in moves(start, find_layer(start, "say"), means[0], ("set_fields",), means[1])] == [
        "set_fields"
    ]
