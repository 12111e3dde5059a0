"""What every suite promises."""

import pytest

from agents import Answer
from experiments.suites import Score, Suite
from experiments.suites.grid_questions import GridQuestions


def test_grid_questions_is_a_suite() -> None:
    assert isinstance(GridQuestions(), Suite)


def test_a_score_outside_0_to_1_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"a score is 1\.5"):
        Score(1.5, "too good")


def test_an_answer_of_the_engine_can_be_checked() -> None:
    suite = GridQuestions()
    item = suite.items("train")[0]
    assert suite.check(item, Answer(text="I do not know")).score == 0


def test_items_come_in_the_same_order_and_all_splits_together_are_everything() -> None:
    suite = GridQuestions()
    assert suite.items() == suite.items()
    assert suite.items() == (*suite.items("train"), *suite.items("val"), *suite.items("test"))
