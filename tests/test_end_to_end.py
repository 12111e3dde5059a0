"""The main job, as a person does it: a question in plain words to the real program and the default local model."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents import Answer
from experiments.suites.grid_questions.check import check
from experiments.suites.grid_questions.outcome import Outcome
from experiments.suites.grid_questions.scenario import Scenario
from tests.needs import DEFAULT, local_model

pytestmark = [pytest.mark.local_model, pytest.mark.timeout(900)]

QUESTION = "What does the cheapest dispatch of the IEEE 30-bus grid cost at 115 % load, and which lines limit it?"
ILL_POSED = "What does the cheapest dispatch of the Portuguese grid cost at 110 % load?"

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def backprose(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program, with a throw-away database."""
    model, home = local_model(DEFAULT), tmp_path_factory.mktemp("home")
    env = os.environ | {"BACKPROSE_DB": str(home / "runs.db"), "BACKPROSE_MODEL": model}
    script = Path(sys.executable).with_name("backprose")

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([script, *words], env=env, cwd=home, capture_output=True, text=True, check=False)

    return call


@pytest.fixture(scope="module")
def answered(backprose: Program) -> dict[str, Any]:
    """The one run of the model that most tests here look at."""
    done = backprose("run", QUESTION, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def truth() -> Outcome:
    """The same dispatch by the independent solver."""
    return Outcome.of(Scenario(grid="case30", load_percent=115))


def value(run: dict[str, Any], unit: str) -> Any:
    return next(v["value"] for v in run["values"] if v["unit"] == unit)


def test_the_cost_is_that_of_an_independent_solve_and_has_its_unit(answered: dict[str, Any], truth: Outcome) -> None:
    assert value(answered, "$/h") == pytest.approx(truth.cost, rel=1e-4)


def test_the_binding_lines_are_the_right_ones(answered: dict[str, Any], truth: Outcome) -> None:
    named = value(answered, "")
    if not truth.binding:
        assert named == "none"
    for group in truth.binding:
        assert any(line in named for line in group)


def test_the_words_tell_both_results(answered: dict[str, Any], truth: Outcome) -> None:
    cost = {"number": truth.cost, "unit": "$/h", "signed": True}
    told = check(QUESTION, {"parts": [cost, {"lines": truth.binding}]}, Answer(text=answered["answer"]))
    assert told.score == 1, f"{answered['answer']}: {told.words}"


def test_the_answer_stands_on_a_certified_call_with_the_questions_conditions(answered: dict[str, Any]) -> None:
    (call,) = answered["evidence"]
    assert (call["tool"], call["arguments"]["load_scale"]) == ("solve_dc_opf", 1.15)
    assert call["certificates"]
    assert all(certificate["holds"] for certificate in call["certificates"])


def test_the_run_can_be_looked_at_afterwards(backprose: Program, answered: dict[str, Any]) -> None:
    told = json.loads(backprose("runs", "show", answered["run_id"], "--json").stdout)
    assert told | {"trace": None} == answered | {"trace": None}
    layers = [span["name"] for span in told["trace"] if span["kind"] == "layer"]
    assert len(layers) >= 2
    assert "solve_dc_opf" in backprose("runs", "show", answered["run_id"]).stdout


def test_its_replay_makes_no_call_and_differs_in_nothing(backprose: Program, answered: dict[str, Any]) -> None:
    told = json.loads(backprose("runs", "replay", answered["run_id"], "--json").stdout)
    assert (told["calls"], told["differences"]) == (0, [])
    assert told["events"] > 10


def test_it_is_exported_as_one_page_that_asks_for_nothing(
    backprose: Program, answered: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "run.html"
    done = backprose("runs", "export", answered["run_id"], "--output", str(file))
    assert done.returncode == 0, done.stderr
    page = file.read_text(encoding="utf-8")
    assert answered["run_id"] in page
    assert str(value(answered, "$/h")) in page
    assert not re.search(r"(?:src|href)=[\"']https?://", page)


def test_an_ill_posed_question_is_refused_with_the_reason_and_without_a_number(backprose: Program) -> None:
    done = backprose("run", ILL_POSED, "--json")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert (told["status"], told["values"]) == ("refused", [])
    assert "Portuguese" in told["answer"]
    assert "$" not in told["answer"]
