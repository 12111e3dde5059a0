from dataclasses import dataclass
from typing import Any

import pytest

from experiments.suites.tool_questions import suite
from experiments.suites.tool_questions.build import NotAsExpected, expected_of
from experiments.suites.tool_questions.check import check
from experiments.suites.tool_questions.questions import Question, load, tools_asked
from tools import BadInput, get_tool
from tools.check import check_arguments

LEAST = 15
every_file = pytest.mark.parametrize("tool", tools_asked())


@dataclass
class Said:
    text: str
    value: float | str | None = None
    unit: str = ""
    refused: bool = False


@every_file
def test_a_tool_has_fifteen_questions_with_answers_and_a_refinement_if_it_can_be_refined(tool: str) -> None:
    questions = load(tool)
    assert len(questions) >= LEAST
    assert {q.tool for q in questions} == {tool}
    assert all(q.expected for q in questions)
    assert any(q.kind == "refine" for q in questions) == bool(get_tool(tool).refinable)
    assert any(q.refusal for q in questions)
    assert len({q.prompt for q in questions}) == len(questions)


@every_file
def test_the_calls_are_calls_of_the_tool_and_refinements_change_what_may_be_changed(tool: str) -> None:
    declared = get_tool(tool)
    for q in load(tool):
        if q.refusal == "BadInput":
            continue  # may be refused by its arguments alone
        for arguments in q.calls:
            try:
                check_arguments(declared, arguments)
            except BadInput as error:
                assert error.kind == q.refusal, q.id
        if q.kind == "refine":
            first, last = q.calls[0], q.calls[-1]
            changed = {name for name in {*first, *last} if first.get(name) != last.get(name)}
            assert changed <= set(declared.refinable), q.id


def test_families_lie_in_one_split_and_ids_are_unique() -> None:
    split_of: dict[str, str] = {}
    for item in suite.items():
        assert split_of.setdefault(item.family, item.split) == item.split
    assert len({item.id for item in suite.items()}) == len(suite.items())


@every_file
def test_a_stored_refusal_is_what_the_tool_says(tool: str) -> None:
    for q in load(tool):
        if q.refusal:
            assert expected_of(q) == q.expected, q.id


@every_file
def test_a_perfect_answer_is_right_and_none_is_wrong(tool: str) -> None:
    for item in suite.items():
        perfect = _perfect(item.expected)
        assert suite.check(item, perfect).score == 1, item.id
        assert suite.check(item, Said("")).score == 0
        assert suite.check(item, Said("I do not know.")).score == 0, item.id


def _perfect(expected: dict[str, Any]) -> Said:
    if "refusal" in expected:
        reason = expected["because"].replace("\\b", "").split("|")[0].replace("\\", "").replace(".", " ")
        return Said(f"It cannot be done: {reason}", refused=True)
    parts = expected["parts"]
    texts = [p.get("words") or f"{_goal(p)!r} {'' if p['unit'] == '1' else p['unit']}" for p in parts]
    if len(parts) == 1 and "words" not in parts[0]:
        return Said(texts[0], _goal(parts[0]), parts[0]["unit"])
    return Said(" and ".join(texts))


def _goal(part: dict[str, Any]) -> float:
    return next(part[key] for key in ("number", "at_least", "at_most") if part.get(key) is not None)


SHARE = {"parts": [{"number": 0.93, "unit": "1", "within": 0.01, "signed": True}]}


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (Said("93.2 % of them", 0.932, "1"), 1),
        (Said("", 93.2, "%"), 1),
        (Said("It gets 93.2 % of the test images right."), 1),
        (Said("It gets 0.932 right."), 1),
        (Said("", 0.9, "1"), 0),
        (Said("With 3 layers it gets 0.91."), 0),
        (Said("There is no answer", refused=True), 0),
        (Said("", 0.93, "m"), 0),
    ],
)
def test_shares_may_be_said_in_percent(answer: Said, score: float) -> None:
    assert check("With 3 layers?", SHARE, answer).score == score


@pytest.mark.parametrize(
    ("text", "score"), [("It is 25 mD.", 1), ("It is 0.025 darcy.", 1), ("It is 25 psi.", 0), ("25", 1), ("24 mD", 0)]
)
def test_units_are_converted(text: str, score: float) -> None:
    expected = {"parts": [{"number": 25.0, "unit": "mD", "within": 0.1, "signed": True}]}
    assert check("?", expected, Said(text)).score == score


def test_all_parts_must_be_right() -> None:
    parts = [{"number": x, "unit": "1", "within": 0.0, "signed": True} for x in (448.0, 7.0)]
    assert check("?", {"parts": parts}, Said("448 parameters and digit 7")).score == 1
    assert check("?", {"parts": parts}, Said("448 parameters and digit 6")).score == 0


def test_a_goal_is_reached_or_not() -> None:
    goal = {"parts": [{"at_least": 0.85, "at_most": None, "unit": "1"}]}
    assert check("at least 85 %", goal, Said("", 0.9, "1")).score == 1
    assert check("at least 85 %", goal, Said("", 0.8, "1")).score == 0


def test_a_refusal_must_say_why() -> None:
    expected = {"refusal": "TooManyClasses", "because": "class|qubit"}
    assert check("?", expected, Said("3 qubits tell at most 8 classes apart", refused=True)).score == 1
    assert check("?", expected, Said("I cannot do that", refused=True)).score == 0
    assert check("?", expected, Said("10 classes reach 0.9", 0.9)).score == 0


def test_a_question_whose_calls_do_not_give_what_it_says_is_refused_by_the_build() -> None:
    asked: dict[str, Any] = {"id": "x", "family": "x", "split": "train", "kind": "number", "prompt": "?"}
    sums = Question(**asked, tool="calculate", calls=({"expression": "1 / 0"},), asks=({"is": "a.value"},))
    with pytest.raises(NotAsExpected, match="call a is refused"):
        expected_of(sums)
    fine = Question(**asked, tool="calculate", calls=({"expression": "1 + 1"},), refusal="NoAnswer", because="x")
    with pytest.raises(NotAsExpected, match="should be refused"):
        expected_of(fine)
