"""Events are data: they go to JSON and back, and say which blobs they stand on."""

import subprocess
import sys

import pytest
from pydantic_core import PydanticUndefined

import store
from store.events import (
    EVENTS,
    AgentAnswered,
    AgentStarted,
    ArtifactRef,
    ErrorInfo,
    Event,
    LayerStarted,
    ModelCalled,
    Planned,
    RunFinished,
    ToolCalled,
    from_json,
    refs,
    to_json,
)

A, B, C, D = ("0123abcd" * 4, "1" * 32, "2" * 32, "3" * 32)

EXAMPLES: list[tuple[Event, list[str]]] = [
    (AgentStarted(layer="solve", agent="a1", inputs=(A, B)), [A, B]),
    (LayerStarted(layer="solve", input=A), [A]),
    (Planned(graph=A, graph_hash=B), [A]),
    (ModelCalled(call=C, model="m", purpose="plan", request=A, reply=B), [A, B]),
    (ModelCalled(call=C, model="m", purpose="plan", request=A, error=ErrorInfo(kind="timed_out", message="60 s")), [A]),
    (
        ToolCalled(
            call=D,
            tool="t",
            version="1",
            arguments=A,
            output=B,
            artifacts=(ArtifactRef(name="x", media_type="text/csv", blob=C),),
        ),
        [A, B, C],
    ),
    (AgentAnswered(layer="solve", agent="a1", answer=B), [B]),
    (RunFinished(status="answered", answer=A), [A]),
    (RunFinished(status="failed"), []),
]


@pytest.mark.parametrize(("event", "named"), EXAMPLES)
def test_an_event_survives_json_and_names_its_blobs(event: Event, named: list[str]) -> None:
    kind = type(event).model_fields["kind"].default
    assert from_json(kind, to_json(event)) == event
    assert list(refs(event)) == named


def test_a_payload_leaves_out_its_kind_and_what_is_default() -> None:
    assert to_json(AgentStarted(layer="solve", agent="a1")) == '{"layer":"solve","agent":"a1"}'


def test_every_event_with_a_kind_is_known_by_it() -> None:
    kinds = {cls.model_fields["kind"].default: cls for cls in Event.__subclasses__() if "kind" in cls.model_fields}
    kinds.pop(PydanticUndefined)  # ErrorInfo, which is a part of events
    assert kinds == EVENTS


def test_public_names_are_sorted_and_there() -> None:
    assert store.__all__ == sorted(store.__all__)
    assert all(getattr(store, name) is not None for name in store.__all__)


def test_naming_events_and_logs_loads_no_sqlalchemy() -> None:
    program = "import sys, store, store.events, store.log; assert 'sqlalchemy' not in sys.modules; store.Store"
    subprocess.run([sys.executable, "-c", program], check=True)
