"""Somebody else's optimiser as a guest: it runs in a thread of its own, and has rollouts and replies from our engine.

Both are counted, bounded and kept as they are for our own. A search is a run of the store: one that was interrupted is executed
once more, what its log holds is not done again, and its budget is the one it had.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Any, NoReturn, TypeVar

from agents import Answer, GraphSpec, Runner, RunOptions
from agents.backward.rollout import NOT_THE_GRAPH, Bench, Case, OutOfBudget, Rollout
from agents.models import BudgetExhausted, ModelError, ModelReply, ModelRequest, Truncated, Unreachable, spent_by
from store import RunLog, Store, content_hash, get_events, list_runs
from store.events import ModelCalled, RunFinished

Result = TypeVar("Result")


class Over(BaseException):
    """The search ends here. No `Exception`, for optimisers take those for wrong answers of a program."""


@dataclass(frozen=True)
class Found:
    """The best graph a guest found, what it took, and why it ended. What a step is, the guest says."""

    graph: GraphSpec
    steps: int
    reason: str
    rollouts: int = 0
    tokens: int = 0


class Host:
    """What a guest has of our engine; the thread calls, and the event loop that made the host does the work."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.reason = ""  # why the search is over, once it is
        self.broken: Exception | None = None  # what went wrong in the engine, or with the model
        self._loop = asyncio.get_running_loop()
        self._asked = count()
        self._work: Future[Any] | None = None

    def rolled(self, graph: GraphSpec, cases: Sequence[Case]) -> list[Rollout]:
        """The cases' rollouts, in their order. Raises `Over`."""
        try:
            done = self.wait(self.bench.run(graph, cases))
        except OutOfBudget as e:
            self.end(str(e))
        if len(done) > 1 and all(r.score is None for r in done):  # one alone may be chance
            self._break(Unreachable(done[0].words))
        return done

    def ask(self, request: ModelRequest) -> ModelReply:
        """What a model replies to the guest itself; what was cut off, too. Raises `Over`; `ModelError` where it is of no use."""
        k = next(self._asked)
        own = request.model_copy(update={"seed": request.seed + k})  # who asks the same again wants another reply
        try:
            return self.wait(self.bench.ctx.gateway.call(own, at=f"ask/{k}", purpose="critic"))
        except BudgetExhausted as e:
            self.end(e.message)
        except Truncated as e:
            if e.reply:
                return e.reply
            raise
        except ModelError as e:
            if e.kind in NOT_THE_GRAPH:
                self._break(e)
            raise

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What a coroutine of the engine gives. A bug in it ends the search; a guest would take it for a wrong answer."""
        if self.reason:
            work.close()
            raise Over
        self._work = doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return doing.result()
        except (OutOfBudget, ModelError):
            raise
        except Exception as e:
            self._break(e)

    def end(self, reason: str) -> NoReturn:
        """End the search: it is over for all that comes after, too."""
        self.reason = self.reason or reason
        raise Over

    def leave(self) -> None:
        """The guest is not waited for any longer, so it gets nothing more."""
        self.reason = self.reason or "cancelled"
        if self._work:
            self._work.cancel()

    def _break(self, error: Exception) -> NoReturn:
        self.broken = self.broken or error
        self.end(repr(error))


async def entertain(
    name: str,
    search: Callable[[Host], Found],
    runner: Runner,
    graph: GraphSpec,
    cases: Sequence[Case],
    run: RunOptions,
    *,
    rollouts: int,
    parallel: int,
    settings: Sequence[Any] = (),
) -> Found:
    """Let a guest search, with at most so many rollouts and within the budget of `run`.

    Args:
        name: The guest's, for lists of runs.
        search: The guest. It is called in a thread, and may let `Over` pass where `host.broken` says what went wrong.
        graph, cases, settings: What it begins with. A search with the same of all that was interrupted goes on.

    Raises:
        ModelError: The model cannot be reached.
    """
    given = (graph.hash, [c.id for c in cases], run.model_dump(mode="json"), rollouts, list(settings))
    task = f"{name} {content_hash(json.dumps(given))[:12]} on {graph.name or 'a network'}"
    log, made_before = _begun(runner.store, task, run)
    ctx = runner.context(log, run, spent=spent_by(made_before))
    host = Host(Bench(ctx, parallel, rollouts))
    try:
        found = await asyncio.to_thread(_carried_out, search, host)
    except ModelError:
        log.finish("failed")  # its log cannot be gone on with, for it holds the failure
        raise
    except BaseException:
        host.leave()
        log.release()  # left interrupted, so that it can go on
        raise
    kept = Answer(text=found.graph.canonical()).keep(log)
    log.emit("run/finished", RunFinished(status="answered", answer=kept))
    await log.durable()
    return Found(found.graph, found.steps, found.reason, host.bench.rollouts, ctx.gateway.ledger.spent.tokens)


def _carried_out(search: Callable[[Host], Found], host: Host) -> Found:
    try:
        return search(host)
    except Over:
        raise (host.broken or RuntimeError(host.reason)) from None


def _begun(store: Store, task: str, run: RunOptions) -> tuple[RunLog, list[ModelCalled]]:
    """The log of this search, and the calls that an earlier execution of it made."""
    left = list_runs(store, status="interrupted", text=task, limit=1).runs
    if not left:
        return store.start_run(task=task, model=run.model, seed=run.seed), []
    calls = [r.event for r in get_events(store, left[0].id, kind=ModelCalled) if isinstance(r.event, ModelCalled)]
    return store.resume_run(left[0].id), calls
