"""Random networks and random edits of them, for properties that must hold for all."""

import random
from collections.abc import Callable

from agents import AgentSpec, AnswerField, Example, GraphSpec, LayerSpec, SpecError, TeamSpec
from agents.backward.edit import (
    AddAgent,
    AddEdge,
    AddExample,
    AddLayer,
    CloneTeam,
    Edit,
    MergeLayers,
    RemoveAgent,
    RemoveEdge,
    RemoveExample,
    RemoveLayer,
    RemoveTeam,
    Rewire,
    SetAggregator,
    SetFields,
    SetModel,
    SetParam,
    SetPrompt,
    SetRole,
    SetTools,
    SplitLayer,
)
from agents.spec import AGGREGATORS

WORDS = (
    "add",
    "the",
    "two",
    "amounts",
    "of",
    "an",
    "order",
    "then",
    "round",
    "to",
    "cents",
    "and",
    "say",
    "which",
    "unit",
)


def words(dice: random.Random) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(1, 12)))


def some_example(dice: random.Random) -> Example:
    return Example(task=words(dice), turn='{"answer": "12"}', origin=f"train-{dice.randrange(9)}")


def some_agent(dice: random.Random, id: str) -> AgentSpec:
    return AgentSpec(
        id=id,
        prompt=words(dice),
        role=dice.choice(("", "clerk", "checker")),
        tools=dice.choice(((), ("calculate",))),
        examples=tuple(some_example(dice) for _ in range(dice.randrange(3))),
        temperature=dice.choice((0.0, 0.7)),
    )


def some_team(dice: random.Random, id: str) -> TeamSpec:
    names = [f"a{k}" for k in range(dice.randint(1, 4))]
    pairs = [(s, t) for i, s in enumerate(names) for t in names[i + 1 :]]
    return TeamSpec(
        id=id,
        agents=tuple(some_agent(dice, n) for n in names),
        edges=tuple(dice.sample(pairs, dice.randint(0, len(pairs)))),
        aggregator=dice.choice([a for a in AGGREGATORS if a != "single"]),
    )


def some_graph(dice: random.Random) -> GraphSpec:
    layers: list[LayerSpec] = []
    for k in range(dice.randint(1, 4)):
        teams = tuple(some_team(dice, f"t{n}") for n in range(dice.randint(1, 2)))
        before = [x.id for x in layers]
        inputs = tuple(dice.sample(before, dice.randint(0, len(before))))
        layers.append(
            LayerSpec(id=f"l{k}", teams=teams, inputs=inputs, pin=dice.choice((None, teams[-1].id)), goal=words(dice))
        )
    return GraphSpec(layers=tuple(layers))


def some_edit(dice: random.Random, graph: GraphSpec) -> Edit:
    """A random edit of the graph that applies to it."""
    while True:
        try:
            edit = _draw(dice, graph)
            edit.apply(graph)
        except (SpecError, IndexError, ValueError):
            continue
        return edit


def _draw(dice: random.Random, graph: GraphSpec) -> Edit:
    layer = dice.choice(graph.layers)
    team = dice.choice(layer.teams)
    agent = dice.choice(team.agents)
    other = dice.choice(team.agents)
    place = {"layer": layer.id, "team": team.id}
    at = {**place, "agent": agent.id}
    fresh = f"new{dice.randrange(100)}"
    draws: list[Callable[[], Edit]] = [
        lambda: SetPrompt(**at, prompt=words(dice)),
        lambda: SetRole(**at, role=words(dice)),
        lambda: SetModel(**at, model=dice.choice((None, "small"))),
        lambda: SetTools(**at, tools=dice.choice(((), ("calculate",), ("solve_dc_opf",)))),
        lambda: SetFields(**at, fields=(AnswerField(name="asked", meaning=words(dice)),)),
        lambda: SetParam(**at, name="temperature", value=dice.random()),
        lambda: SetParam(**place, name="rounds", value=dice.randint(1, 4)),
        lambda: SetParam(layer=layer.id, name="pin", value=dice.choice((None, team.id))),
        lambda: SetParam(layer=layer.id, name="goal", value=words(dice)),
        lambda: AddExample(**at, example=some_example(dice), position=dice.choice((None, 0, 1))),
        lambda: RemoveExample(**at, position=dice.randrange(len(agent.examples))),
        lambda: AddAgent(**place, spec=some_agent(dice, fresh), position=dice.choice((None, 0, 1))),
        lambda: AddAgent(**place, spec=some_agent(dice, fresh), edges=(*team.edges, (agent.id, fresh))),
        lambda: RemoveAgent(**at),
        lambda: AddEdge(**place, source=agent.id, target=other.id),
        lambda: RemoveEdge(**place, source=(edge := dice.choice(team.edges))[0], target=edge[1]),
        lambda: Rewire(**place, edges=tuple(dice.sample(team.edges, dice.randint(0, len(team.edges))))),
        lambda: Rewire(**place, inputs=(dice.choice(graph.layers).id,)),
        lambda: SetAggregator(**place, aggregator=dice.choice(AGGREGATORS)),
        lambda: CloneTeam(
            layer=layer.id, spec=team.model_copy(update={"id": fresh}), position=dice.choice((None, 0, 1))
        ),
        lambda: RemoveTeam(layer=layer.id, team=team.id),
        lambda: AddLayer(
            layer=fresh,
            spec=LayerSpec(id=fresh, teams=(some_team(dice, "t"),)),
            position=dice.randint(0, len(graph.layers)),
        ),
        lambda: RemoveLayer(layer=layer.id),
        lambda: SplitLayer(
            layer=layer.id,
            first=layer.model_copy(update={"id": fresh}),
            second=LayerSpec(id=f"{fresh}-2", teams=(some_team(dice, "t"),)),
        ),
        lambda: MergeLayers(
            layer=layer.id,
            second=graph.layers[graph.layers.index(layer) + 1].id,
            whole=layer.model_copy(update={"id": fresh}),
        ),
    ]
    return dice.choice(draws)()
