"""The training loop: roll out, walk back, edit, pass the gate; within a budget, kept as rows, resumable at any event.

A training is a run of the store. It is executed the same way each time, and what it recorded is not done again: to resume one is
to execute it once more. The trainer sees the cases it is given and no others; a test split never comes near it.

Source: Ma et al., "Agentic Neural Networks", arXiv 2506.09046; the gate and the pool are explained where they stand.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agents.answer import Answer
from agents.backward.course import Course, TrainOptions
from agents.backward.pool import Version
from agents.backward.rollout import Case, OutOfBudget
from agents.backward.step import Backpropagation, Proposer
from agents.models.ledger import Amount, Budget, spent_by
from agents.models.names import default_model
from agents.run import Runner, RunOptions
from agents.spec import GraphSpec, SpecError
from agents.watch import watched
from store.content import content_hash
from store.events import (
    ErrorInfo,
    ModelCalled,
    Planned,
    RunFinished,
    RunStarted,
    TrainingStarted,
)
from store.log import RunLog

FEWEST_DECIDING = 12  # cases; fewer cannot tell a better network from a lucky one
Status = Literal["answered", "budget_exhausted"]


@dataclass(frozen=True)
class Fit:
    """How a training ended.

    Attributes:
        run_id: Its run in the store.
        best: The best version; the network that went in, where nothing was better.
        start: That network, with how it did.
        pool: All versions that lead on some deciding case.
        status: `budget_exhausted` where the budget ended it.
        reason: Why it ended, in words.
        blamed: The layer blamed in each step that had one.
    """

    run_id: str
    best: Version
    start: Version
    pool: tuple[Version, ...]
    status: Status
    reason: str
    steps: int
    rollouts: int
    spent: Amount
    blamed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.start.mean:.3f} -> {self.best.mean:.3f} on {len(self.best.scores)} deciding cases in {self.steps} steps, "
            f"{self.rollouts} rollouts: {self.reason}"
        )


@dataclass
class Trainer:
    """Trains networks on one store.

    Args:
        runner: What runs them.
        options: How.
        proposer: Makes the edits; textual backpropagation when left out.
    """

    runner: Runner
    options: TrainOptions = field(default_factory=TrainOptions)
    proposer: Callable[[], Proposer] | None = None

    async def fit(
        self,
        graph: GraphSpec,
        train: Sequence[Case],
        val: Sequence[Case],
        run: RunOptions = RunOptions(),
        *,
        name: str = "",
        parent: str | None = None,
    ) -> Fit:
        """Train a graph.

        Args:
            graph: Where it starts.
            train: Cases that it learns from.
            val: Cases that decide what is kept; at least twelve, and none of `train`.
            run: Model, budget of the whole training, seed.
            name: What is trained, for lists.
            parent: Run that this one continues.

        Raises:
            SpecError: The cases cannot be trained on.
        """
        check_cases(train, val)
        run = run.model_copy(update={"model": run.model or default_model()})
        task = f"Train {name or graph.name or 'a network'} on {len(train)} cases, {len(val)} decide"
        log = self.runner.store.start_run(
            task=task, model=run.model, seed=run.seed, parent=parent, relation="continue" if parent else None
        )
        return await self._execute(log, graph, train, val, run, name or graph.name, Amount())

    async def resume(
        self, run_id: str, train: Sequence[Case], val: Sequence[Case], *, budget: Budget | None = None
    ) -> Fit:
        """Go on with a training that was interrupted; or, in a new run, with one that its budget ended.

        Args:
            run_id: The training, or the beginning of its id.
            train, val: Its cases.
            budget: What the continuation may spend in all; left out, as before.

        Raises:
            SpecError: The run is no training, is finished, or was made with other cases or another trainer.
        """
        from store import get_events, get_run

        row = get_run(self.runner.store, run_id)
        if row.status == "answered":
            raise SpecError(f"training {row.id} is finished")
        begun = next((r.event for r in get_events(self.runner.store, row.id, kind=TrainingStarted)), None)
        started = next((r.event for r in get_events(self.runner.store, row.id, kind=RunStarted)), None)
        if not isinstance(begun, TrainingStarted) or not isinstance(started, RunStarted):
            raise SpecError(f"run {row.id} is no training that had begun")
        text = self.runner.store.text
        if json.loads(text(begun.cases)) != _ids(train, val):
            raise SpecError(f"training {row.id} was made with other cases")
        self.options = TrainOptions.model_validate_json(text(begun.settings))
        graph = GraphSpec.model_validate_json(text(begun.graph))
        run = RunOptions.model_validate(json.loads(text(started.options))["options"])
        if budget is not None:
            run = run.model_copy(update={"budget": budget})
        if row.status in ("running", "interrupted"):
            log = self.runner.store.resume_run(row.id)
            spent = spent_by(r.event for r in get_events(self.runner.store, row.id, kind=ModelCalled))
            return await self._execute(log, graph, train, val, run, begun.name, spent)
        return await self.fit(graph, train, val, run, name=begun.name, parent=row.id)

    async def _execute(
        self,
        log: RunLog,
        graph: GraphSpec,
        train: Sequence[Case],
        val: Sequence[Case],
        run: RunOptions,
        name: str,
        spent: Amount,
    ) -> Fit:
        log = watched(log, self.runner.watch)
        ctx = self.runner.context(log, run, spent=spent)
        options = json.dumps({"options": run.model_dump(mode="json"), "graph": graph.canonical(), "training": True})
        task = f"Train {name or graph.name or 'a network'} on {len(train)} cases, {len(val)} decide"
        log.emit("run/started", RunStarted(task=log.put(task), options=log.put(options), seed=run.seed))
        log.emit(
            "training/started",
            TrainingStarted(
                name=name,
                graph_hash=graph.hash,
                graph=log.put(graph.canonical()),
                settings=log.put(self.options.model_dump_json()),
                cases=log.put(json.dumps(_ids(train, val))),
            ),
        )
        await log.durable()
        proposer = self.proposer() if self.proposer else Backpropagation(self.options.rates)
        course = Course(self.options, proposer, ctx, self.runner.executor, graph, train, val)
        status: Status = "answered"
        error: ErrorInfo | None = None
        try:
            reason = await course.run()
        except OutOfBudget as e:
            status, error, reason = "budget_exhausted", e.error, e.error.message
        except BaseException:
            log.release()  # left interrupted, so that it can be resumed
            raise
        best = course.pool.incumbent
        log.emit("training/best", Planned(graph=log.put(best.graph.canonical()), graph_hash=best.graph.hash))
        kept = Answer(text=best.graph.canonical()).keep(log)
        log.emit("run/finished", RunFinished(status=status, answer=kept, error=error))
        await log.durable()
        return Fit(
            run_id=log.run_id,
            best=best,
            start=course.start,
            pool=tuple(course.pool.versions),
            status=status,
            reason=reason,
            steps=course.steps,
            rollouts=course.bench.rollouts,
            spent=ctx.gateway.ledger.spent,
            blamed=tuple(course.blamed),
        )


def check_cases(train: Sequence[Case], val: Sequence[Case]) -> None:
    """Raise `SpecError` unless the cases can be trained on."""
    ids = [c.id for c in (*train, *val)]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise SpecError(f"case {twice[0]} is there twice; what is learned from must not decide")
    if not train:
        raise SpecError("there is no case to learn from")
    if len(val) < FEWEST_DECIDING:
        raise SpecError(f"{len(val)} cases decide, which is too few to tell better from lucky: give {FEWEST_DECIDING}")


def split(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Cases to learn from and cases that decide, four to three, by a hash of the id: the same case is always on the same side."""
    train: list[Case] = []
    val: list[Case] = []
    for case in cases:
        (train if int(content_hash(case.id)[:8], 16) % 7 < 4 else val).append(case)
    return train, val


def _ids(train: Sequence[Case], val: Sequence[Case]) -> dict[str, list[str]]:
    return {"train": [c.id for c in train], "val": [c.id for c in val]}
