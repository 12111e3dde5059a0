"""The forward pass: layers in sequence, each layer's answer the next one's input.

    f_l     = route(F_l, l, I_l, I)
    O_l     = run_team(f_l, I_l, I)
    I_(l+1) = O_l

LangGraph carries the sequence. Its state holds content hashes, not values, so that what it keeps grows with the number of layers
and not with what they say.

Source: Ma et al., "Agentic Neural Networks", arXiv 2506.09046, forward pass.
"""

from dataclasses import dataclass
from typing import Any, TypedDict

from agents.answer import Answer
from agents.context import Context
from agents.prompt import Brief
from agents.route import route
from agents.spec import GraphSpec, LayerSpec
from agents.team import run_team
from store.events import LayerCombined, LayerStarted, Routed

Heard = tuple[tuple[str, Answer], ...]  # answers by who gave them


class State(TypedDict):
    """What LangGraph carries: each finished layer's answer by hash."""

    outputs: dict[str, str]


async def forward(graph: GraphSpec, task: str, ctx: Context) -> Answer:
    """Run a network on a task. Raises `TeamFailed` when a layer has no answer, `NotRecorded` in a replay."""
    said: dict[str, Answer] = {}
    start: State = {"outputs": {}}
    end = await sequence(graph, task, ctx, said).ainvoke(start, {"recursion_limit": len(graph.layers) + 2})
    return said[end["outputs"][graph.layers[-1].id]]


def sequence(graph: GraphSpec, task: str, ctx: Context, said: dict[str, Answer]) -> Any:
    """The layers as a compiled LangGraph over `State`; `said` holds the answers that its hashes name."""
    from langgraph.graph import END, START, StateGraph

    builder = StateGraph(State)
    before = START
    for layer, sources in graph.wired():
        node = f"layer/{layer.id}"  # LangGraph takes no node that is called like a part of the state
        builder.add_node(node, _Node(layer, sources, task, ctx, said))
        builder.add_edge(before, node)
        before = node
    builder.add_edge(before, END)
    return builder.compile()


@dataclass(frozen=True)
class _Node:
    """A layer as LangGraph calls it. (The code of a closure it would disassemble at every start, to look for subgraphs.)"""

    layer: LayerSpec
    sources: tuple[str, ...]
    task: str
    ctx: Context
    said: dict[str, Answer]

    async def __call__(self, state: State) -> State:
        heard = tuple((source, self.said[state["outputs"][source]]) for source in self.sources)
        answer = await run_layer(self.layer, self.task, heard, self.ctx)
        ref = answer.keep(self.ctx.log)
        self.said[ref] = answer
        return {"outputs": {**state["outputs"], self.layer.id: ref}}


async def run_layer(layer: LayerSpec, task: str, heard: Heard, ctx: Context) -> Answer:
    """Route and run one layer on earlier answers. A refusal that is all it hears goes through as it is."""
    log, at = ctx.log, f"layer/{layer.id}"
    log.emit(f"{at}/started", LayerStarted(layer=layer.id, input=heard[-1][1].keep(log) if heard else log.put(task)))
    if heard and all(answer.refused for _, answer in heard):
        refusal = heard[-1][1]
        through = LayerCombined(layer=layer.id, aggregator="none", output=refusal.keep(log), note="refused before")
        log.emit(f"{at}/combined", through)
        return refusal
    chosen = await route(layer, ctx, f"{at}/route")
    team = chosen.team
    log.emit(
        f"{at}/routed",
        Routed(layer=layer.id, team=team.id, aggregator=team.aggregator, tier=chosen.tier, reason=chosen.reason),
    )
    combined = await run_team(layer.id, team, Brief(task, layer.goal, heard), ctx, at)
    kept = combined.answer.keep(log)
    log.emit(
        f"{at}/combined",
        LayerCombined(layer=layer.id, aggregator=team.aggregator, output=kept, took=combined.took, note=combined.note),
    )
    return combined.answer
