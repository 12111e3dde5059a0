"""What an evaluation was and what it found, as functions of the log: its plan, its items, their scores and their cost.

An evaluation is a run that holds its plan and one `ItemScored` per item; the runs that took the items stem from it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict

from agents import Answer, RunOptions
from agents.models import ModelError
from experiments.suites.protocol import Item, Suite
from experiments.systems import System
from store import Run, Store, content_hash, get_events, get_parts, get_run, list_runs
from store.events import (
    AgentFailed,
    ErrorInfo,
    EvaluationStarted,
    ItemScored,
    ModelCalled,
    Record,
    RunFinished,
    ToolCalled,
)

PARTS = (ModelCalled, ToolCalled, AgentFailed, RunFinished)
TITLE = "evaluation"

# A reply that came and cannot be used is a fact about the model; that none came is one about the day, and is tried again.
UNUSABLE = frozenset(("empty_reply", "truncated", "unparsable", "bad_request"))
LACKING = frozenset(error.kind for error in ModelError.__subclasses__()) - UNUSABLE - {"budget_exhausted"}


class PlanItem(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    family: str
    kind: str

    @classmethod
    def of(cls, item: Item) -> Self:
        return cls(id=item.id, family=item.family, kind=item.kind)


class Plan(BaseModel):
    """Everything that determines an evaluation's results. Equal plans are the same evaluation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    split: str
    items: tuple[PlanItem, ...]
    content: str  # hash of prompts and right answers, so that a changed suite is another one
    system: str
    graphs: str  # hash of the networks that take the items, so that a changed system is another one
    options: RunOptions

    @classmethod
    def of(cls, suite: Suite, items: Sequence[Item], system: System, options: RunOptions) -> Self:
        if not items:
            raise ValueError(f"{suite.name} gives no items here; choose another split or a larger limit")
        graphs = [graph.hash if (graph := system.graph(item.prompt)) else "planned" for item in items]
        splits = sorted({item.split for item in items})
        return cls(
            suite=suite.name,
            split="+".join(splits),
            items=tuple(map(PlanItem.of, items)),
            content=content_hash("\n".join(f"{i.id}\n{i.prompt}\n{i.expected!r}" for i in items)),
            system=system.name,
            graphs=content_hash("\n".join(graphs)),
            options=options,
        )

    @property
    def title(self) -> str:
        """How lists of runs show the evaluation; it begins with what finds it again."""
        key = content_hash(self.model_dump_json())[:12]
        words = f"{self.suite} {self.split}, {len(self.items)} items, {self.system}, {self.options.model}"
        return f"{TITLE} {key}: {words}, seed {self.options.seed}"


@dataclass(frozen=True)
class Result:
    """One item: its score and reason, how the run ended, and what it would cost without a cache.

    Attributes:
        valid: The system's own answer was scored. False when a reply was blank, cut off or unreadable.
        tokens, usd, calls: Of all distinct calls of the run, also those that an earlier run had paid for.
        seconds: Time of the run's calls to models and tools; None when some were known already.
    """

    item: str
    family: str
    kind: str
    score: float
    words: str
    status: str
    valid: bool
    answer: str
    run_id: str
    calls: int
    tokens: int
    usd: float
    seconds: float | None


@dataclass(frozen=True)
class Evaluation:
    """One system with one seed on items of one suite. `results` holds the scored items in the order of the plan."""

    id: str
    plan: Plan
    created: float  # seconds since 1970
    results: tuple[Result, ...]

    @property
    def finished(self) -> bool:
        return len(self.results) == len(self.plan.items)


@dataclass(frozen=True)
class Taken:
    """How a run took its item, as its log tells."""

    status: str
    answer: Answer | None
    said: str
    kinds: frozenset[str]  # of the errors, where the run failed
    calls: int
    tokens: int
    usd: float
    seconds: float | None

    @property
    def valid(self) -> bool:
        return not self.kinds & (UNUSABLE | LACKING)

    @property
    def lacking(self) -> bool:
        return bool(self.kinds & LACKING) or self.status in ("interrupted", "cancelled")

    def result(self, item: PlanItem, scored: ItemScored) -> Result:
        return Result(
            item=item.id,
            family=item.family,
            kind=item.kind,
            score=scored.score,
            words=scored.words,
            status=self.status,
            valid=self.valid,
            answer=self.said,
            run_id=scored.run,
            calls=self.calls,
            tokens=self.tokens,
            usd=self.usd,
            seconds=self.seconds,
        )


def scored_key(item: str) -> str:
    return f"item/{item}/scored"


def find(store: Store, plan: Plan) -> Run | None:
    """The evaluation with this plan, finished or not."""
    found = list_runs(store, text=plan.title.partition(":")[0] + ":").runs
    return found[0] if found else None


def read(store: Store, run_id: str) -> Evaluation:
    """An evaluation by its id or the beginning of it.

    Raises:
        UnknownRun, AmbiguousRun: There is not exactly one such run.
        ValueError: The run is a task, no evaluation.
    """
    run = get_run(store, run_id)
    records = get_events(store, run.id)
    plan = next((r.event.plan for r in records if isinstance(r.event, EvaluationStarted)), None)
    if plan is None:
        raise ValueError(f"run {run.id} is no evaluation; `backprose eval list` shows them")
    made = Plan.model_validate_json(store.text(plan))
    scored = {r.event.item: r.event for r in records if isinstance(r.event, ItemScored)}
    parts = get_parts(store, run.id, kinds=PARTS)
    results = [
        taken(store, parts.get(event.run, [])).result(item, event)
        for item in made.items
        if (event := scored.get(item.id)) is not None
    ]
    return Evaluation(run.id, made, run.created, tuple(results))


def evaluations(store: Store, *, suites: Iterable[str] = (), model: str = "") -> list[Evaluation]:
    """The evaluations in the store, the latest first.

    Args:
        suites: Only of these suites; none given, of all.
        model: Only with this model.
    """
    found = list_runs(store, text=f"{TITLE} ", model=model or None, limit=None).runs
    wanted = set(suites)
    made = [read(store, run.id) for run in found if _is_evaluation(store, run)]
    return [e for e in made if not wanted or e.plan.suite in wanted]


def taken(store: Store, records: Sequence[Record]) -> Taken:
    """What the log of an item's run says."""
    events = [record.event for record in records]
    finish = next((e for e in events if isinstance(e, RunFinished)), None)
    status = finish.status if finish else "interrupted"
    errors = [e.error for e in events if isinstance(e, AgentFailed)]
    errors += [finish.error] if finish and finish.error else []
    kinds = frozenset(e.kind for e in errors if status == "failed")
    answer = Answer.load(store.text, finish.answer) if finish and finish.answer else None
    distinct = list(_distinct(e for e in events if isinstance(e, ModelCalled)))
    work = [r for r in records if isinstance(r.event, ModelCalled | ToolCalled)]
    known = any(r.event.cached for r in work if isinstance(r.event, ModelCalled | ToolCalled))
    return Taken(
        status=status,
        answer=answer,
        said=answer.text if answer else f"{status}: {_why(errors)}",
        kinds=kinds,
        calls=len(distinct),
        tokens=sum(e.prompt_tokens + e.completion_tokens for e in distinct),
        usd=sum(e.usd for e in distinct),
        seconds=None if known else sum(r.seconds for r in work),
    )


def _distinct(calls: Iterable[ModelCalled]) -> Iterable[ModelCalled]:
    """What a run with an empty cache pays: every attempt, but a call that the run itself has made before only once."""
    made: set[str] = set()
    for call in calls:
        if not (call.cached and call.call in made):
            yield call
        if call.error is None:
            made.add(call.call)


def _why(errors: Sequence[ErrorInfo]) -> str:
    return errors[-1].message if errors else "no answer"


def _is_evaluation(store: Store, run: Run) -> bool:
    return bool(get_events(store, run.id, kind=EvaluationStarted, limit=1))
