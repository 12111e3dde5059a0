"""The course of a training: from the first rollout to the last step, with its pool and its gate.

draw a parent from the pool -> roll out a minibatch -> one backward pass -> edits -> the gate -> the pool
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from agents.backward.dry import dry_run
from agents.backward.edit import OF_TEXT, apply_all, edits_to_json
from agents.backward.editor import CannotEdit, Means
from agents.backward.gate import Guard, Pairs, answers_in, becomes_incumbent, better_on_minibatch, in_words, static
from agents.backward.pool import Pool, Version
from agents.backward.rollout import Bench, Case, OutOfBudget, Rollout
from agents.backward.step import Proposed, Proposer, Rates, Scene
from agents.context import Context
from agents.models.contract import BudgetExhausted, ModelError
from agents.spec import GraphSpec, Spec, SpecError
from agents.team import error_info
from store.events import Criticised, EditProposed, ErrorInfo, GateDecided, VersionMade
from tools import Executor

Gate = Literal["strict", "pareto", "revert", "none"]


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
class _Verdict:
    accepted: bool
    reason: str
    version: Version | None = None
    incumbent: bool = False


class Course:
    """One execution of a training: its pool, and the step it is at."""

    def __init__(
        self,
        options: TrainOptions,
        proposer: Proposer,
        ctx: Context,
        executor: Executor,
        graph: GraphSpec,
        train: Sequence[Case],
        val: Sequence[Case],
    ) -> None:
        self.options = options
        self.proposer = proposer
        self.ctx = ctx
        self.executor = executor
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
        if why := await dry_run(candidate, self.executor):
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


def tools_of(graph: GraphSpec) -> tuple[str, ...]:
    """The tools that any agent of a graph has."""
    return tuple(dict.fromkeys(t for x in graph.layers for team in x.teams for a in team.agents for t in a.tools))
