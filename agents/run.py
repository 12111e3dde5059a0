"""A run: one task through one network, from the first event to the last; resumable, replayable, within its budget.

A run is executed the same way each time. What it recorded before is not done again, so resuming after a kill is executing it once
more, and replaying is executing it on a log that writes nothing.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from agents.answer import Answer
from agents.context import Context
from agents.forward import forward
from agents.hands import Hands
from agents.loss import Loss, Scorer
from agents.models.contract import ModelError, NotRecorded, Provider
from agents.models.gateway import Gateway
from agents.models.ledger import Amount, Budget, spent_by
from agents.models.names import default_model
from agents.plan import plan
from agents.records import Records, asked_by
from agents.spec import GraphSpec, ModelName, Spec, SpecError
from agents.team import TeamFailed, error_info
from agents.watch import Watch, watched
from store.events import ErrorInfo, ModelCalled, Planned, RunFinished, RunStarted, Scored
from store.log import RunLog
from tools import Executor

if TYPE_CHECKING:
    from store import Difference, Run, Store

Status = Literal["answered", "refused", "failed", "budget_exhausted", "cancelled"]


class RunOptions(Spec):
    """What a run may use. An empty model means the default one."""

    model: ModelName = ""
    budget: Budget = Budget()
    seed: int = 0
    deadline_s: float = 300.0  # of one attempt at one model call
    attempts: int = 4
    backoff_s: float = 1.0  # before the second attempt; doubles


@dataclass(frozen=True)
class RunResult:
    """How a run ended. A run stopped by its budget still carries the best answer it had."""

    run_id: str
    status: Status
    answer: Answer | None
    error: ErrorInfo | None
    graph: GraphSpec | None
    spent: Amount
    loss: Loss | None = None

    def __str__(self) -> str:
        return (
            self.answer.text if self.answer else f"{self.status}: {self.error.message if self.error else 'no answer'}"
        )


class CannotResume(Exception):
    """The run has its answer, or was killed before it had begun; there is nothing to go on with."""


@dataclass(frozen=True)
class Origin:
    """What a run was started with: everything that executing it again needs."""

    task: str
    options: RunOptions
    graph: GraphSpec | None

    def event(self, log: RunLog) -> RunStarted:
        given = {"options": self.options.model_dump(mode="json"), "graph": self.graph and self.graph.canonical()}
        return RunStarted(task=log.put(self.task), options=log.put(json.dumps(given)), seed=self.options.seed)

    @classmethod
    def of(cls, store: "Store", run: "Run") -> "Origin":
        from store import get_events

        started = next((r.event for r in get_events(store, run.id, kind=RunStarted)), None)
        if not isinstance(started, RunStarted):
            raise CannotResume(f"run {run.id} was killed before it had begun; start it again")
        given = json.loads(store.text(started.options))
        if given.get("training"):
            raise CannotResume(
                f"run {run.id} is a training, no single run; `backprose train SUITE --resume {run.id}` goes on with it"
            )
        graph = GraphSpec.model_validate_json(given["graph"]) if given["graph"] else None
        return cls(store.text(started.task), RunOptions.model_validate(given["options"]), graph)


@dataclass
class Runner:
    """Executes runs on one store.

    Args:
        store: Where runs are kept.
        providers: Model providers by name, for models that no name reaches (tests, one's own).
        executor: Where tools run; by default worker processes of this machine.
        watch: Called with the key and the event of whatever happens, as it happens.
        checker: Scores an answer without a model, higher is better; `best_of_n` picks by it.
    """

    store: "Store"
    providers: Mapping[str, Provider] = field(default_factory=dict)
    executor: Executor = field(default_factory=Executor)
    watch: Watch | None = None
    checker: Callable[[Answer], float] | None = None

    async def run(
        self,
        task: str,
        options: RunOptions = RunOptions(),
        *,
        graph: GraphSpec | None = None,
        scorer: Scorer | None = None,
        parent: str | None = None,
        relation: Literal["fork", "continue"] | None = None,
    ) -> RunResult:
        """Run a task through a graph, or through one planned for it."""
        options = options.model_copy(update={"model": options.model or default_model()})
        log = self.store.start_run(task=task, model=options.model, seed=options.seed, parent=parent, relation=relation)
        return await self._execute(log, Origin(task, options, graph), scorer=scorer)

    async def plan(self, task: str, options: RunOptions = RunOptions()) -> GraphSpec:
        """Plan a network for a task without running it; logged as a run of its own. Raises `ModelError`."""
        options = options.model_copy(update={"model": options.model or default_model()})
        log = watched(self.store.start_run(task=task, model=options.model, seed=options.seed), self.watch)
        log.emit("run/started", Origin(task, options, None).event(log))
        try:
            made = await plan(task, self.context(log, options))
        except ModelError as e:
            log.emit("run/finished", RunFinished(status="failed", error=error_info(e)))
            raise
        log.emit(
            "run/finished",
            RunFinished(status="answered", answer=Answer(text=made.graph.canonical()).keep(log)),
        )
        await log.durable()
        return made.graph

    async def resume(self, run_id: str, *, budget: Budget | None = None, scorer: Scorer | None = None) -> RunResult:
        """Go on with a run that was interrupted, or continue in a new run one that ended without an answer.

        Args:
            run_id: The run, or the beginning of its id.
            budget: What the continuation may spend; left out, as before.
            scorer: How the answer is scored, if it is.

        Raises:
            CannotResume: The run has its answer, or had not begun.
            RunAlive: A living process still executes it.
        """
        from store import get_events, get_run

        run = get_run(self.store, run_id)
        if run.status in ("answered", "refused"):
            raise CannotResume(
                f"run {run.id} is finished ({run.status}); `backprose runs show {run.id}` shows its answer"
            )
        origin = Origin.of(self.store, run)
        options = origin.options.model_copy(update={"budget": budget or origin.options.budget})
        if run.status in ("running", "interrupted"):
            log = self.store.resume_run(run.id)
            spent = spent_by(r.event for r in get_events(self.store, run.id, kind=ModelCalled))
            return await self._execute(log, replace(origin, options=options), spent=spent, scorer=scorer)
        graph = origin.graph or self._planned(run)
        return await self.run(origin.task, options, graph=graph, scorer=scorer, parent=run.id, relation="continue")

    async def replay(self, run_id: str, *, scorer: Scorer | None = None) -> tuple[RunResult, tuple["Difference", ...]]:
        """Execute a finished run from its log alone and compare every event with the recorded one.

        Args:
            run_id: The run, or the beginning of its id.
            scorer: What scored it; left out, its verdict is taken as it was recorded.

        Raises:
            NotRecorded: The run would make a call that the log does not hold.
        """
        from store import get_events, get_run

        run = get_run(self.store, run_id)
        log = self.store.replay_run(run.id)
        result = await self._execute(log, Origin.of(self.store, run), scorer=scorer, replay=True)
        if scorer is None:
            for record in get_events(self.store, run.id, prefix="loss/"):
                log.emit(record.key, record.event)
        return result, log.differences()

    def close(self) -> None:
        """Stop the workers. The store stays open; it belongs to who opened it."""
        self.executor.close()

    async def _execute(
        self,
        log: RunLog,
        origin: Origin,
        *,
        spent: Amount = Amount(),
        scorer: Scorer | None = None,
        replay: bool = False,
    ) -> RunResult:
        log = watched(log, self.watch)
        graph = origin.graph
        ctx = self.context(log, origin.options, spent=spent, replay=replay)
        log.emit("run/started", origin.event(log))
        await log.durable()  # a run that is killed from here on can be resumed
        answer: Answer | None = None
        error: ErrorInfo | None = None
        loss: Loss | None = None
        try:
            graph, ctx = await self._ready(origin, ctx)
            answer = await forward(graph, origin.task, ctx)
            loss = await self._scored(scorer, origin.task, answer, ctx) if scorer else None
            status: Status = "refused" if answer.refused else "answered"
        except NotRecorded:
            raise
        except (ModelError, TeamFailed, SpecError) as e:
            error = error_info(e)
            answer = e.best if isinstance(e, TeamFailed) else answer  # an answer that could not be scored stays one
            status = "budget_exhausted" if error.kind == "budget_exhausted" else "failed"
        except asyncio.CancelledError:
            log.emit("run/finished", RunFinished(status="cancelled"))
            await log.durable()
            raise
        except BaseException:
            log.release()  # a bug or a broken store: the run is left interrupted, so that it can be resumed
            raise
        kept = answer.keep(log) if answer else None
        log.emit("run/finished", RunFinished(status=status, answer=kept, error=error))
        await log.durable()
        return RunResult(log.run_id, status, answer, error, graph, ctx.gateway.ledger.spent, loss)

    def context(self, log: RunLog, options: RunOptions, *, spent: Amount = Amount(), replay: bool = False) -> Context:
        """What a forward pass has in hand when it is executed on a log; `spent` is what earlier executions paid."""
        gateway = Gateway(
            log,
            budget=options.budget,
            spent=spent,
            providers=self.providers,
            deadline_s=options.deadline_s,
            attempts=options.attempts,
            backoff_s=options.backoff_s,
            replay=replay,
        )
        hands = Hands(log, self.executor, replay=replay)
        return Context(
            log=log, gateway=gateway, hands=hands, model=options.model, seed=options.seed, checker=self.checker
        )

    async def _ready(self, origin: Origin, ctx: Context) -> tuple[GraphSpec, Context]:
        """The graph that runs, and a context that knows how its teams did before."""
        if origin.graph is None:
            made = await plan(origin.task, ctx)
            return made.graph, replace(ctx, task_kind=made.task_kind)
        graph = origin.graph
        records = self._known(graph, ctx.log) if asked_by(graph) else None
        planned = Planned(
            graph=ctx.log.put(graph.canonical()),
            graph_hash=graph.hash,
            records=ctx.log.put(records.to_json()) if records else None,
        )
        ctx.log.emit("plan/planned", planned)
        if records is None:
            return graph, ctx
        return graph, replace(ctx, task_kind=graph.name, teams=records.teams, agents=records.agents)

    def _known(self, graph: GraphSpec, log: RunLog) -> Records:
        """What earlier runs say of the graph's teams; for a run that has begun before, what they said then."""
        begun = log.find("plan/planned")
        if isinstance(begun, Planned) and begun.records:
            return Records.from_json(log.text(begun.records))
        return Records.of(self.store, graph)

    async def _scored(self, scorer: Scorer, task: str, answer: Answer, ctx: Context) -> Loss:
        loss = await scorer(task, answer, ctx)
        ctx.log.emit("loss/scored", Scored(by=loss.by, score=loss.score, words=loss.words))
        return loss

    def _planned(self, run: "Run") -> GraphSpec | None:
        from store import get_events

        for record in get_events(self.store, run.id, kind=Planned):
            assert isinstance(record.event, Planned)  # asked for by kind
            return GraphSpec.model_validate_json(self.store.text(record.event.graph))
        return None
