"""Learning inside one task: an answer that misses its target goes back once through the critics, and the task is tried again.

There is no training set here, so the score must come without a reference: a checker, judges, or a tool's own metric.
"""

import json
import random
from dataclasses import dataclass
from typing import Literal

from agents.answer import Answer
from agents.backward.course import tools_of
from agents.backward.dry import dry_run
from agents.backward.edit import Edit, apply_all, edits_to_json
from agents.backward.editor import CannotEdit, Means
from agents.backward.gate import Guard, in_words, static
from agents.backward.rollout import Bench, Case, OutOfBudget, Rollout
from agents.backward.step import Backpropagation, Proposed, Rates, Scene
from agents.context import Context
from agents.loss import Loss, Scorer
from agents.models.contract import BudgetExhausted, ModelError
from agents.models.ledger import Amount
from agents.models.names import default_model
from agents.run import Runner, RunOptions
from agents.spec import GraphSpec, SpecError
from agents.team import error_info
from agents.watch import watched
from store.events import EditProposed, ErrorInfo, GateDecided, Planned, RunFinished, RunStarted
from tools import Executor

MOST_WORDS = 400  # of a prompt


@dataclass(frozen=True)
class Bettered:
    """What became of a task that was tried several times.

    Attributes:
        answer: The best answer, with its loss.
        graph: The network that gave it; the one that went in, where no edit helped.
        edits: What lies between the two.
        scores: Score of each try, the first one first; None where it could not be scored.
    """

    run_id: str
    answer: Answer | None
    loss: Loss | None
    graph: GraphSpec
    edits: tuple[Edit, ...]
    scores: tuple[float | None, ...]
    spent: Amount
    error: ErrorInfo | None = None


async def run_until(
    runner: Runner,
    graph: GraphSpec,
    task: str,
    scorer: Scorer,
    options: RunOptions,
    *,
    target: float = 1.0,
    tries: int = 2,
) -> Bettered:
    """Run a task; while its score misses the target, edit the network by one backward pass over the run, and run it again.

    Args:
        runner, graph, task, options: As for a run; the budget covers all tries.
        scorer: Scores an answer without a reference.
        target: Score that is good enough.
        tries: Edits tried at most.
    """
    options = options.model_copy(update={"model": options.model or default_model()})
    log = watched(runner.store.start_run(task=task, model=options.model, seed=options.seed), runner.watch)
    given = json.dumps({"options": options.model_dump(mode="json"), "graph": graph.canonical(), "training": True})
    log.emit("run/started", RunStarted(task=log.put(task), options=log.put(given), seed=options.seed))
    log.emit("plan/planned", Planned(graph=log.put(graph.canonical()), graph_hash=graph.hash))
    ctx = runner.context(log, options)
    work = _Tries(ctx, runner.executor, graph, Case("task", task, scorer), target)
    error: ErrorInfo | None = None
    try:
        await work.first()
        for k in range(tries):
            if work.good_enough:
                break
            await work.again(k)
    except OutOfBudget as e:
        error = e.error
    except BaseException:
        log.release()
        raise
    best = work.best
    answer = best.answer if best else None
    error = error or (best.error if best else None)
    ended: Literal["answered", "refused", "failed", "budget_exhausted"] = "failed"
    if error and error.kind == BudgetExhausted.kind:
        ended = "budget_exhausted"
    elif answer:
        ended = "refused" if answer.refused else "answered"
    kept = answer.keep(log) if answer else None
    log.emit("run/finished", RunFinished(status=ended, answer=kept, error=error))
    await log.durable()
    return Bettered(
        run_id=log.run_id,
        answer=answer,
        loss=best.loss if best else None,
        graph=work.graph,
        edits=work.edits,
        scores=tuple(work.scores),
        spent=ctx.gateway.ledger.spent,
        error=error,
    )


class _Tries:
    """The best try so far, and how the next one is made from it."""

    def __init__(self, ctx: Context, executor: Executor, graph: GraphSpec, case: Case, target: float) -> None:
        self.ctx = ctx
        self.executor = executor
        self.graph = graph
        self.case = case
        self.target = target
        self.best: Rollout | None = None
        self.edits: tuple[Edit, ...] = ()
        self.scores: list[float | None] = []
        self._bench = Bench(ctx, 1)
        self._rates = Rates()
        self._proposer = Backpropagation(self._rates)
        self._guard = Guard.of([case], [])
        self._seen = {graph.hash}

    @property
    def good_enough(self) -> bool:
        """Whether nothing is to be gained: the score is there, or nobody can tell it."""
        return self.best is None or self.best.score is None or self.best.score >= self.target

    async def first(self) -> None:
        """The task as it is."""
        self.best = await self._run(self.graph)

    async def again(self, k: int) -> None:
        """One backward pass over the best try, and one try more if it made an edit that may be."""
        made = Proposed()
        error: ErrorInfo | None = None
        candidate: GraphSpec | None = None
        try:
            await self._proposer.propose(self._scene(k), made)
            candidate = apply_all(self.graph, made.edits)
        except BudgetExhausted as e:
            raise OutOfBudget(error_info(e)) from e
        except (ModelError, CannotEdit, SpecError) as e:
            error = error_info(e)
        log = self.ctx.log
        proposed = EditProposed(
            step=k,
            graph_hash=self.graph.hash,
            layer=made.layer,
            edits=log.put(edits_to_json(made.edits)) if made.edits else None,
            candidate=candidate.hash if candidate else "",
            error=error,
        )
        log.emit(f"step/{k}/proposed", proposed)
        if candidate is None:
            self._proposer.note(made, False, error.message if error else "")
            return
        why = self._refuses(candidate) or await dry_run(candidate, self.executor)
        self._seen.add(candidate.hash)
        tried = None if why else await self._run(candidate)
        before = self.best.score if self.best else None
        better = tried is not None and (tried.score or 0.0) > (before or 0.0)
        reason = why or f"the score {before} became {tried.score if tried else None}"
        decided = GateDecided(
            step=k,
            parent=self.graph.hash,
            candidate=candidate.hash,
            stage="static" if why else "minibatch",
            accepted=better,
            incumbent=better,
            reason=reason,
        )
        log.emit(f"step/{k}/gate", decided)
        self._proposer.note(made, better, f"{in_words(made.edits)}: {reason}")
        if better:
            self.best, self.graph, self.edits = tried, candidate, (*self.edits, *made.edits)

    def _refuses(self, candidate: GraphSpec) -> str:
        eta = self._rates.eta
        return static(self.graph, candidate, self._guard, eta=eta, max_prompt_tokens=MOST_WORDS, seen=self._seen)

    async def _run(self, graph: GraphSpec) -> Rollout:
        (rollout,) = await self._bench.run(graph, [self.case])
        self.scores.append(rollout.score)
        return rollout

    def _scene(self, k: int) -> Scene:
        assert self.best is not None  # the first try is done
        return Scene(
            number=k,
            graph=self.graph,
            rollouts=[self.best],
            means=Means(tools=tools_of(self.graph)),
            structure=True,
            target=self.target,
            bench=self._bench,
            ctx=self.ctx,
            dice=random.Random(f"{self.ctx.seed}/{k}"),
            refuses=lambda edits: self._refuses(apply_all(self.graph, edits)),
        )
