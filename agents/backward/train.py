"""The training loop: roll out, walk back, edit, pass the gate; within a budget, kept as rows, resumable at any event.

A training is a run of the store. It is executed the same way each time, and what it recorded is not done again: to resume one is
to execute it once more. The trainer sees the cases it is given and no others; a test split never comes near it.

Source: Ma et al., "Agentic Neural Networks", arXiv 2506.09046; the gate and the pool are explained where they stand.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field

from agents.answer import Answer
from agents.backward.edit import OF_TEXT, apply_all, edits_to_json
from agents.backward.editor import CannotEdit, Means
from agents.backward.gate import (
    Guard,
    Pairs,
    answers_in,
    becomes_incumbent,
    better_on_minibatch,
    dry_run,
    in_words,
    static,
)
from agents.backward.pool import Pool, Version
from agents.backward.rollout import Bench, Case, OutOfBudget, Rollout
from agents.backward.step import Backpropagation, Proposed, Proposer, Rates, Scene
from agents.context import Context
from agents.models.contract import BudgetExhausted, ModelError
from agents.models.ledger import Amount, Budget, spent_by
from agents.models.names import default_model
from agents.run import Runner, RunOptions
from agents.spec import GraphSpec, Spec, SpecError
from agents.team import error_info
from agents.watch import watched
from store.content import content_hash
from store.events import (
    Criticised,
    EditProposed,
    ErrorInfo,
    GateDecided,
    ModelCalled,
    Planned,
    RunFinished,
    RunStarted,
    TrainingStarted,
    VersionMade,
)
from store.log import RunLog

FEWEST_DECIDING = 12  # cases; fewer cannot tell a better network from a lucky one
Gate = Literal["strict", "pareto", "revert", "none"]
Status = Literal["answered", "budget_exhausted"]


class TrainOptions(Spec):
    """How a network is trained.

    Attributes:
        rates: The hyper-parameters of a step.
        steps: Steps at most.
        batch: Cases of a step.
        patience: Steps without an accepted edit after which the training ends.
        target: Score that counts as a success, above 0.
        gate: `pareto` starts each step from a version that leads on some case, `strict` from the best so far; `revert` keeps what
            does not lower the mean on the deciding cases; `none` keeps everything.
        structure: Whether anything but texts may change.
        warmup: First steps in which only texts change, unless three such edits in a row were refused.
        max_prompt_words: Longest prompt an edit may make.
        cost_cap: Tokens a case may cost, as a multiple of the best so far, unless two points are gained.
        parallel: Rollouts at a time.
        rollouts: Rollouts at most; None is no limit.
        models, tools: What an editor may give to agents, beside the tools they have.
    """

    rates: Rates = Rates()
    steps: int = Field(30, ge=0)
    batch: int = Field(4, ge=1)
    patience: int = Field(10, ge=1)
    target: float = Field(1.0, gt=0, le=1)
    gate: Gate = "pareto"
    structure: bool = True
    warmup: int = Field(0, ge=0)
    max_prompt_words: int = Field(400, ge=1)
    cost_cap: float = Field(1.25, gt=0)
    parallel: int = Field(4, ge=1)
    rollouts: int | None = Field(None, ge=0)
    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


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
        course = _Course(self.options, proposer, ctx, self.runner, graph, train, val)
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


@dataclass(frozen=True)
class _Verdict:
    accepted: bool
    reason: str
    version: Version | None = None
    incumbent: bool = False


class _Course:
    """One execution of a training: its pool, and the step it is at."""

    def __init__(
        self,
        options: TrainOptions,
        proposer: Proposer,
        ctx: Context,
        runner: Runner,
        graph: GraphSpec,
        train: Sequence[Case],
        val: Sequence[Case],
    ) -> None:
        self.options = options
        self.proposer = proposer
        self.ctx = ctx
        self.runner = runner
        self.train = train
        self.val = val
        self.bench = Bench(ctx, options.parallel, options.rollouts)
        self.guard = Guard.of(train, val)
        self.secrets = tuple(sorted({a for c in (*train, *val) for a in answers_in(c.expected)}))
        self.start = Version(graph, {})
        self.pool = Pool(self.start)
        self.seen = {graph.hash}
        self.steps = 0
        self.blamed: list[str] = []
        self.texts_refused = 0  # edits of texts alone that were refused in a row

    async def run(self) -> str:
        """Train; why it ended. Raises `OutOfBudget`."""
        if self.options.gate != "none":
            self.start = self._version(self.start.graph, await self.bench.run(self.start.graph, self.val))
            self.pool = Pool(self.start)
        self._log_version(self.start, "version/start", None, incumbent=True)
        idle = 0
        while self.steps < self.options.steps:
            dice = random.Random(f"{self.ctx.seed}/{self.steps}")
            parent = self.pool.draw(dice) if self.options.gate == "pareto" else self.pool.incumbent
            batch = await self._batch(parent.graph, dice)
            if not any(self._failed(r) for r in batch):
                if parent is self.pool.incumbent:
                    return "no training case is left that fails"
                parent = self.pool.incumbent
                batch = await self._batch(parent.graph, dice)
                if not any(self._failed(r) for r in batch):
                    return "no training case is left that fails"
            idle = 0 if await self._step(parent, batch, dice) else idle + 1
            self.steps += 1
            if idle >= self.options.patience:
                return f"no edit was accepted in {idle} steps"
        return f"{self.options.steps} steps are done"

    async def _step(self, parent: Version, batch: Sequence[Rollout], dice: random.Random) -> bool:
        """Propose an edit of the parent and put it through the gate; whether it was accepted."""
        k, log = self.steps, self.ctx.log
        made = Proposed()
        error: ErrorInfo | None = None
        candidate: GraphSpec | None = None
        try:
            await self.proposer.propose(self._scene(parent, batch, dice), made)
            candidate = apply_all(parent.graph, made.edits)
        except BudgetExhausted as e:
            raise OutOfBudget(error_info(e)) from e
        except (ModelError, CannotEdit, SpecError) as e:
            error = error_info(e)
        critique = log.put("[" + ",".join(i.model_dump_json() for i in made.gradient) + "]")
        if made.layer:
            self.blamed.append(made.layer)
            log.emit(
                f"step/{k}/criticised",
                Criticised(
                    step=k,
                    graph_hash=parent.graph.hash,
                    layer=made.layer,
                    blame=log.put(json.dumps(made.blame)),
                    gradient=critique,
                ),
            )
        edits = log.put(edits_to_json(made.edits)) if made.edits else None
        log.emit(
            f"step/{k}/proposed",
            EditProposed(
                step=k,
                graph_hash=parent.graph.hash,
                layer=made.layer,
                edits=edits,
                candidate=candidate.hash if candidate else "",
                error=error,
            ),
        )
        if candidate is None:
            self._hear(made, False, error.message if error else "")
            return False
        verdict = await self._gate(parent, candidate, batch)
        self.seen.add(candidate.hash)
        if verdict.version:
            self.pool.add(verdict.version, incumbent=verdict.incumbent)
            self._log_version(verdict.version, f"step/{k}/version", edits, critique, incumbent=verdict.incumbent)
        self._hear(made, verdict.accepted, f"{in_words(made.edits)}: {verdict.reason}")
        return verdict.accepted

    def _scene(self, parent: Version, batch: Sequence[Rollout], dice: random.Random) -> Scene:
        warm = self.steps >= self.options.warmup or self.texts_refused >= 3
        solved = [r for c in self.train if (r := self.bench.known(parent.graph, c)) and not self._failed(r)]
        tools = dict.fromkeys((*self.options.tools, *tools_of(parent.graph)))
        means = Means(
            models=self.options.models,
            tools=tuple(tools),
            solved=tuple(r for r in solved if r.score is not None)[:6],
            secrets=self.secrets,
        )
        return Scene(
            number=self.steps,
            graph=parent.graph,
            rollouts=batch,
            means=means,
            structure=self.options.structure and warm,
            target=self.options.target,
            bench=self.bench,
            ctx=replace(self.ctx, seed=self.ctx.seed + self.steps),
            dice=dice,
            refuses=lambda edits: self._static(parent.graph, apply_all(parent.graph, edits)),
        )

    async def _batch(self, graph: GraphSpec, dice: random.Random) -> list[Rollout]:
        """The minibatch: mostly cases that fail, with at least one that does not, sought in as few rollouts as it takes."""
        order = list(self.train)
        dice.shuffle(order)
        size = self.options.batch
        most = max(size - 1, 1)
        failed: list[Rollout] = []
        passed: list[Rollout] = []
        for k in range(0, len(order), size):
            for rollout in await self.bench.run(graph, order[k : k + size]):
                (failed if self._failed(rollout) else passed).append(rollout)
            if len(failed) >= most:
                break
        few = failed[:most]
        return [*few, *passed[: size - len(few)]]

    async def _gate(self, parent: Version, candidate: GraphSpec, batch: Sequence[Rollout]) -> _Verdict:
        """Put a candidate through the stages until one refuses it."""
        options = self.options
        if options.gate == "none":
            version = Version(candidate, {}, parent=parent.graph.hash, step=self.steps)
            self._log_gate(parent, candidate, "static", True, "there is no gate", incumbent=True)
            return _Verdict(True, "there is no gate", version, True)
        if why := self._static(parent.graph, candidate):
            return self._log_gate(parent, candidate, "static", False, why)
        if why := await dry_run(candidate, self.runner.executor):
            return self._log_gate(parent, candidate, "dry_run", False, why)
        if options.gate != "revert":
            child = await self.bench.run(candidate, [r.case for r in batch])
            pairs = Pairs.of(batch, child)
            if not better_on_minibatch(pairs):
                return self._log_gate(parent, candidate, "minibatch", False, f"not better: {pairs}", pairs)
        on_val = await self.bench.run(candidate, self.val)
        version = self._version(candidate, on_val, parent)
        best = self.pool.incumbent
        pairs = Pairs.of(await self.bench.run(best.graph, self.val), on_val)
        if options.gate == "revert":
            incumbent = pairs.gain >= 0
        else:
            incumbent = becomes_incumbent(pairs, solved=options.target, cost_cap=options.cost_cap)
        accepted = incumbent or (options.gate == "pareto" and self.pool.admits(version))
        verdict = self._log_gate(parent, candidate, "validation", accepted, str(pairs), pairs, incumbent)
        return replace(verdict, version=version if accepted else None)

    def _static(self, before: GraphSpec, after: GraphSpec) -> str:
        if self.options.gate == "none":
            return ""
        eta, most = self.options.rates.eta, self.options.max_prompt_words
        return static(before, after, self.guard, eta=eta, max_prompt_tokens=most, seen=self.seen)

    def _failed(self, rollout: Rollout) -> bool:
        return rollout.score is not None and rollout.score < self.options.target

    def _version(self, graph: GraphSpec, rollouts: Sequence[Rollout], parent: Version | None = None) -> Version:
        n = max(len(rollouts), 1)
        return Version(
            graph,
            {r.case.id: r.score for r in rollouts if r.score is not None},
            sum(r.tokens for r in rollouts) / n,
            sum(r.usd for r in rollouts) / n,
            parent.graph.hash if parent else "",
            self.steps if parent else -1,
        )

    def _hear(self, made: Proposed, accepted: bool, words: str) -> None:
        of_text = bool(made.edits) and all(e.op in OF_TEXT for e in made.edits)
        self.texts_refused = 0 if accepted else self.texts_refused + of_text
        self.proposer.note(made, accepted, words)

    def _log_gate(
        self,
        parent: Version,
        candidate: GraphSpec,
        stage: Literal["static", "dry_run", "minibatch", "validation"],
        accepted: bool,
        reason: str,
        pairs: Pairs | None = None,
        incumbent: bool = False,
    ) -> _Verdict:
        decided = GateDecided(
            step=self.steps,
            parent=parent.graph.hash,
            candidate=candidate.hash,
            stage=stage,
            accepted=accepted,
            incumbent=incumbent,
            reason=reason,
            table=self.ctx.log.put(pairs.to_json()) if pairs else None,
        )
        self.ctx.log.emit(f"step/{self.steps}/gate", decided)
        return _Verdict(accepted, reason, None, incumbent)

    def _log_version(
        self, version: Version, key: str, edits: str | None, critique: str | None = None, *, incumbent: bool
    ) -> None:
        log = self.ctx.log
        made = VersionMade(
            version=version.graph.hash,
            graph=log.put(version.graph.canonical()),
            step=version.step,
            parent=version.parent,
            edits=edits,
            critique=critique,
            scores=log.put(json.dumps(dict(version.scores))),
            mean=version.mean,
            tokens=version.tokens,
            usd=version.usd,
            incumbent=incumbent,
        )
        log.emit(key, made)


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


def tools_of(graph: GraphSpec) -> tuple[str, ...]:
    """The tools that any agent of a graph has."""
    return tuple(dict.fromkeys(t for x in graph.layers for team in x.teams for a in team.agents for t in a.tools))


def _ids(train: Sequence[Case], val: Sequence[Case]) -> dict[str, list[str]]:
    return {"train": [c.id for c in train], "val": [c.id for c in val]}
