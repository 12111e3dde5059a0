"""The forward pass: layers in sequence, each layer's answer the next one's input.

    f_l     = route(F_l, l, I_l, I)
    O_l     = run_team(f_l, I_l, I)
    I_(l+1) = O_l

LangGraph carries the sequence. Its state holds content hashes, not values, so that what it keeps grows with the number of layers
and not with what they say.

Source: Ma et al., "Agentic Neural Networks", arXiv 2506.09046, forward pass.
"""

from typing import Any, TypedDict

from agents.answer import Answer
from agents.context import Context
from agents.prompt import Brief
from agents.route import route
from agents.spec import GraphSpec, LayerSpec
from agents.team import run_team
from store.events import LayerCombined, LayerStarted, Routed


class State(TypedDict):
    """What LangGraph carries: the task's hash, and each finished layer's answer by hash."""

    task: str
    outputs: dict[str, str]


async def forward(graph: GraphSpec, task: str, ctx: Context) -> Answer:
    """Run a network on a task. Raises `TeamFailed` when a layer has no answer, `BudgetExhausted`, `NotRecorded`."""
    start: State = {"task": ctx.log.put(task), "outputs": {}}
    end = await sequence(graph, ctx).ainvoke(start, {"recursion_limit": len(graph.layers) + 2})
    return _answer(end["outputs"][graph.layers[-1].id], ctx)


def sequence(graph: GraphSpec, ctx: Context) -> Any:
    """The layers as a compiled LangGraph over `State`."""
    from langgraph.graph import END, START, StateGraph

    builder = StateGraph(State)
    before = START
    for layer in graph.layers:
        builder.add_node(layer.id, _node(graph, layer, ctx))
        builder.add_edge(before, layer.id)
        before = layer.id
    builder.add_edge(before, END)
    return builder.compile()


def _node(graph: GraphSpec, layer: LayerSpec, ctx: Context) -> Any:
    async def run(state: State) -> dict[str, dict[str, str]]:
        inputs = tuple((source, state["outputs"][source]) for source in graph.sources(layer))
        output = await run_layer(layer, ctx.log.text(state["task"]), inputs, ctx)
        return {"outputs": {**state["outputs"], layer.id: output}}

    return run


async def run_layer(layer: LayerSpec, task: str, inputs: tuple[tuple[str, str], ...], ctx: Context) -> str:
    """Route and run one layer on earlier outputs (layer id, hash); returns its answer's hash."""
    at = f"layer/{layer.id}"
    heard = tuple((source, _answer(ref, ctx)) for source, ref in inputs)
    ctx.log.emit(f"{at}/started", LayerStarted(layer=layer.id, input=inputs[-1][1] if inputs else ctx.log.put(task)))
    if heard and all(answer.refused for _, answer in heard):
        ctx.log.emit(
            f"{at}/combined",
            LayerCombined(layer=layer.id, aggregator="none", output=inputs[-1][1], note="refused before"),
        )
        return inputs[-1][1]
    chosen = await route(layer, ctx, f"{at}/route")
    team = chosen.team
    ctx.log.emit(
        f"{at}/routed",
        Routed(layer=layer.id, team=team.id, aggregator=team.aggregator, tier=chosen.tier, reason=chosen.reason),
    )
    combined = await run_team(layer.id, team, Brief(task, layer.goal, heard), ctx, at)
    output = ctx.log.put(combined.answer.to_json())
    ctx.log.emit(
        f"{at}/combined",
        LayerCombined(
            layer=layer.id, aggregator=team.aggregator, output=output, took=combined.took, note=combined.note
        ),
    )
    return output


def _answer(ref: str, ctx: Context) -> Answer:
    return Answer.model_validate_json(ctx.log.text(ref))
