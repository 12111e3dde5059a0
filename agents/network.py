"""A network of agents as one object: made by hand or planned from a task, run, saved, loaded, used inside LangGraph.

network = Network.of(layer("solve", agent("solver", "Find the cost.", tools=["solve_dc_opf"], examples=...)), ...)
result = network.run("What does the cheapest dispatch of case30 cost at 115 % load?")
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict

from pydantic import ValidationError

from agents.models.contract import Provider
from agents.run import Runner, RunOptions, RunResult
from agents.spec import GraphSpec, LayerSpec, SpecError
from agents.watch import Watch
from tools import Executor

if TYPE_CHECKING:
    from agents.backward import Case, Fit, TrainOptions
    from agents.backward.again import Bettered
    from agents.loss import Scorer
    from store import Store


class GraphState(TypedDict, total=False):
    """What `Network.as_langgraph()` takes (`task`) and adds (`answer`, `run_id`, `status`)."""

    task: str
    answer: str
    run_id: str
    status: str


class Network:
    """A graph of agents with what it runs on.

    Args:
        spec: The graph.
        store: Where its runs are kept; by default the user's store, opened for each run.
        providers: Model providers by name, for models that no name reaches.
    """

    def __init__(
        self, spec: GraphSpec, *, store: "Store | None" = None, providers: Mapping[str, Provider] | None = None
    ) -> None:
        self.spec = spec
        self._store = store
        self._providers = dict(providers or {})

    @classmethod
    def of(cls, *layers: LayerSpec, name: str = "", **surroundings: Any) -> Self:
        """A network from layers made by hand."""
        return cls(GraphSpec(layers=layers, name=name), **surroundings)

    @classmethod
    def from_task(
        cls,
        task: str,
        *,
        model: str = "",
        store: "Store | None" = None,
        providers: Mapping[str, Provider] | None = None,
    ) -> Self:
        """Plan a network for a task. The planning is logged as a run of its own. Raises `ModelError`."""
        return asyncio.run(cls.afrom_task(task, model=model, store=store, providers=providers))

    @classmethod
    async def afrom_task(
        cls,
        task: str,
        *,
        model: str = "",
        store: "Store | None" = None,
        providers: Mapping[str, Provider] | None = None,
    ) -> Self:
        with _opened(store) as opened:
            spec = await Runner(opened, providers or {}).plan(task, RunOptions(model=model))
        return cls(spec, store=store, providers=providers)

    @property
    def hash(self) -> str:
        """Content hash of the graph; equal graphs are equal networks."""
        return self.spec.hash

    def run(self, task: str, options: RunOptions | None = None, *, watch: Watch | None = None) -> RunResult:
        """Run a task and wait for the answer."""
        return asyncio.run(self.arun(task, options, watch=watch))

    async def arun(
        self,
        task: str,
        options: RunOptions | None = None,
        *,
        watch: Watch | None = None,
        executor: Executor | None = None,
    ) -> RunResult:
        """Run a task. With an `executor` of one's own, its warm workers serve many runs."""
        with _opened(self._store) as store:
            runner = Runner(store, self._providers, executor or Executor(), watch)
            try:
                return await runner.run(task, options or RunOptions(), graph=self.spec)
            finally:
                if executor is None:
                    runner.close()

    def fit(
        self,
        train: "Sequence[Case]",
        val: "Sequence[Case] | None" = None,
        options: RunOptions | None = None,
        how: "TrainOptions | None" = None,
        *,
        watch: Watch | None = None,
    ) -> "Fit":
        """Learn from cases, and be the best version from then on.

        Args:
            train: Cases to learn from, `agents.backward.Case(id, task, scorer)`.
            val: Cases that decide what is kept; left out, three of seven of `train`, always the same ones.
            options: Model, seed, and the budget of the whole training.
            how: Steps, rates, gate and the rest.
            watch: Called with the key and the event of whatever happens.

        Raises:
            SpecError: The cases cannot be trained on, for instance because fewer than twelve decide.
        """
        return asyncio.run(self.afit(train, val, options, how, watch=watch))

    async def afit(
        self,
        train: "Sequence[Case]",
        val: "Sequence[Case] | None" = None,
        options: RunOptions | None = None,
        how: "TrainOptions | None" = None,
        *,
        watch: Watch | None = None,
    ) -> "Fit":
        """`fit` for those who have an event loop."""
        from agents.backward import Trainer, TrainOptions, split

        learn, decide = (list(train), list(val)) if val is not None else split(train)
        with _opened(self._store) as store:
            runner = Runner(store, self._providers, watch=watch)
            try:
                trainer = Trainer(runner, how or TrainOptions())
                fit = await trainer.fit(self.spec, learn, decide, options or RunOptions())
            finally:
                runner.close()
        self.spec = fit.best.graph
        return fit

    def run_until(
        self,
        task: str,
        scorer: "Scorer",
        options: RunOptions | None = None,
        *,
        target: float = 1.0,
        tries: int = 2,
        keep: bool = False,
        watch: Watch | None = None,
    ) -> "Bettered":
        """Run a task, and while its score misses the target, learn from the run itself and try again.

        Args:
            task: What is asked.
            scorer: Scores an answer without a reference (`agents.loss`: `checked`, `judged`, `by_tool`).
            options: Model, seed, and the budget of all tries.
            target: Score that is good enough.
            tries: Edits tried at most.
            keep: Be the edited network from then on, where it was better.
            watch: Called with the key and the event of whatever happens.
        """
        from agents.backward.again import run_until

        with _opened(self._store) as store:
            runner = Runner(store, self._providers, watch=watch)
            try:
                given = options or RunOptions()
                done = asyncio.run(run_until(runner, self.spec, task, scorer, given, target=target, tries=tries))
            finally:
                runner.close()
        if keep:
            self.spec = done.graph
        return done

    def save(self, path: str | Path) -> None:
        """Write the graph as JSON."""
        Path(path).write_text(self.spec.model_dump_json(indent=2, exclude_defaults=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path, **surroundings: Any) -> Self:
        """Read a graph that `save` wrote. Raises `SpecError` that names what is wrong in the file."""
        try:
            return cls(GraphSpec.model_validate_json(Path(path).read_text(encoding="utf-8")), **surroundings)
        except ValidationError as e:
            raise SpecError(f"{path} holds no network: {e.errors()[0]['msg']}") from None
        except SpecError as e:
            raise SpecError(f"{path} holds no network: {e}") from None

    def as_langgraph(self, options: RunOptions | None = None) -> Any:
        """A compiled LangGraph that takes `{"task": ...}` and adds `answer`, `run_id` and `status`; a node in other graphs."""
        from langgraph.graph import END, START, StateGraph

        async def run(state: GraphState) -> GraphState:
            result = await self.arun(state["task"], options)
            return {"answer": str(result), "run_id": result.run_id, "status": result.status}

        builder = StateGraph(GraphState)
        builder.add_node("network", run)
        builder.add_edge(START, "network")
        builder.add_edge("network", END)
        return builder.compile()


def _opened(store: "Store | None") -> "AbstractContextManager[Store]":
    from store import Store

    return nullcontext(store) if store else Store.open()
