"""A spec is a value: it survives JSON, is named by its content, and cannot be made wrong."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import (
    AgentSpec,
    AnswerField,
    Example,
    GraphSpec,
    LayerSpec,
    RunOptions,
    SpecError,
    TeamSpec,
    agent,
    graph,
    layer,
)
from agents.spec import AGGREGATORS

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)
words = st.text(max_size=30)
fields = st.builds(AnswerField, name=st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), meaning=words)
examples = st.builds(Example, task=words, turn=st.dictionaries(words, words, max_size=2).map(json.dumps))


@st.composite
def agents_(draw: st.DrawFn, id: str) -> AgentSpec:
    return AgentSpec(
        id=id,
        prompt=draw(words),
        role=draw(words),
        tools=tuple(draw(st.lists(names, max_size=2))),
        model=draw(st.none() | words),
        fields=tuple(draw(st.lists(fields, max_size=2, unique_by=lambda f: f.name))),
        examples=tuple(draw(st.lists(examples, max_size=2))),
        temperature=draw(st.floats(0, 2)),
        max_turns=draw(st.integers(1, 20)),
    )


@st.composite
def teams(draw: st.DrawFn, id: str) -> TeamSpec:
    ids = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    pairs = [(a, b) for k, b in enumerate(ids) for a in ids[:k]]
    return TeamSpec(
        id=id,
        agents=tuple(draw(agents_(i)) for i in ids),
        edges=tuple(draw(st.lists(st.sampled_from(pairs), max_size=4))) if pairs else (),
        aggregator=draw(st.sampled_from([a for a in AGGREGATORS if a != "single"])),
        quorum=draw(st.integers(1, len(ids))),
        rounds=draw(st.integers(1, 4)),
    )


@st.composite
def graphs(draw: st.DrawFn) -> GraphSpec:
    ids = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    made = []
    for k, i in enumerate(ids):
        pool = draw(st.lists(names, min_size=1, max_size=2, unique=True))
        sources = draw(st.lists(st.sampled_from(ids[:k]), unique=True)) if k else []
        made.append(LayerSpec(id=i, goal=draw(words), teams=tuple(draw(teams(t)) for t in pool), inputs=tuple(sources)))
    return GraphSpec(layers=tuple(made), name=draw(words))


@settings(max_examples=50)
@given(graphs())
def test_a_graph_survives_json_and_keeps_its_hash(spec: GraphSpec) -> None:
    for text in (spec.canonical(), spec.model_dump_json(), spec.model_dump_json(exclude_defaults=True)):
        again = GraphSpec.model_validate_json(text)
        assert again == spec
        assert again.hash == spec.hash


@settings(max_examples=30)
@given(graphs(), graphs())
def test_equal_content_is_equal_hash_and_other_content_another(one: GraphSpec, other: GraphSpec) -> None:
    assert (one == other) == (one.hash == other.hash)


@settings(max_examples=50)
@given(graphs(), words)
def test_a_changed_copy_has_its_own_hash_and_wires(spec: GraphSpec, name: str) -> None:
    assert len(spec.hash) == 32
    copy = spec.model_copy(update={"name": name})
    assert copy.hash == GraphSpec(layers=spec.layers, name=name).hash
    assert (copy.hash == spec.hash) == (name == spec.name)


def test_a_changed_copy_is_checked_and_its_wires_are_its_own() -> None:
    team = TeamSpec(agents=(agent("a", ""), agent("b", "")), aggregator="sequential")
    assert team.sinks == ("b",)
    assert team.model_copy(update={"aggregator": "majority"}).sinks == ("a", "b")
    with pytest.raises(SpecError, match="team team asks for 3 answers of 2 agents"):
        team.model_copy(update={"quorum": 3})


def test_the_order_of_agents_matters_and_that_of_edges_does_not() -> None:
    a, b, c = (agent(i, "") for i in "abc")
    one, other = layer("x", a, b, combine="majority"), layer("x", b, a, combine="majority")
    assert one.hash != other.hash
    wires = [("a", "c"), ("b", "c")]
    straight, crossed = (layer("x", a, b, c, edges=e).teams[0].parents for e in (wires, wires[::-1]))
    assert straight == crossed == {"a": (), "b": (), "c": ("a", "b")}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: agent("a b", ""), "agent a b: id: .* but is 'a b'"),
        (lambda: agent("a", "", max_turns=0), "agent a: max_turns: .*greater than or equal to 1, but is 0"),
        (lambda: agent("a", "", colour="red"), "agent a: colour: Extra inputs are not permitted"),
        (lambda: AgentSpec(id="a"), "agent a: prompt: Field required"),
        (lambda: agent("a", "", function="f", tools=("t",)), "agent a is a Python function"),
        (lambda: agent("a", "", fields=(AnswerField(name="x", meaning=""),) * 2), "agent a has two answer fields"),
        (lambda: layer("x", agent("a", ""), agent("a", "")), "two agents called a; ids must differ"),
        (lambda: layer("x", agent("a", ""), edges=[("a", "z")]), "edge to z, which is none of its agents"),
        (
            lambda: layer("x", agent("a", ""), agent("b", ""), edges=[("a", "b"), ("b", "a")]),
            "circle: a -> b -> a|circle: b -> a -> b",
        ),
        (lambda: layer("x", agent("a", ""), agent("b", ""), combine="single", edges=[]), "2 last agents .* say how"),
        (lambda: layer("x", agent("a", ""), combine="chorus"), "team team: aggregator: .*but is 'chorus'|aggregator"),
        (lambda: LayerSpec(id="x", teams=()), "layer x: teams: "),
        (lambda: LayerSpec(id="x", teams=layer("x", agent("a", "")).teams, pin="z"), "pins team z, which is none of"),
        (lambda: graph(layer("x", agent("a", "")), layer("x", agent("a", ""))), "two layers are called x"),
        (
            lambda: graph(layer("x", agent("a", "")).model_copy(update={"inputs": ("y",)})),
            "layer x reads y, which is no earlier layer",
        ),
        (graph, "graph: layers: "),
        (lambda: Example(task="t", turn="{"), "the example for 't' is no JSON"),
    ],
)
def test_a_wrong_spec_is_refused_with_its_place(make: object, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        make()


def test_a_fault_deep_in_json_is_named_from_the_outside_in() -> None:
    text = json.dumps(
        {"layers": [{"id": "solve", "teams": [{"agents": [{"id": "one", "prompt": "", "max_turns": 99}]}]}]}
    )
    with pytest.raises(SpecError, match=r"^graph: layer solve: team: agent one: max_turns: Input should be less"):
        GraphSpec.model_validate_json(text)


def test_each_layer_hears_the_one_before_unless_it_says_otherwise() -> None:
    a, b, c = (layer(i, agent("x", "")) for i in "abc")
    wired = graph(a, b, c.model_copy(update={"inputs": ("a", "b")})).wired()
    assert [(x.id, sources) for x, sources in wired] == [("a", ()), ("b", ("a",)), ("c", ("a", "b"))]


@pytest.mark.parametrize(
    "address", ["http://me:hunter2@host/v1#m", "https://token@host/v1#m", "http://host/v1?key=hunter2#m"]
)
def test_a_secret_in_a_models_address_is_refused_before_it_is_stored_and_not_repeated(address: str) -> None:
    for made in (lambda: AgentSpec(id="a", prompt="p", model=address), lambda: RunOptions(model=address)):
        with pytest.raises(SpecError, match="set BACKPROSE_API_KEY") as refused:
            made()
        assert "hunter2" not in str(refused.value)
        assert "token" not in str(refused.value)


def test_names_and_plain_addresses_of_models_are_taken_as_they_are() -> None:
    for name in ("", "local/qwen2.5-coder-1.5b", "http://127.0.0.1:11434/v1#qwen3:8b", "openai/gpt-4o-mini"):
        assert RunOptions(model=name).model == name
