"""The playbook: edits that are known to help in general, tried where an editor's own edits were refused.

A small model finds few good edits. These need none of its wit, and pass the same gate: demonstrations of what went well, room to
think before the answer, several voices and a vote, a second look.

Source: bootstrapped demonstrations (Khattab et al., DSPy, arXiv 2310.03714), self-consistency (Wang et al., arXiv 2203.11171),
self-refinement (Madaan et al., arXiv 2303.17651).
"""

from collections.abc import Iterator
from contextlib import suppress

from agents.backward.edit import AddAgent, AddExample, AddLayer, Edit, SetAggregator, SetFields, SetParam
from agents.backward.editor import CannotEdit, Means, demonstration, through
from agents.backward.parts import find_team
from agents.context import Context
from agents.spec import AgentSpec, AnswerField, GraphSpec, LayerSpec, TeamSpec

SHOTS = 3
VOICES = 3
WARM = 0.7  # temperature of voices that must be able to differ
WORKING = AnswerField(name="working", meaning="the way to the answer, step by step", max_chars=1200)
SECOND_LOOK = (
    "You see a task and an answer to it. Work the task out yourself, step by step, and compare. Where the answer is wrong, "
    "correct it. End with the final answer in exactly the form that the task asks for."
)

Move = tuple[Edit, ...]


def moves(graph: GraphSpec, layer: LayerSpec, means: Means, allowed: tuple[str, ...], ctx: Context) -> Iterator[Move]:
    """The moves that fit a layer, in the order they are worth trying; `allowed` are the operations that may be used now."""
    for make in (_demonstrate, _think, _vote, _look_again):
        move = make(graph, layer, means, ctx)
        if move and all(edit.op in allowed for edit in move):
            yield move


def _speaker(layer: LayerSpec) -> AgentSpec | None:
    """The one agent of the layer that is a model; None where there are several, or none."""
    team = find_team(layer)
    return team.agents[0] if len(team.agents) == 1 and not team.agents[0].function else None


def _demonstrate(graph: GraphSpec, layer: LayerSpec, means: Means, ctx: Context) -> Move:
    """Shows an agent how it solved cases before."""
    agent = _speaker(layer)
    if agent is None:
        return ()
    made: list[Edit] = []
    for rollout in means.solved:
        with suppress(CannotEdit):  # it had no part in that case
            example = demonstration(agent, layer.id, rollout.case.id, means, ctx)
            made.append(AddExample(layer=layer.id, agent=agent.id, example=example))
    return tuple(made[:SHOTS])


def _think(graph: GraphSpec, layer: LayerSpec, means: Means, ctx: Context) -> Move:
    """Gives an agent room to think, and keeps its answer apart from it."""
    agent = _speaker(layer)
    if agent is None or agent.fields or agent.tools or agent.examples:
        return ()
    return (SetFields(layer=layer.id, agent=agent.id, fields=(WORKING,)),)


def _vote(graph: GraphSpec, layer: LayerSpec, means: Means, ctx: Context) -> Move:
    """Lets several voices answer and takes the majority; their answers must be short enough to be equal."""
    agent = _speaker(layer)
    if agent is None or not (agent.fields or agent.tools):
        return ()
    warm = agent.model_copy(update={"temperature": WARM})
    twins = (warm.model_copy(update={"id": f"{agent.id}-{k}"}) for k in range(2, VOICES + 1))
    return (
        SetParam(layer=layer.id, agent=agent.id, name="temperature", value=WARM),
        SetAggregator(layer=layer.id, aggregator="majority"),
        *(AddAgent(layer=layer.id, spec=twin) for twin in twins),
    )


def _look_again(graph: GraphSpec, layer: LayerSpec, means: Means, ctx: Context) -> Move:
    """Puts a second look behind the layer."""
    name = f"{layer.id[:40]}-again"
    if any(x.id == name for x in graph.layers) or layer.id.endswith("-again"):
        return ()
    looker = AgentSpec(id="second-look", prompt=SECOND_LOOK, max_tokens=1024)
    added = LayerSpec(id=name, teams=(TeamSpec(agents=(looker,)),))
    wires = through(graph, layer.id, name)
    return (AddLayer(layer=name, spec=added, position=graph.layers.index(layer) + 1, wires=wires),)
