"""GEPA as a rival of textual backpropagation: the package `gepa` evolves the prompts of the same network on the same cases.

GEPA changes texts, never wires: its components are the prompts of all agents. Rollouts go through our engine, and reflection
through our gateway, so that both are counted and bounded as they are for us. The package is the extra `backprose[gepa]`.

Source: Agrawal et al., "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning", arXiv 2507.19457.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from agents import GraphSpec, Runner, RunOptions
from agents.backward.critic import case_page, compact, layer_page
from agents.backward.edit import SetPrompt, apply_all
from agents.backward.gate import agents_of
from agents.backward.parts import find_agent, find_layer, find_team
from agents.backward.rollout import Bench, Case, OutOfBudget, Rollout, nodes
from agents.models import BudgetExhausted, Message, ModelRequest

MINIBATCH = 3  # GEPA's own


class Quiet:
    """A logger that says nothing."""

    def log(self, message: str) -> None: ...


@dataclass(frozen=True)
class Evolved:
    """The best graph GEPA found, and what it took."""

    graph: GraphSpec
    rollouts: int
    steps: int
    tokens: int


async def gepa_fit(
    runner: Runner,
    graph: GraphSpec,
    train: Sequence[Case],
    val: Sequence[Case],
    run: RunOptions,
    *,
    rollouts: int,
    parallel: int = 4,
    critic: str = "",
) -> Evolved:
    """Evolve a graph's prompts with at most so many rollouts, and within the budget of `run`.

    Raises:
        ModuleNotFoundError: The extra is not installed.
    """
    try:
        from gepa.api import optimize
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError("GEPA needs its package: pip install 'backprose[gepa]'") from e
    log = runner.store.start_run(task=f"GEPA on {graph.name or 'a network'}", model=run.model, seed=run.seed)
    ctx = runner.context(log, run)
    bench = Bench(ctx, parallel, rollouts)
    loop = asyncio.get_running_loop()
    reflections = count()

    async def reflect(prompt: str) -> str:
        request = ModelRequest(
            model=critic or run.model,
            messages=(Message(role="user", content=prompt),),
            temperature=0.3,
            seed=run.seed,
            max_tokens=1000,
        )
        try:
            return (await ctx.gateway.call(request, at=f"reflect/{next(reflections)}", purpose="critic")).text
        except BudgetExhausted:
            adapter.broke = True
            raise

    adapter = _Adapter(graph, bench, loop)
    try:
        result: Any = await asyncio.to_thread(
            optimize,  # type: ignore[arg-type]  # its adapters are generic
            seed_candidate=adapter.seed(),
            trainset=list(train),
            valset=list(val),
            adapter=adapter,
            reflection_lm=lambda prompt: asyncio.run_coroutine_threadsafe(reflect(str(prompt)), loop).result(),
            reflection_minibatch_size=MINIBATCH,
            max_metric_calls=20 * rollouts,  # the bench's count, which knows what was run before, is the one that binds
            stop_callbacks=[lambda state: adapter.broke or adapter.idle > 200],
            seed=run.seed,
            logger=Quiet(),
            raise_on_exception=False,
        )
    finally:
        log.finish("answered")
    spent = ctx.gateway.ledger.spent.tokens
    return Evolved(adapter.graph_of(result.best_candidate), bench.rollouts, adapter.evaluations, spent)


class _Adapter:
    """Runs a candidate, which is a prompt for each agent, and shows GEPA what happened."""

    propose_new_texts = None  # GEPA's own

    def __init__(self, graph: GraphSpec, bench: Bench, loop: asyncio.AbstractEventLoop) -> None:
        self.graph = graph
        self.bench = bench
        self.loop = loop
        self.evaluations = 0
        self.broke = False  # the budget is spent
        self.idle = 0  # evaluations in a row that needed no new rollout

    def seed(self) -> dict[str, str]:
        return {f"{x.id}/{a.id}": a.prompt for x, _, a in agents_of(self.graph) if not a.function}

    def graph_of(self, candidate: Mapping[str, str]) -> GraphSpec:
        edits = []
        for name, prompt in candidate.items():
            layer, _, agent = name.partition("/")
            edits.append(SetPrompt(layer=layer, agent=agent, prompt=prompt))
        return apply_all(self.graph, edits)

    def evaluate(self, batch: list[Case], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        from gepa.core.adapter import EvaluationBatch

        before = self.bench.rollouts
        graph = self.graph_of(candidate)
        try:
            done = asyncio.run_coroutine_threadsafe(self.bench.run(graph, batch), self.loop).result()
        except OutOfBudget:
            self.broke, done = True, []
        self.evaluations += 1
        self.idle = 0 if self.bench.rollouts > before else self.idle + 1
        scores = [r.score or 0.0 for r in done] or [0.0] * len(batch)
        traces = list(done) if capture_traces else None
        return EvaluationBatch(
            outputs=[str(r.answer) for r in done] or [""] * len(batch), scores=scores, trajectories=traces
        )

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> dict[str, list[dict[str, Any]]]:
        return {name: [self._record(name, r) for r in eval_batch.trajectories or ()] for name in components_to_update}

    def _record(self, name: str, rollout: Rollout) -> dict[str, Any]:
        """What one agent heard and said in a rollout, with the verdict: as much as our own local critic sees."""
        layer_id, _, agent_id = name.partition("/")
        layer = find_layer(rollout.graph, layer_id)
        end = asyncio.run_coroutine_threadsafe(nodes(rollout, self.bench.ctx), self.loop).result()
        page = case_page(rollout, end, layer=layer_id)
        find_agent(find_team(layer), agent_id)
        sources = next(heard for x, heard in rollout.graph.wired() if x.id == layer_id)
        return {
            "Inputs": {"task": rollout.case.task, "layer": compact(layer_page(layer, sources)), "agent": name},
            "Generated Outputs": compact(page["said"]),
            "Feedback": compact({k: v for k, v in page.items() if k in ("score", "verdict", "wanted")}),
        }
