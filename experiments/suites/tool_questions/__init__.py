"""Questions for each scientific tool in everyday words: one file a tool, with what a right call gives."""

from experiments.suites.tool_questions.suite import suite

__all__ = ["suite"]
