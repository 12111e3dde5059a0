"""The stored questions are what they claim to be: enough, split by family, unambiguous, and right."""

import re
from contextlib import suppress
from typing import get_args

import pytest

from agents import Answer
from experiments.suites.grid_questions import GridQuestions
from experiments.suites.grid_questions.build import check_steady, expected_of
from experiments.suites.grid_questions.check import TOLERANCE
from experiments.suites.grid_questions.outcome import Ambiguous, Outcome
from experiments.suites.grid_questions.questions import Question, load
from experiments.suites.grid_questions.scenario import Scenario
from experiments.suites.protocol import Split
from tools.contract import ToolError
from tools.power.dc_opf.names import GRIDS
from tools.power.dc_opf.tool import DcOpfInput, DcOpfOutput, Injection, SolveDcOpf

BY_SPLIT = {split: load(split) for split in get_args(Split)}
ALL = [question for questions in BY_SPLIT.values() for question in questions]
SMALL = set(GRIDS[: GRIDS.index("case57") + 1]) | {"case118"}
QUICK = {*SMALL, "case89pegase", "case_illinois200", "case300"}


def grids(question: Question) -> set[str]:
    return {scenario.grid for scenario in question.truth.scenarios.values()}


def test_every_split_has_enough_questions() -> None:
    ill_posed = {split: sum(q.truth.refusal is not None for q in qs) for split, qs in BY_SPLIT.items()}
    answerable = {split: len(qs) - ill_posed[split] for split, qs in BY_SPLIT.items()}
    assert all(answerable[split] >= least for split, least in (("train", 25), ("val", 150), ("test", 51)))
    assert all(ill_posed[split] >= least for split, least in (("train", 5), ("val", 22), ("test", 12)))


def test_names_of_questions_are_unique() -> None:
    assert len({q.id for q in ALL}) == len(ALL)


def test_no_two_questions_are_worded_alike() -> None:
    assert len({q.prompt for q in ALL}) == len(ALL)


def test_a_family_lies_in_one_split() -> None:
    homes = [{q.family for q in questions} for questions in BY_SPLIT.values()]
    assert sum(map(len, homes)) == len(set().union(*homes))


def template(prompt: str) -> str:
    """The wording without its numbers, names of grids and units."""
    plain = re.sub(r"case\w*|[\d.,-]+|\b(?:ieee|pegase|illinois|bus|percent|per cent)\b|%", " ", prompt.lower())
    return " ".join(re.findall(r"[a-z]+", plain))


def test_no_wording_occurs_in_two_splits() -> None:
    wordings = [{template(q.prompt) for q in questions} for questions in BY_SPLIT.values()]
    assert sum(map(len, wordings)) == len(set().union(*wordings))


NAME_OF_A_GRID = re.compile(
    r"\bcase\w+|\b(?:ieee|pegase|illinois|new england|pjm|wscc|wood (?:and|&) wollenberg)?[ -]*\d+[- ](?:bus|node)\w*"
    r"|\b(?:ieee|pegase|illinois|new england|pjm|wscc)\b"
)
QUANTITY = re.compile(r"\d+-\d+|\d[\d.,]*(?:\s*(?:%|per ?cent\b))?")  # also the name of a line


def runs_of_words(prompt: str, length: int) -> set[tuple[str, ...]]:
    """The runs of so many words that do not span the name of a grid. A number is a word, and all numbers are the same word."""
    runs = set()
    for part in NAME_OF_A_GRID.split(prompt.lower()):
        words = re.findall(r"[a-z]+(?:'[a-z]+)?|#", QUANTITY.sub(" # ", part))
        runs |= {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}
    return runs


def test_five_words_in_a_row_of_a_test_question_stand_in_no_other_split() -> None:
    seen = {run for q in (*BY_SPLIT["train"], *BY_SPLIT["val"]) for run in runs_of_words(q.prompt, 5)}
    assert [q.id for q in BY_SPLIT["test"] if runs_of_words(q.prompt, 5) & seen] == []


def test_runs_of_words_are_those_between_names_of_grids_whatever_the_numbers() -> None:
    assert runs_of_words("With 5.5 % more load, how dear is case30 to run?", 5) == {
        ("with", "#", "more", "load", "how"),
        ("#", "more", "load", "how", "dear"),
        ("more", "load", "how", "dear", "is"),
    }
    assert runs_of_words("Is 6-8 of the IEEE 118-bus grid at its limit?", 5) == set()


def test_every_shipped_grid_is_asked_about() -> None:
    assert set().union(*(grids(q) for questions in BY_SPLIT.values() for q in questions)) >= set(GRIDS)


def test_every_kind_of_refusal_can_be_learned_and_is_tested() -> None:
    reasons = [{q.truth.refusal for q in questions} - {None} for questions in BY_SPLIT.values()]
    assert reasons[0] == reasons[1] == reasons[2]


def test_most_kinds_of_the_test_can_be_learned_and_some_are_new() -> None:
    seen = {q.kind for split in ("train", "val") for q in BY_SPLIT[split]}  # type: ignore[index]
    old = sum(q.kind in seen for q in BY_SPLIT["test"])
    assert 0.75 * len(BY_SPLIT["test"]) <= old < len(BY_SPLIT["test"])


@pytest.mark.parametrize("question", [q for q in ALL if grids(q) <= SMALL], ids=lambda q: q.id)
def test_the_stored_answer_is_what_the_reference_finds_now(question: Question) -> None:
    now = expected_of(question.truth)
    assert now.keys() == question.expected.keys()
    for part, stored in zip(now.get("parts", []), question.expected.get("parts", []), strict=True):
        assert part.pop("number", 0) == pytest.approx(stored.get("number", 0), rel=1e-6)
        assert part == {key: value for key, value in stored.items() if key != "number"}


@pytest.mark.parametrize("question", [q for q in ALL if not grids(q) <= SMALL and q.truth.refusal], ids=lambda q: q.id)
def test_an_ill_posed_question_on_another_grid_is_proved_ill_posed(question: Question) -> None:
    assert expected_of(question.truth) == question.expected


@pytest.mark.parametrize(
    "question",
    [q for q in BY_SPLIT["test"] if len(q.truth.scenarios) == 2 and grids(q) <= QUICK and not q.truth.refusal],
    ids=lambda q: q.id,
)
def test_what_a_test_question_compares_differs_by_far_more_than_the_tolerance(question: Question) -> None:
    one, other = (Outcome.of(scenario).cost for scenario in question.truth.scenarios.values())
    assert abs(one / other - 1) > 2 * TOLERANCE


@pytest.mark.parametrize(
    "question", [q for q in ALL if grids(q) == {"case118"} and not q.truth.refusal], ids=lambda q: q.id
)
def test_no_answer_hangs_on_a_tie(question: Question) -> None:
    check_steady(question.truth)


def solved_by_tool(scenario: Scenario) -> DcOpfOutput:
    return SolveDcOpf()(
        DcOpfInput(
            grid=scenario.grid,
            load_scale=scenario.load_percent / 100,
            rating_scale=scenario.rating_percent / 100,
            outages=list(scenario.outages),
            generator_outages=list(scenario.generator_outages),
            renewables=[Injection(**r.model_dump()) for r in scenario.renewables],
        )
    )


def scenarios() -> list[Scenario]:
    well_posed = (q.truth.scenarios.values() for q in ALL if not q.truth.refusal)
    return sorted({s for some in well_posed for s in some if s.grid in QUICK}, key=repr)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: s.model_dump_json(exclude_defaults=True))
def test_the_tool_agrees_with_the_reference(scenario: Scenario) -> None:
    right, given = Outcome.of(scenario), solved_by_tool(scenario)
    assert given.cost == pytest.approx(right.cost, rel=1e-8)
    with suppress(Ambiguous):  # where lines at their limit depend on each other, several sets of prices are right
        limits = right.binding
        named = set(given.binding_line_names.replace("none", "").split(", ")) - {""}
        assert named <= {line for group in limits for line in group}
        assert all(named & set(group) for group in limits)
        assert given.price_max == pytest.approx(right.price_max, rel=1e-6)
        assert given.price_min == pytest.approx(right.price_min, rel=1e-6)


@pytest.mark.parametrize("reason", ["unknown_grid", "infeasible", "islanded"])
def test_what_the_tool_says_of_an_impossible_scenario_is_accepted_as_a_refusal(reason: str) -> None:
    suite = GridQuestions()
    for item in (i for i in suite.items() if i.expected.get("refusal") == reason):
        truth = next(q.truth for q in ALL if q.id == item.id)
        with pytest.raises(ToolError) as refused:
            for scenario in truth.scenarios.values():
                solved_by_tool(scenario)
        assert suite.check(item, Answer(text=refused.value.message, refused=True)).score == 1
