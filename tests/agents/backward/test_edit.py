"""Every edit has an exact inverse, is JSON, and either gives a graph that can run or says why not."""

import os
import random
from collections import Counter

import pytest

from agents import GraphSpec, SpecError, agent, graph, layer
from agents.backward.edit import (
    AddAgent,
    AddEdge,
    AnyEdit,
    Edit,
    MergeLayers,
    RemoveAgent,
    RemoveLayer,
    Rewire,
    SetParam,
    SetPrompt,
    SplitLayer,
    apply_all,
    edits_from_json,
    edits_to_json,
    invert_all,
)
from tests.agents.backward.graphs import some_edit, some_graph

MANY = 10_000 if os.environ.get("BACKPROSE_THOROUGH") else 1_500


def test_every_operation_inverts_exactly_on_random_graphs() -> None:
    seen: Counter[str] = Counter()
    for seed in range(MANY):
        dice = random.Random(seed)
        before = some_graph(dice)
        edit = some_edit(dice, before)
        after = edit.apply(before)
        assert edit.inverse(before).apply(after).canonical() == before.canonical(), (seed, edit)
        seen[edit.op] += 1
    assert len(seen) == len(AnyEdit.__origin__.__args__)  # type: ignore[attr-defined]
    assert min(seen.values()) >= MANY // 500


def test_a_sequence_of_edits_is_undone_by_the_reversed_inverses() -> None:
    for seed in range(100):
        dice = random.Random(seed)
        start = now = some_graph(dice)
        made: list[Edit] = []
        for _ in range(6):
            made.append(some_edit(dice, now))
            now = made[-1].apply(now)
        assert apply_all(start, made).hash == now.hash
        assert apply_all(now, invert_all(start, made)).canonical() == start.canonical()


def test_edits_survive_json() -> None:
    dice = random.Random(1)
    for _ in range(200):
        edits = (some_edit(dice, some_graph(dice)),)
        assert edits_from_json(edits_to_json(edits)) == edits


def small() -> GraphSpec:
    team = [agent("a", "first"), agent("b", "second"), agent("c", "third")]
    return graph(
        layer("one", *team, combine="sequential", edges=(("a", "b"), ("b", "c"))),
        layer("two", agent("d", "fourth")),
        layer("three", agent("e", "fifth")).model_copy(update={"inputs": ("one", "two")}),
    )


def test_who_heard_a_removed_agent_hears_what_it_heard() -> None:
    after = RemoveAgent(layer="one", agent="b").apply(small())
    assert after.layers[0].teams[0].edges == (("a", "c"),)


def test_who_read_a_removed_layer_reads_what_it_read() -> None:
    assert RemoveLayer(layer="two").apply(small()).layers[1].inputs == ("one",)
    chained = Rewire(layer="two", inputs=("one",)).apply(small())
    assert RemoveLayer(layer="two").apply(chained).layers[1].inputs == ("one",)


def test_readers_follow_a_split_and_a_merge() -> None:
    half = layer("half", agent("x", "half"))
    split = SplitLayer(layer="two", first=half, second=layer("rest", agent("y", "rest"))).apply(small())
    assert [x.id for x in split.layers] == ["one", "half", "rest", "three"]
    assert split.layers[3].inputs == ("one", "rest")
    merged = MergeLayers(layer="one", second="two", whole=half).apply(small())
    assert [(x.id, x.inputs) for x in merged.layers] == [("half", ()), ("three", ("half",))]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (SetPrompt(layer="nowhere", agent="a", prompt="x"), "there is no layer nowhere; there are one, two, three"),
        (SetPrompt(layer="one", agent="z", prompt="x"), "there is no agent z; there are a, b, c"),
        (AddEdge(layer="one", source="c", target="a"), "circle"),
        (AddEdge(layer="one", source="a", target="b"), "b sees a already"),
        (AddAgent(layer="two", spec=agent("x", "x")), "say how to combine"),
        (RemoveAgent(layer="two", agent="d"), "last agent"),
        (Rewire(layer="one", inputs=("two",)), "no earlier layer"),
        (MergeLayers(layer="one", second="three", whole=layer("w", agent("x", "x"))), "only neighbours merge"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(edit: Edit, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        edit.apply(small())


def test_a_parameter_names_its_owner() -> None:
    with pytest.raises(SpecError, match="temperature belongs to an agent; say which"):
        SetParam(layer="one", name="temperature", value=0.5)
    with pytest.raises(SpecError, match="temperature"):
        SetParam(layer="one", agent="a", name="temperature", value=9).apply(small())
