"""The event log's vocabulary: one frozen, typed event per thing that happened.

An event's payload holds only what is determined by the run (no clock, no process id), so that a replay reproduces it exactly;
when it happened stands beside it, in its `Record`. Large texts are blobs, named here by `Ref`. Cost and tokens stand on
`ModelCalled` alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

Ref = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Content hash of a blob")]


class Event(BaseModel):
    """Base of all events. Subclasses are frozen, closed, and tagged by `kind`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorInfo(Event):
    """A typed failure as data: its kind, its words, and what would be right."""

    kind: str
    message: str
    hint: str = ""


class RunStarted(Event):
    kind: Literal["run_started"] = "run_started"
    task: Ref
    options: Ref  # JSON: model, budget, seed, limits
    seed: int


class Planned(Event):
    """A graph was chosen for the task: by a planner, or given by hand (`planner` empty)."""

    kind: Literal["planned"] = "planned"
    graph: Ref  # canonical JSON of the GraphSpec
    graph_hash: str
    planner: str = ""
    repairs: tuple[str, ...] = ()  # what the checks found wrong with the plan and put right
    records: Ref | None = None  # JSON: how its teams and agents did in earlier runs, where the graph asks


class LayerStarted(Event):
    kind: Literal["layer_started"] = "layer_started"
    layer: str
    input: Ref


class Routed(Event):
    """Which team of a layer's pool runs, and why."""

    kind: Literal["routed"] = "routed"
    layer: str
    team: str
    aggregator: str
    tier: Literal["only", "pin", "bandit", "router", "default"]
    reason: str = ""


class AgentStarted(Event):
    kind: Literal["agent_started"] = "agent_started"
    layer: str
    agent: str
    inputs: tuple[Ref, ...] = ()


class ModelCalled(Event):
    """One attempt at one model call. Tokens and cost of a run are the sums over these where `cached` is false."""

    kind: Literal["model_called"] = "model_called"
    call: str  # content hash of everything that determines the reply
    model: str
    purpose: str
    attempt: int = 0
    request: Ref
    reply: Ref | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    cached: bool = False  # served from an earlier, already paid call
    error: ErrorInfo | None = None


class ToolCalled(Event):
    kind: Literal["tool_called"] = "tool_called"
    call: str  # content hash of tool, version and canonical arguments
    tool: str
    version: str
    arguments: Ref
    output: Ref | None = None
    artifacts: tuple["ArtifactRef", ...] = ()
    score: float | None = None
    cached: bool = False
    error: ErrorInfo | None = None


class ArtifactRef(Event):
    name: str
    media_type: str
    blob: Ref
    caption: str = ""


class Refined(Event):
    """A tool was run again with changed inputs because its score left something to gain."""

    kind: Literal["refined"] = "refined"
    tool: str
    round: int
    changed: tuple[str, ...]
    before: float | None
    after: float | None
    kept: bool


class AgentAnswered(Event):
    kind: Literal["agent_answered"] = "agent_answered"
    layer: str
    agent: str
    answer: Ref
    refused: bool = False


class AgentFailed(Event):
    kind: Literal["agent_failed"] = "agent_failed"
    layer: str
    agent: str
    error: ErrorInfo


class LayerCombined(Event):
    kind: Literal["layer_combined"] = "layer_combined"
    layer: str
    aggregator: str
    output: Ref
    took: tuple[str, ...] = ()  # agents whose answers the output stands on
    note: str = ""


class Scored(Event):
    kind: Literal["scored"] = "scored"
    by: str
    score: float
    words: str = ""


class EvaluationStarted(Event):
    """The run is no task but an evaluation: runs that stem from it each take one item of a suite."""

    kind: Literal["evaluation_started"] = "evaluation_started"
    plan: Ref  # JSON: suite, items, system, model, seed, budget


class ItemScored(Event):
    """A suite's checker scored one item. It stands in the evaluation's log, not in the run that took the item, so that no
    trainer and no router learns from it."""

    kind: Literal["item_scored"] = "item_scored"
    item: str
    run: str  # id of the run that took the item
    score: float
    words: str


class BudgetRefused(Event):
    """A call was refused before its money was spent: of `cap`, `spent` was gone, and the call might have needed `needed`."""

    kind: Literal["budget_refused"] = "budget_refused"
    purpose: str
    limit: Literal["calls", "tokens", "usd"]
    spent: float
    needed: float
    cap: float


class RunFinished(Event):
    kind: Literal["run_finished"] = "run_finished"
    status: Literal["answered", "refused", "failed", "budget_exhausted", "cancelled"]
    answer: Ref | None = None
    error: ErrorInfo | None = None


# Of a training. What its rollouts do stands between these, under `rollout/GRAPH/CASE/`.


class TrainingStarted(Event):
    kind: Literal["training_started"] = "training_started"
    name: str
    graph_hash: str
    graph: Ref
    settings: Ref  # JSON
    cases: Ref  # JSON: ids of the cases that are learned from (`train`) and of those that decide (`val`)


class RolledOut(Event):
    """One case went through one graph. Without a score it failed for reasons that are not the graph's."""

    kind: Literal["rolled_out"] = "rolled_out"
    graph_hash: str
    case: str
    score: float | None
    words: str = ""
    tokens: int = 0  # of all its model calls, those served from the cache included: what it costs to run
    usd: float = 0.0
    error: ErrorInfo | None = None


class Criticised(Event):
    """The backward pass of one step: which layer is to blame, and what it should change."""

    kind: Literal["criticised"] = "criticised"
    step: int
    graph_hash: str
    layer: str
    blame: Ref  # JSON: share of the loss by layer
    gradient: Ref  # JSON: the layer's gradient items, heaviest first


class EditProposed(Event):
    """What the editor made of a critique: edits, or the reason why there are none."""

    kind: Literal["edit_proposed"] = "edit_proposed"
    step: int
    graph_hash: str
    layer: str
    edits: Ref | None = None  # JSON
    candidate: str = ""  # hash of the graph after them
    error: ErrorInfo | None = None


class GateDecided(Event):
    kind: Literal["gate_decided"] = "gate_decided"
    step: int
    parent: str
    candidate: str
    stage: Literal["static", "dry_run", "minibatch", "validation"]
    accepted: bool
    incumbent: bool = False  # from here on it is the best so far
    reason: str
    table: Ref | None = None  # JSON: scores of parent and candidate by case


class VersionMade(Event):
    """A graph joined the pool of a training: where it comes from, why, and how it did on the cases that decide."""

    kind: Literal["version_made"] = "version_made"
    version: str  # its graph hash
    graph: Ref
    step: int
    parent: str = ""
    edits: Ref | None = None
    critique: Ref | None = None  # JSON: the gradient items that caused it
    scores: Ref  # JSON: score by case
    mean: float
    tokens: float  # a case, on average
    usd: float
    incumbent: bool = False


AnyEvent = Annotated[
    RunStarted
    | Planned
    | LayerStarted
    | Routed
    | AgentStarted
    | ModelCalled
    | ToolCalled
    | Refined
    | AgentAnswered
    | AgentFailed
    | LayerCombined
    | Scored
    | EvaluationStarted
    | ItemScored
    | BudgetRefused
    | RunFinished
    | TrainingStarted
    | RolledOut
    | Criticised
    | EditProposed
    | GateDecided
    | VersionMade,
    Field(discriminator="kind"),
]
EVENTS: dict[str, type[Event]] = {c.model_fields["kind"].default: c for c in get_args(get_args(AnyEvent)[0])}
KINDS: dict[type[Event], str] = {c: kind for kind, c in EVENTS.items()}


@dataclass(frozen=True)
class Record:
    """An event as the log holds it: its place in the run, its key, when it ended [s since 1970] and how long it took [s]."""

    seq: int
    key: str
    event: Event
    ended: float
    seconds: float


def to_json(event: Event) -> str:
    """The event's payload: JSON without its kind and without what is default."""
    return event.model_dump_json(exclude_defaults=True)


def from_json(kind: str, payload: str) -> Event:
    """The inverse of `to_json`. Raises KeyError for a kind that this version does not know."""
    return EVENTS[kind].model_validate_json(payload)


def refs(event: Event) -> Iterator[str]:
    """All blobs that an event names."""
    for name in _fields_with_refs(type(event)):
        value = getattr(event, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Event):
                yield from refs(item)
            elif item is not None:
                yield item


@cache
def _fields_with_refs(cls: type[Event]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(cls, include_extras=True).items() if _names_blobs(hint))


def _names_blobs(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, Event):
        return bool(_fields_with_refs(hint))
    return hint == Ref or any(_names_blobs(part) for part in get_args(hint))
