"""The demonstrations nearest to a task in words are shown, the nearest last."""

from agents.nearest import nearest
from agents.spec import Example

POOL = tuple(
    Example(task=task, turn="{}")
    for task in (
        "How much dearer is case57 at 110 % load than at 90 %?",
        "Which lines are full in the 39-bus grid?",
        "What is the price at bus 4 of case14?",
        "Write a limerick about Paris.",
    )
)


def test_the_way_a_question_is_built_counts_and_its_numbers_do_not() -> None:
    chosen = nearest("How much dearer is case9 at 125 % load than at 75 %?", POOL, 2)
    assert chosen[-1] is POOL[0]
    assert nearest("What is the price at bus 99 of case300?", POOL, 1) == [POOL[2]]


def test_all_are_shown_where_no_more_are_asked_for() -> None:
    assert nearest("anything", POOL, 4) == list(POOL)
    assert nearest("anything", POOL, 0) == []
