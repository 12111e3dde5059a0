"""DABench: questions about tables, answered by analysing them."""

from experiments.suites.dabench.suite import suite

__all__ = ["suite"]
