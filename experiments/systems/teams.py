"""Systems by name: the planned team, and one agent with the tools and no layers."""

from collections.abc import Callable
from dataclasses import dataclass

from agents import GraphSpec, graph, layer
from agents.library import solver
from tools import all_tools, retrieve


@dataclass(frozen=True)
class System:
    """How a question is answered: by the graph that `graph` makes for it, or by a planned one where that is None.

    A system with a `method` has no graph before that has taught it on a suite (`experiments.learning.taught`).
    """

    name: str
    what: str
    graph: Callable[[str], GraphSpec | None]
    method: str = ""


def _single_agent(task: str) -> GraphSpec:
    tools = [t.name for t in retrieve(task, list(all_tools().values()), 1)]
    return graph(layer("answer", solver("solver", tools)), name="single agent")


SYSTEMS: dict[str, System] = {
    s.name: s
    for s in (
        System("planned", "a team planned for the question: solve, check, explain", lambda task: None),
        System("single", "one agent with the tool that fits best, without layers", _single_agent),
    )
}
