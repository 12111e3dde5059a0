"""The engine beside plain LangGraph with its SQLite saver: the same graph, the same agents, in the same run.

    python -m experiments.speed.engine --json engine.json

Both keep what they did on disk: ours as events and content in the store, LangGraph as checkpoints. An agent is a Python
function, so that what is measured is the engine. LangGraph runs as its documentation shows it, with a reducer that
gathers outputs and the default durability.
"""

import argparse
import asyncio
import json
import operator
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict

from agents import AgentSpec, Brief, GraphSpec, Runner, RunOptions, agent, function, graph, layer
from agents.models import ModelRequest, Scripted
from store import Store

KILOBYTES, NODES, WIDTH = 2, 100, 1000
NAP = 0.1  # seconds
Edges = tuple[tuple[str, str], ...]
Run = Callable[[Path], Coroutine[Any, Any, "Measured"]]


class Measured(NamedTuple):
    """One run: its wall time and the processor time of all its threads [s], and what it left on disk [bytes]."""

    seconds: float
    cpu: float
    bytes: int


class Row(TypedDict):
    case: str
    engine: str
    seconds: float  # median of the runs
    ms_per_node: float
    cpu_ms_per_node: float  # steadier than wall time on a busy machine
    bytes: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; with --json, write it too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, of which the median counts")
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    chosen = parser.parse_args(arguments)
    rows = compare(chosen.runs)
    print(f"{'case':<48}{'engine':<22}{'seconds':>9}{'ms a node':>11}{'cpu ms':>9}{'on disk':>12}")
    for row in rows:
        print(
            f"{row['case']:<48}{row['engine']:<22}{row['seconds']:>9.3f}{row['ms_per_node']:>11.2f}"
            f"{row['cpu_ms_per_node']:>9.2f}{row['bytes'] / 1e6:>9.2f} MB"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")
        print(f"written to {chosen.json}", file=sys.stderr)


def compare(runs: int) -> list[Row]:
    """Measure every case on both engines, alternating, after a run that warms up."""
    chain = [f"n{k}" for k in range(NODES)]
    wide = [f"w{k}" for k in range(WIDTH)]
    links: Edges = tuple(pairwise(chain))
    branches = ["slow", "fast1", "fast2", "fast3"]
    branch: Edges = (("fast1", "fast2"), ("fast2", "fast3"))
    naps = {"slow": 3 * NAP, "fast1": NAP, "fast2": NAP, "fast3": NAP}
    cases: list[tuple[str, str, int, Run]] = [
        (f"chain of {NODES}, {KILOBYTES} KB each", "backprose", NODES, _ours(_layers(chain))),
        (f"chain of {NODES}, {KILOBYTES} KB each", "backprose, one team", NODES, _ours(_team(chain, links))),
        (f"chain of {NODES}, {KILOBYTES} KB each", "backprose, model calls", NODES, _ours(_layers(chain, asks=True))),
        (f"chain of {NODES}, {KILOBYTES} KB each", "langgraph", NODES, _langgraph(chain, links, {})),
        (
            f"{WIDTH} side by side, {NAP * 1000:g} ms each",
            "backprose",
            WIDTH,
            _ours(_team(wide, naps=dict.fromkeys(wide, NAP))),
        ),
        (
            f"{WIDTH} side by side, {NAP * 1000:g} ms each",
            "langgraph",
            WIDTH,
            _langgraph(wide, (), dict.fromkeys(wide, NAP)),
        ),
        (f"{WIDTH} side by side, no work", "backprose", WIDTH, _ours(_team(wide))),
        (f"{WIDTH} side by side, no work", "langgraph", WIDTH, _langgraph(wide, (), {})),
        ("three of 100 ms in a row beside one of 300 ms", "backprose", 4, _ours(_team(branches, branch, naps))),
        ("three of 100 ms in a row beside one of 300 ms", "langgraph", 4, _langgraph(branches, branch, naps)),
    ]
    found: list[list[Measured]] = [[] for _ in cases]
    for _ in range(runs + 1):
        for results, (_, _, _, run) in zip(found, cases, strict=True):
            with tempfile.TemporaryDirectory() as folder:
                results.append(asyncio.run(run(Path(folder))))
    return [
        _row(case, engine, nodes, results[1:]) for results, (case, engine, nodes, _) in zip(found, cases, strict=True)
    ]


def _row(case: str, engine: str, nodes: int, results: Sequence[Measured]) -> Row:
    seconds, cpu, size = (statistics.median(values) for values in zip(*results, strict=True))
    return Row(
        case=case,
        engine=engine,
        seconds=seconds,
        ms_per_node=1000 * seconds / nodes,
        cpu_ms_per_node=1000 * cpu / nodes,
        bytes=int(size),
    )


@cache
def essay(name: str, kilobytes: int = KILOBYTES) -> str:
    """A text that deflates like prose: words of a vocabulary of two thousand, drawn by name."""
    dice = random.Random(name)
    text = " ".join("".join(dice.choices("etaoinshrdlu", k=dice.randint(2, 9))) for _ in range(kilobytes * 160))
    return text[: kilobytes * 1024]


def _worker(name: str, nap: float, size: int) -> AgentSpec:
    text = essay(name, size) if size else "done"

    @function(f"speed {name} {nap}")
    async def work(brief: Brief) -> str:
        if nap:
            await asyncio.sleep(nap)
        return text

    return agent(name, "", function=f"speed {name} {nap}")


def _layers(names: Sequence[str], *, asks: bool = False) -> GraphSpec:
    """One layer for each agent."""
    return graph(*(layer(n, agent(n, n, max_tokens=4096) if asks else _worker(n, 0, KILOBYTES)) for n in names))


def _team(names: Sequence[str], edges: Edges = (), naps: dict[str, float] | None = None) -> GraphSpec:
    """All agents in one layer."""
    size = KILOBYTES if len(edges) > len(names) / 2 and not naps else 0
    workers = [_worker(n, (naps or {}).get(n, 0.0), size) for n in names]
    return graph(layer("all", *workers, combine="majority", edges=edges))


def _ours(network: GraphSpec) -> Run:
    def speak(request: ModelRequest) -> str:
        return essay(request.messages[0].content)

    async def run(folder: Path) -> Measured:
        with Store.open(f"{folder}/runs.db") as store:
            runner = Runner(store, {"scripted": Scripted(speak)})
            clock = _Clock()
            result = await runner.run("the task", RunOptions(model="scripted"), graph=network)
            seconds, cpu = clock.read()
            assert result.status == "answered"
            runner.close()
        return Measured(seconds, cpu, _size(folder))

    return run


class Gathered(TypedDict):
    texts: Annotated[list[str], operator.add]


def _langgraph(names: Sequence[str], edges: Edges, naps: dict[str, float]) -> Run:
    """The graph in plain LangGraph: nodes without an edge into them start, those without one out of them end."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph import END, START, StateGraph

    size = KILOBYTES if len(edges) > len(names) / 2 and not naps else 0
    builder = StateGraph(Gathered)
    for name in names:
        builder.add_node(name, _node(essay(name, size) if size else "done", naps.get(name, 0.0)))
    for name in names:
        if all(target != name for _, target in edges):
            builder.add_edge(START, name)
        if all(source != name for source, _ in edges):
            builder.add_edge(name, END)
    for source, target in edges:
        builder.add_edge(source, target)

    async def run(folder: Path) -> Measured:
        async with AsyncSqliteSaver.from_conn_string(f"{folder}/checkpoints.db") as saver:
            await saver.setup()
            clock = _Clock()
            program = builder.compile(checkpointer=saver)
            config: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": len(names) + 2}
            end = await program.ainvoke({"texts": []}, config)
            seconds, cpu = clock.read()
            assert len(end["texts"]) == len(names)
        return Measured(seconds, cpu, _size(folder))

    return run


def _node(text: str, nap: float) -> Any:
    async def work(state: Gathered) -> Gathered:
        if nap:
            await asyncio.sleep(nap)
        return {"texts": [text]}

    return work


class _Clock:
    """Wall and processor time since it was made [s]."""

    def __init__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        wall, cpu = self._started
        return time.perf_counter() - wall, time.process_time() - cpu


def _size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.iterdir())


if __name__ == "__main__":
    main()
