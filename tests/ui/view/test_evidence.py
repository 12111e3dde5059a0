from typing import ClassVar

import pytest

from agents import Answer, Evidence
from store import Store, content_hash
from tests.ui.stage import make_run
from tools import Frozen, Tool, quantity
from ui.view import evidence
from ui.view.evidence import Certificate, grounds
from ui.view.story import tell


class Load(Frozen):
    load: float = quantity("MW", "Load")


class Cost(Frozen):
    cost: float = quantity("USD/h", "Cost")
    residual: float = quantity("1", "Residual")


class Dispatch(Tool[Load, Cost]):
    """Costs a load."""

    name = "dispatch"
    source = "Somebody 1990"
    paper = 2
    certificate: ClassVar[dict[str, float]] = {"residual": 1e-6}


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    monkeypatch.setattr(evidence, "_known", lambda: {"dispatch": Dispatch})
    return Answer(
        text="5", evidence=(Evidence(name="a", tool="dispatch", arguments={"load": 1.0}, output=content_hash("x")),)
    )


def test_a_call_comes_with_its_units_its_source_and_its_certificate(answer: Answer) -> None:
    (ground,) = grounds(answer, lambda ref: '{"cost": 5.0, "residual": 1e-9}')
    assert ground.units == {"load": "MW", "cost": "USD/h"}
    assert (ground.source, ground.paper) == ("Somebody 1990", 2)
    assert [str(c) for c in ground.certificates] == ["residual 1e-09, within its limit 1e-06"]


def test_a_certificate_that_does_not_hold_says_so(answer: Answer) -> None:
    (ground,) = grounds(answer, lambda ref: '{"cost": 5.0, "residual": -0.1}')
    assert not ground.certificates[0].holds
    assert "BEYOND" in str(ground.certificates[0])


def test_a_missing_certificate_does_not_hold() -> None:
    assert not Certificate("residual", None, 1.0).holds


def test_a_tool_of_another_version_is_shown_without_its_source(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(evidence, "_known", dict)
    (ground,) = grounds(answer, lambda ref: '{"cost": 5.0}')
    assert (ground.source, ground.certificates) == ("", ())
    assert ground.output == {"cost": 5.0}


def test_a_story_holds_what_a_run_was_and_what_its_answer_stands_on(place: str) -> None:
    run = make_run(place)
    with Store.open(place) as store:
        story = tell(store, run.run_id)
    assert story.answer == run.answer
    assert [g.tool for g in story.grounds] == ["calculate"]
    assert story.graph == run.graph
    assert story.ledger.paid.calls == run.spent.calls
