"""GEPA as a rival of textual backpropagation: the package `gepa` evolves the prompts of the same network on the same cases.

GEPA changes texts, never wires: its components are the prompts of all agents. Rollouts go through our engine, and reflection
through our gateway, so that both are counted and bounded as they are for us. The package is the extra `backprose[gepa]`.

Source: Agrawal et al., "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning", arXiv 2507.19457.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents import GraphSpec, Runner, RunOptions
from agents.backward.critic import case_page, compact, layer_page
from agents.backward.edit import SetPrompt, apply_all
from agents.backward.gate import agents_of
from agents.backward.parts import find_agent, find_layer, find_team
from agents.backward.rollout import Case, Rollout, nodes
from agents.models import Message, ModelRequest
from experiments.systems.guest import Found, Host, Over, entertain

MINIBATCH = 3  # GEPA's own
TEMPERATURE = 0.3
MOST_IDLE = 200  # evaluations in a row that needed no new rollout
MOST_WRITTEN = 1000  # tokens of a reflection


class Quiet:
    """A logger that says nothing."""

    def log(self, message: str) -> None: ...


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
) -> Found:
    """Evolve a graph's prompts with at most so many rollouts, and within the budget of `run`; a step is an evaluation.

    Args:
        critic: Model that reflects; left out, the run's.

    Raises:
        ModuleNotFoundError: The extra is not installed.
        ModelError: The model cannot be reached.
    """
    try:
        from gepa.api import optimize
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError("GEPA needs its package: pip install 'backprose[gepa]'") from e

    def evolve(host: Host) -> Found:
        adapter = _Adapter(graph, host, critic or run.model)
        result: Any = optimize(
            seed_candidate=adapter.seed(),
            trainset=list(train),
            valset=list(val),
            adapter=adapter,  # type: ignore[arg-type]  # its adapters are generic
            reflection_lm=adapter.reflect,  # type: ignore[arg-type]
            reflection_minibatch_size=MINIBATCH,
            max_metric_calls=20 * rollouts,  # the bench's count, which knows what was run before, is the one that binds
            stop_callbacks=[lambda state: bool(host.reason) or adapter.idle > MOST_IDLE],
            seed=run.seed,
            logger=Quiet(),
            raise_on_exception=False,
        )
        reason = host.reason or f"{MOST_IDLE} evaluations brought nothing new"
        return Found(adapter.graph_of(result.best_candidate), adapter.evaluations, reason)

    cases = (*train, *val)
    return await entertain(
        "GEPA", evolve, runner, graph, cases, run, rollouts=rollouts, parallel=parallel, settings=(critic,)
    )


class _Adapter:
    """Runs a candidate, which is a prompt for each agent, and shows GEPA what happened."""

    propose_new_texts = None  # GEPA's own

    def __init__(self, graph: GraphSpec, host: Host, critic: str) -> None:
        self.graph = graph
        self.host = host
        self.critic = critic
        self.evaluations = 0
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

        before = self.host.bench.rollouts
        try:
            done = self.host.rolled(self.graph_of(candidate), batch)
        except Over:
            if self.host.broken:
                raise
            done = []  # the budget is spent, and GEPA asks before it goes on
        self.evaluations += 1
        self.idle = 0 if self.host.bench.rollouts > before else self.idle + 1
        scores = [r.score or 0.0 for r in done] or [0.0] * len(batch)
        traces = list(done) if capture_traces else None
        return EvaluationBatch(
            outputs=[str(r.answer) for r in done] or [""] * len(batch), scores=scores, trajectories=traces
        )

    def reflect(self, prompt: str) -> str:
        request = ModelRequest(
            model=self.critic,
            messages=(Message(role="user", content=str(prompt)),),
            temperature=TEMPERATURE,
            seed=self.host.bench.ctx.seed,
            max_tokens=MOST_WRITTEN,
        )
        try:
            return self.host.ask(request).text
        except Over as over:
            if self.host.broken:
                raise
            raise RuntimeError(self.host.reason) from over  # GEPA drops this proposal, and asks before it goes on

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> dict[str, list[dict[str, Any]]]:
        return {name: [self._record(name, r) for r in eval_batch.trajectories or ()] for name in components_to_update}

    def _record(self, name: str, rollout: Rollout) -> dict[str, Any]:
        """What one agent heard and said in a rollout, with the verdict: as much as our own local critic sees."""
        layer_id, _, agent_id = name.partition("/")
        layer = find_layer(rollout.graph, layer_id)
        end = self.host.wait(nodes(rollout, self.host.bench.ctx))
        page = case_page(rollout, end, layer=layer_id)
        find_agent(find_team(layer), agent_id)
        sources = next(heard for x, heard in rollout.graph.wired() if x.id == layer_id)
        return {
            "Inputs": {"task": rollout.case.task, "layer": compact(layer_page(layer, sources)), "agent": name},
            "Generated Outputs": compact(page["said"]),
            "Feedback": compact({k: v for k, v in page.items() if k in ("score", "verdict", "wanted")}),
        }
