"""Ways to improve a network, all with the same cases, the same budget, and the same count of rollouts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agents import GraphSpec, Runner, RunOptions
from agents.backward import Trainer, TrainOptions
from agents.backward.rollout import Case
from agents.backward.step import Rates
from experiments.systems.dspy_optimiser import dspy_fit
from experiments.systems.gepa_optimiser import gepa_fit
from experiments.systems.guest import Found
from experiments.systems.random_edits import RandomEdits
from experiments.systems.textgrad_revert import textgrad_trainer
from store import list_runs


@dataclass(frozen=True)
class Improved:
    """What a method made of a network."""

    graph: GraphSpec
    rollouts: int
    steps: int
    blamed: tuple[str, ...] = ()
    run_id: str = ""
    reason: str = ""  # what was done, and why it ended, in words
    tokens: int = 0  # spent on it


class Method(Protocol):
    """A way to improve a network. With a name, one that was interrupted under this name goes on."""

    async def __call__(
        self,
        runner: Runner,
        graph: GraphSpec,
        train: Sequence[Case],
        val: Sequence[Case],
        run: RunOptions,
        options: TrainOptions,
        /,
        name: str = "",
    ) -> Improved: ...


MANY_STEPS = 200  # for rivals, whom the rollouts end


def _trained(rates: dict[str, Any] | None = None, proposer: Any = None, **changes: Any) -> Method:
    def trainer(runner: Runner, options: TrainOptions) -> Trainer:
        given: dict[str, Any] = dict(changes)
        if rates:
            given["rates"] = Rates.model_validate({**options.rates.model_dump(), **rates})
        return Trainer(runner, options.model_copy(update=given), proposer)

    return _by(trainer)


def _by(trainer: Callable[[Runner, TrainOptions], Trainer]) -> Method:
    async def improve(
        runner: Runner,
        graph: GraphSpec,
        train: Sequence[Case],
        val: Sequence[Case],
        run: RunOptions,
        options: TrainOptions,
        /,
        name: str = "",
    ) -> Improved:
        made = trainer(runner, options)
        left = list_runs(runner.store, status="interrupted", text=f"Train {name} on", limit=1).runs if name else ()
        fit = await (made.resume(left[0].id, train, val) if left else made.fit(graph, train, val, run, name=name))
        return Improved(fit.best.graph, fit.rollouts, fit.steps, fit.blamed, fit.run_id, str(fit), fit.spent.tokens)

    return improve


async def _gepa(
    runner: Runner,
    graph: GraphSpec,
    train: Sequence[Case],
    val: Sequence[Case],
    run: RunOptions,
    options: TrainOptions,
    /,
    name: str = "",
) -> Improved:
    critic, parallel = options.rates.critic, options.parallel
    found = await gepa_fit(runner, graph, train, val, run, rollouts=_most(options), parallel=parallel, critic=critic)
    return _found(found, "evaluations")


async def _dspy(
    runner: Runner,
    graph: GraphSpec,
    train: Sequence[Case],
    val: Sequence[Case],
    run: RunOptions,
    options: TrainOptions,
    /,
    name: str = "",
) -> Improved:
    critic, parallel, target = options.rates.critic, options.parallel, options.target
    found = await dspy_fit(
        runner, graph, train, val, run, rollouts=_most(options), target=target, parallel=parallel, critic=critic
    )
    return _found(found, "combinations")


def _found(found: Found, steps: str) -> Improved:
    words = f"{found.steps} {steps} in {found.rollouts} rollouts: {found.reason}"
    return Improved(found.graph, found.rollouts, found.steps, reason=words, tokens=found.tokens)


def _most(options: TrainOptions) -> int:
    return options.rollouts if options.rollouts is not None else 10_000


_long: dict[str, Any] = {"steps": MANY_STEPS, "patience": MANY_STEPS}
METHODS: dict[str, Method] = {
    "ours": _trained(),
    "revert": _trained(gate="revert", **_long),
    "random": _trained(proposer=RandomEdits, **_long),
    "gepa": _gepa,
    "dspy": _dspy,
    "textgrad": _by(textgrad_trainer),
    "no_momentum": _trained({"alpha": 1.0}),
    "no_gate": _trained(gate="none"),
    "no_global": _trained({"beta": 0.0}),
    "no_backward": _trained({"backward": False}),
    "no_structure": _trained(structure=False),
}
RIVALS = ("ours", "gepa", "revert", "random")
ABLATIONS = ("ours", "no_momentum", "no_gate", "no_global", "no_backward", "no_structure")
OF_LANGUAGE = ("dspy", "textgrad")
"""Rivals whose requests only a model of language can answer; the simulated one knows none of them."""
