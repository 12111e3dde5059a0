"""Everything about one run that a person may want to see, read from the store once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.answer import Answer
from agents.spec import GraphSpec
from store import Ledger, Run, Store, get_events, get_ledger, get_run
from store.events import ErrorInfo, Planned, Record, RunFinished, RunStarted
from ui.view.evidence import Ground, grounds
from ui.view.trace import Span, trace


@dataclass(frozen=True)
class Story:
    """A run with what its references stand for.

    Attributes:
        options: What the run was started with, as JSON values.
        graph: The network that ran; None while it is not planned yet.
        answer: The run's answer, if it has one.
        error: Why it failed, if it did.
        seconds: From its first event to its last.
        read, blob: A blob's text and its bytes, by reference.
    """

    run: Run
    task: str
    options: dict[str, Any]
    graph: GraphSpec | None
    records: tuple[Record, ...]
    trace: Span
    answer: Answer | None
    error: ErrorInfo | None
    grounds: tuple[Ground, ...]
    ledger: Ledger
    seconds: float
    read: Callable[[str], str]
    blob: Callable[[str], bytes]


def tell(store: Store, run_id: str) -> Story:
    """The story of a run. Raises `UnknownRun`, `AmbiguousRun`."""
    run = get_run(store, run_id)
    records = tuple(get_events(store, run.id))
    started = next((r.event for r in records if isinstance(r.event, RunStarted)), None)
    finished = next((r.event for r in records if isinstance(r.event, RunFinished)), None)
    answer = Answer.load(store.text, run.answer) if run.answer else None
    return Story(
        run=run,
        task=store.text(run.task),
        options=json.loads(store.text(started.options))["options"] if started else {},
        graph=_graph(records, store),
        records=records,
        trace=(tree := trace(records)),
        answer=answer,
        error=finished.error if finished else None,
        grounds=grounds(answer, store.text) if answer else (),
        ledger=get_ledger(store, run.id),
        seconds=tree.seconds,
        read=store.text,
        blob=store.blob,
    )


def as_json(story: Story) -> dict[str, Any]:
    """A run and its answer as JSON values, for `--json` and for other programs."""
    paid, answer = story.ledger.paid, story.answer
    return {
        "run_id": story.run.id,
        "status": story.run.status,
        "task": story.task,
        "answer": answer.text if answer else None,
        "values": [v.model_dump() for v in answer.values] if answer else [],
        "evidence": [_ground_json(g) for g in story.grounds],
        "error": story.error.model_dump() if story.error else None,
        "model": story.run.model,
        "seed": story.run.seed,
        "graph_hash": story.run.graph_hash,
        "calls": paid.calls,
        "prompt_tokens": paid.prompt_tokens,
        "completion_tokens": paid.completion_tokens,
        "usd": paid.usd,
        "seconds": round(story.seconds, 3),
    }


def agent_states(root: Span) -> dict[tuple[str, str], str]:
    """How each agent in a trace fares, by layer and agent: answered, refused, failed, or started."""
    states: dict[tuple[str, str], str] = {}
    for span in (child for layer in root.children for child in layer.children if child.kind == "agent"):
        parts = span.at.split("/")
        if parts[2] == "agent":
            states[parts[1], parts[3]] = "failed" if span.error else span.detail or "started"
    return states


def _graph(records: tuple[Record, ...], store: Store) -> GraphSpec | None:
    planned = [r.event for r in records if isinstance(r.event, Planned)]
    return GraphSpec.model_validate_json(store.text(planned[-1].graph)) if planned else None


def _ground_json(ground: Ground) -> dict[str, Any]:
    return {
        "name": ground.name,
        "tool": ground.tool,
        "arguments": ground.arguments,
        "source": ground.source,
        "paper": ground.paper,
        "certificates": [
            {"name": c.name, "value": c.value, "limit": c.limit, "holds": c.holds} for c in ground.certificates
        ],
    }
