"""Evaluation suites: questions whose right answers are known, and checkers that compare."""

from experiments.suites.find import UnknownSuite, find_suite, suite_names
from experiments.suites.listed import ListedSuite, make_item
from experiments.suites.protocol import AnswerLike, Item, Score, Split, Suite

__all__ = [
    "AnswerLike",
    "Item",
    "ListedSuite",
    "Score",
    "Split",
    "Suite",
    "UnknownSuite",
    "find_suite",
    "make_item",
    "suite_names",
]
