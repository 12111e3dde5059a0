"""A run's trace: its events as a tree of spans (plan and layers, then agents, then model and tool calls), with times and costs.

The tree follows the events' keys, which are paths. It is a function of the log alone, so the command line, the export and a
dashboard show the same one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import fsum
from typing import Literal

from store.events import (
    AgentAnswered,
    AgentFailed,
    BudgetRefused,
    ErrorInfo,
    Event,
    LayerCombined,
    ModelCalled,
    Planned,
    Record,
    Refined,
    Routed,
    RunFinished,
    Scored,
    ToolCalled,
)

SpanKind = Literal["run", "plan", "rollouts", "case", "layer", "agent", "model", "tool", "note", "loss"]
LEAVES = ("model", "tool", "note")
_ROOTS: dict[str, SpanKind] = {"plan": "plan", "loss": "loss"}


@dataclass
class Span:
    """A stretch of a run.

    Attributes:
        kind: What it is.
        name: The layer, agent, tool, or the purpose of a model call.
        at: The key under which it stands in the log.
        start, end: Seconds since the run's first event.
        tokens, usd: Paid by the model calls in it.
        cached: It is a call that was taken from an earlier one.
        inside: Model calls, tool calls and notes in it, at any depth.
        detail: One phrase on how it went.
        error: Why it failed, if it did.
        event: The event of a leaf.
        children: What happened within, in order.
    """

    kind: SpanKind
    name: str
    at: str
    start: float = 0.0
    end: float = 0.0
    tokens: int = 0
    usd: float = 0.0
    cached: bool = False
    inside: int = 0
    detail: str = ""
    error: ErrorInfo | None = None
    event: Event | None = None
    children: list["Span"] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def title(self) -> str:
        """`solve-1`, `layer 2-check`, `plan`, `model act`, `rollouts 1f3a5c7e`."""
        return self.name if self.kind in ("agent", "note", self.name) else f"{self.kind} {self.name}"


class Tracer:
    """The trace of a run as far as its events were seen.

    Args:
        leaves: Keep the model calls, tool calls and notes; without them the tree ends at agents, who count and sum what is in
            them, so that a run of any length fits a page.
    """

    def __init__(self, *, leaves: bool = True) -> None:
        self._leaves = leaves
        self._spans = {"": Span("run", "run", "", start=float("inf"), end=float("-inf"))}

    def see(self, record: Record) -> None:
        """Take in the next event."""
        _place(record, self._spans, self._leaves)

    @property
    def began(self) -> float:
        """When the run's first event began [s since 1970]; infinite before there is one."""
        return min(span.start for span in self._spans.values())

    def tree(self, began: float | None = None) -> Span:
        """The tree so far; times are relative to `began`, left out to the first event."""
        began = self.began if began is None else began
        return _settled(self._spans[""], began) if began < float("inf") else Span("run", "run", "")


def trace(records: Iterable[Record]) -> Span:
    """The whole trace of a run from its events in order."""
    tracer = Tracer()
    for record in records:
        tracer.see(record)
    return tracer.tree()


def leaves(records: Iterable[Record], began: float) -> list[Span]:
    """The calls and notes among some events of a run, in order; times are relative to `began` [s since 1970]."""
    tracer = Tracer()
    for record in records:
        tracer.see(record)
    return [span for _, span in walk(tracer.tree(began)) if span.kind in LEAVES]


def walk(span: Span, depth: int = 0) -> Iterator[tuple[int, Span]]:
    """The span and everything in it, depth first, each with its depth."""
    yield depth, span
    for child in span.children:
        yield from walk(child, depth + 1)


def _place(record: Record, spans: dict[str, Span], keep: bool) -> None:
    """Put one event into the tree; `keep` says whether leaves are kept or only summed."""
    event, key = record.event, record.key
    owner = _owner(key, spans)
    _stretch(owner, record)
    match event:
        case ModelCalled():
            tokens = event.prompt_tokens + event.completion_tokens
            leaf = Span("model", event.purpose, key, cached=event.cached, error=event.error, event=event)
            leaf.tokens, leaf.usd = (0, 0.0) if event.cached else (tokens, event.usd)
            leaf.detail = event.model if not event.attempt else f"{event.model}, attempt {event.attempt + 1}"
            _add_leaf(owner, leaf, record, keep)
        case ToolCalled():
            leaf = Span("tool", event.tool, key, cached=event.cached, error=event.error, event=event)
            leaf.detail = "" if event.score is None else f"score {event.score:.6g}"
            _add_leaf(owner, leaf, record, keep)
        case Refined():
            kept = "kept" if event.kept else "not kept"
            words = f"{event.tool}, round {event.round}: changed {', '.join(event.changed)}, {kept}"
            _add_leaf(owner, Span("note", "refined", key, detail=words, event=event), record, keep)
        case BudgetRefused():
            words = f"the limit on {event.limit} left no room for a {event.purpose} call"
            _add_leaf(owner, Span("note", "budget", key, detail=words, event=event), record, keep)
        case Planned():
            owner.detail = "planned" if event.planner else "made by hand"
            owner.detail += f"; put right: {'; '.join(event.repairs)}" if event.repairs else ""
        case Routed():
            owner.detail = event.aggregator if event.tier == "only" else f"team {event.team}, {event.aggregator}"
            owner.detail += f" ({event.tier}: {event.reason})" if event.reason else ""
        case LayerCombined():
            owner.detail = "; ".join(part for part in (owner.detail, event.note) if part)
        case AgentAnswered():
            owner.detail = "refused" if event.refused else "answered"
        case AgentFailed():
            owner.error = event.error
        case Scored():
            owner.detail = f"{event.score:.3g} by {event.by}" + (f": {event.words}" if event.words else "")
        case RunFinished():
            owner.detail, owner.error = event.status, event.error
        case _:
            pass


def _owner(key: str, spans: dict[str, Span]) -> Span:
    """The span that an event belongs to, made when this is the first event of it."""
    parts, above, base = key.split("/"), "", ""
    if parts[0] == "rollout" and len(parts) > 2:  # of a training: one graph does one case, like a run within the run
        graph = _child(spans, "", "/".join(parts[:2]), "rollouts", parts[1][:8])
        base = "/".join(parts[:3])
        above = _child(spans, graph.at, base, "case", parts[2]).at
        parts, base = parts[3:] or [""], base + "/"
    if parts[0] == "layer":
        layer = _child(spans, above, base + "/".join(parts[:2]), "layer", parts[1])
        if len(parts) > 3 and parts[2] == "agent":
            return _child(spans, layer.at, base + "/".join(parts[:4]), "agent", parts[3])
        if len(parts) > 5 and parts[2:4] == ["combine", "round"]:
            at = base + "/".join(parts[:6])
            return _child(spans, layer.at, at, "agent", f"{parts[5]}, debate round {int(parts[4]) + 1}")
        return layer
    if parts[0] in _ROOTS:
        return _child(spans, above, base + parts[0], _ROOTS[parts[0]], parts[0])
    return spans[above]


def _child(spans: dict[str, Span], parent: str, at: str, kind: SpanKind, name: str) -> Span:
    if at not in spans:
        spans[at] = Span(kind, name, at, start=float("inf"), end=float("-inf"))
        spans[parent].children.append(spans[at])
    return spans[at]


def _stretch(span: Span, record: Record) -> None:
    span.start = min(span.start, record.ended - record.seconds)
    span.end = max(span.end, record.ended)


def _add_leaf(owner: Span, leaf: Span, record: Record, keep: bool) -> None:
    leaf.start, leaf.end = record.ended - record.seconds, record.ended
    if keep:
        owner.children.append(leaf)
    else:
        owner.tokens, owner.usd, owner.inside = owner.tokens + leaf.tokens, owner.usd + leaf.usd, owner.inside + 1


def _settled(span: Span, began: float) -> Span:
    """A copy with relative times, in which each span has the extent and the cost of what is in it."""
    children = sorted((_settled(child, began) for child in span.children), key=lambda child: child.start)
    return replace(
        span,
        start=min(span.start - began, *(c.start for c in children)) if children else span.start - began,
        end=max(span.end - began, *(c.end for c in children)) if children else span.end - began,
        tokens=span.tokens + sum(c.tokens for c in children),
        usd=fsum((span.usd, *(c.usd for c in children))),
        inside=span.inside + sum(c.inside + (c.kind in LEAVES) for c in children),
        children=children,
    )
