"""Ways to improve a network, all with the same cases, the same budget, and the same count of rollouts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents import GraphSpec, Runner, RunOptions
from agents.backward import Trainer, TrainOptions
from agents.backward.rollout import Case
from agents.backward.step import Rates
from experiments.systems.gepa_optimiser import gepa_fit
from experiments.systems.random_edits import RandomEdits


@dataclass(frozen=True)
class Improved:
    """What a method made of a network."""

    graph: GraphSpec
    rollouts: int
    steps: int
    blamed: tuple[str, ...] = ()
    run_id: str = ""
    reason: str = ""


Method = Callable[[Runner, GraphSpec, Sequence[Case], Sequence[Case], RunOptions, TrainOptions], Awaitable[Improved]]
MANY_STEPS = 200  # for rivals, whom the rollouts end


def _trained(rates: dict[str, Any] | None = None, proposer: Any = None, **changes: Any) -> Method:
    async def improve(
        runner: Runner,
        graph: GraphSpec,
        train: Sequence[Case],
        val: Sequence[Case],
        run: RunOptions,
        options: TrainOptions,
    ) -> Improved:
        given: dict[str, Any] = dict(changes)
        if rates:
            given["rates"] = Rates.model_validate({**options.rates.model_dump(), **rates})
        trainer = Trainer(runner, options.model_copy(update=given), proposer)
        fit = await trainer.fit(graph, train, val, run)
        return Improved(fit.best.graph, fit.rollouts, fit.steps, fit.blamed, fit.run_id, fit.reason)

    return improve


async def _gepa(
    runner: Runner,
    graph: GraphSpec,
    train: Sequence[Case],
    val: Sequence[Case],
    run: RunOptions,
    options: TrainOptions,
) -> Improved:
    most = options.rollouts if options.rollouts is not None else 10_000
    evolved = await gepa_fit(
        runner, graph, train, val, run, rollouts=most, parallel=options.parallel, critic=options.rates.critic
    )
    return Improved(evolved.graph, evolved.rollouts, evolved.steps)


_long: dict[str, Any] = {"steps": MANY_STEPS, "patience": MANY_STEPS}
METHODS: dict[str, Method] = {
    "ours": _trained(),
    "revert": _trained(gate="revert", **_long),
    "random": _trained(proposer=RandomEdits, **_long),
    "gepa": _gepa,
    "no_momentum": _trained({"alpha": 1.0}),
    "no_gate": _trained(gate="none"),
    "no_global": _trained({"beta": 0.0}),
    "no_backward": _trained({"backward": False}),
    "no_structure": _trained(structure=False),
}
RIVALS = ("ours", "gepa", "revert", "random")
ABLATIONS = ("ours", "no_momentum", "no_gate", "no_global", "no_backward", "no_structure")
