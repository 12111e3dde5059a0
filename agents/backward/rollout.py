"""One case through one graph, inside a training: its loss, its cost, and how its answer came about as nodes that can be blamed.

A rollout keeps its events in the training's log, under its own prefix. So one ledger and one budget hold for all of them, and a
training that was killed finds there what it had.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from time import perf_counter

from agents.answer import Answer
from agents.backward.gradient import Node, of_agent, of_combiner
from agents.context import Context
from agents.forward import forward
from agents.loss import Loss, Scorer
from agents.models.contract import BudgetExhausted, ModelError, NotRecorded
from agents.prompt import describe
from agents.spec import GraphSpec, SpecError
from agents.team import TeamFailed, error_info
from agents.watch import Watched
from store.events import (
    AgentAnswered,
    AgentFailed,
    ErrorInfo,
    Event,
    LayerCombined,
    ModelCalled,
    RolledOut,
    Routed,
)
from store.log import RunLog

NOT_THE_GRAPH = frozenset(
    ("timed_out", "unreachable", "rate_limited", "server_error", "auth_failed", "weights_missing")
)
"""Kinds of failure that say nothing about the graph; such a rollout has no score."""


@dataclass(frozen=True)
class Case:
    """A task to learn from.

    Attributes:
        id: Unique in the training, and the same for ever.
        task: All that the network is told.
        scorer: How its answer is scored.
        expected: The right answer in words; critics see it, the editor never does.
        free: Scoring takes no model call and little time, so answers on the way to the last one are scored too.
    """

    id: str
    task: str
    scorer: Scorer
    expected: str = ""
    free: bool = True


@dataclass(frozen=True)
class Rollout:
    """What came of one case in one graph. Without a loss it failed for reasons that are not the graph's."""

    graph: GraphSpec
    case: Case
    loss: Loss | None
    answer: Answer | None
    tokens: int
    usd: float
    events: tuple[tuple[str, Event], ...]
    error: ErrorInfo | None = None

    @property
    def score(self) -> float | None:
        return self.loss.score if self.loss else None

    @property
    def words(self) -> str:
        return self.loss.words if self.loss else self.error.message if self.error else ""


class OutOfBudget(Exception):
    """The training's budget is spent."""

    def __init__(self, error: ErrorInfo) -> None:
        super().__init__(error.message)
        self.error = error


class Part(Watched):
    """A part of a run's log: its keys stand under a prefix, and it knows the events of its own."""

    def __init__(self, log: RunLog, prefix: str) -> None:
        super().__init__(log, lambda key, event: self.events.append((key, event)))
        self.events: list[tuple[str, Event]] = []
        self._prefix = prefix

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None:
        self._watch(key, event)
        self._log.emit(self._prefix + key, event, seconds)

    def find(self, key: str) -> Event | None:
        return self._log.find(self._prefix + key)


def part_of(ctx: Context, prefix: str) -> tuple[Context, Part]:
    """The context for a part of the run: everything it logs stands under `prefix`."""
    part = Part(ctx.log, prefix)
    return replace(ctx, log=part, gateway=ctx.gateway.on(part), hands=ctx.hands.on(part)), part


class Bench:
    """Puts cases through graphs, each pair once, at most `parallel` at a time and `most` in all."""

    def __init__(self, ctx: Context, parallel: int, most: int | None = None) -> None:
        self.ctx = ctx
        self.most = most
        self.rollouts = 0  # made so far
        self._turn = asyncio.Semaphore(parallel)
        self._done: dict[tuple[str, str], Rollout] = {}

    async def run(self, graph: GraphSpec, cases: Sequence[Case]) -> list[Rollout]:
        """The cases' rollouts, in their order. Raises `OutOfBudget`, when all that had begun have ended."""
        new = sum((graph.hash, case.id) not in self._done for case in cases)
        if self.most is not None and self.rollouts + new > self.most:
            raise OutOfBudget(ErrorInfo(kind=BudgetExhausted.kind, message=f"{self.most} rollouts are the most"))
        done = await asyncio.gather(*(self._one(graph, case) for case in cases), return_exceptions=True)
        if errors := [d for d in done if isinstance(d, BaseException)]:
            raise next((e for e in errors if not isinstance(e, OutOfBudget)), errors[0])
        return [d for d in done if isinstance(d, Rollout)]

    def known(self, graph: GraphSpec, case: Case) -> Rollout | None:
        """The case's rollout if there is one."""
        return self._done.get((graph.hash, case.id))

    async def _one(self, graph: GraphSpec, case: Case) -> Rollout:
        async with self._turn:
            if (graph.hash, case.id) not in self._done:
                self._done[graph.hash, case.id] = await roll_out(graph, case, self.ctx)
                self.rollouts += 1
            return self._done[graph.hash, case.id]


async def roll_out(graph: GraphSpec, case: Case, ctx: Context) -> Rollout:
    """Run and score one case. Raises `OutOfBudget`."""
    at = f"rollout/{graph.hash[:16]}/{case.id}"
    within, part = part_of(ctx, f"{at}/")
    started = perf_counter()
    answer: Answer | None = None
    loss: Loss | None = None
    error: ErrorInfo | None = None
    try:
        answer = await forward(graph, case.task, within)
        loss = _recorded(ctx.log.find(f"{at}/rolled")) or await case.scorer(case.task, answer, within)
    except NotRecorded:
        raise
    except (ModelError, TeamFailed, SpecError) as e:
        error = error_info(e)
        if error.kind == BudgetExhausted.kind:
            raise OutOfBudget(error) from e
        if not _innocent(error, part.events):
            loss = Loss(0.0, f"no answer: {error.message}", "failure")
    paid = [e for key, e in part.events if isinstance(e, ModelCalled) and not key.startswith("loss/")]
    tokens = sum(e.prompt_tokens + e.completion_tokens for e in paid)
    usd = sum(e.usd for e in paid)
    event = RolledOut(
        graph_hash=graph.hash,
        case=case.id,
        score=loss.score if loss else None,
        words=loss.words if loss else "",
        tokens=tokens,
        usd=usd,
        error=error,
    )
    ctx.log.emit(f"{at}/rolled", event, perf_counter() - started)
    return Rollout(graph, case, loss, answer, tokens, usd, tuple(part.events), error)


def _recorded(event: Event | None) -> Loss | None:
    """What an earlier execution scored: a scorer may run programs, and need not say the same twice."""
    if isinstance(event, RolledOut) and event.score is not None and event.error is None:
        return Loss(event.score, event.words, "log")
    return None


def _innocent(error: ErrorInfo, events: Iterable[tuple[str, Event]]) -> bool:
    """Whether the graph failed for a reason that says nothing about it."""
    kinds = (
        [error.kind] if error.kind != "team_failed" else [e.error.kind for _, e in events if isinstance(e, AgentFailed)]
    )
    return bool(kinds) and all(kind in NOT_THE_GRAPH for kind in kinds)


async def nodes(rollout: Rollout, ctx: Context) -> Node:
    """The rollout's last node, with all that led to it: what every agent and every layer heard and said."""
    events = dict(rollout.events)
    case = rollout.case
    combined: dict[str, Node] = {}
    end: Node | None = None
    number = count()

    async def score(answer: Answer | None) -> float | None:
        if answer is None or not case.free:
            return None
        within, _ = part_of(ctx, f"blame/{rollout.graph.hash[:16]}/{case.id}/{next(number)}/")
        return (await case.scorer(case.task, answer, within)).score

    for layer, sources in rollout.graph.wired():
        at = f"layer/{layer.id}"
        if f"{at}/started" not in events:
            break
        heard = tuple(combined[s] for s in sources)
        routed = events.get(f"{at}/routed")
        agents: dict[str, Node] = {}
        sinks: tuple[Node, ...] = heard
        if isinstance(routed, Routed):
            team = layer.team(routed.team)
            for agent in _in_order(team.parents):
                answered = events.get(f"{at}/agent/{agent}/answered")
                answer = Answer.load(ctx.log.text, answered.answer) if isinstance(answered, AgentAnswered) else None
                failed = events.get(f"{at}/agent/{agent}/failed")
                parents = (*(agents[p] for p in team.parents[agent]), *heard)
                agents[agent] = Node(
                    f"{layer.id}/{agent}",
                    parents,
                    describe(answer) if answer else None,
                    of_agent,
                    await score(answer),
                    f"{at}/agent/{agent}/{'answered' if answer else 'failed'}",
                    why=failed.error.message if isinstance(failed, AgentFailed) else "",
                )
            sinks = tuple(agents[s] for s in team.sinks)
        event = events.get(f"{at}/combined")
        answer = Answer.load(ctx.log.text, event.output) if isinstance(event, LayerCombined) else None
        end = combined[layer.id] = Node(
            layer.id,
            sinks,
            describe(answer) if answer else None,
            of_combiner,
            await score(answer),
            f"{at}/combined",
            event.took if isinstance(event, LayerCombined) else (),
        )
    assert end is not None  # the first layer has always started
    end.score = rollout.score
    return end


def _in_order(parents: dict[str, tuple[str, ...]]) -> list[str]:
    from graphlib import TopologicalSorter

    return list(TopologicalSorter(parents).static_order())
