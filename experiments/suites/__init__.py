"""Evaluation suites: questions whose right answers are known, and checkers that compare."""

from experiments.suites.find import UnknownSuite, find_suite, suite_names
from experiments.suites.protocol import AnswerLike, Item, Score, Split, Suite

__all__ = ["AnswerLike", "Item", "Score", "Split", "Suite", "UnknownSuite", "find_suite", "suite_names"]
