"""What a task asks begins at its question word; conditions before it, and what only points back, open nothing."""

import pytest

from agents.question import opening, questions


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("Loads as given: how many megawatts run through line 8-9?", "how many"),
        ("Heat pumps add 8 %. Which percentage does that put on the hourly cost?", "which percentage"),
        ("At 1.25 times the load, by how much does the price at bus 30 rise?", "by how"),
        ("If demand is up, what LMP is to be expected at bus 12?", "what LMP"),
        ("Where is power cheapest on the 9-bus grid?", "where is"),
        ("Where power is cheapest, what does a megawatt-hour cost?", "what does"),
        ("Are there lines at capacity, and which?", ""),
        ("case30, load 95 %, least cost?", ""),
        ("Find what the grid costs.", ""),
        ("", ""),
    ],
)
def test_the_words_that_open_a_question_are_found(task: str, words: str) -> None:
    assert opening(task) == words


def test_a_decimal_point_ends_no_sentence() -> None:
    assert questions("We look at case30. Is 1.25 times the load too much? Tell us.") == [
        "Is 1.25 times the load too much?"
    ]
    assert questions("Find the cost.") == ["Find the cost."]
