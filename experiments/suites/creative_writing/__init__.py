"""Trivia creative writing: stories that must mention the answers to questions."""

from experiments.suites.creative_writing.suite import suite

__all__ = ["suite"]
