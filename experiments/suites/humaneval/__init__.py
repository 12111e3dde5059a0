"""HumanEval: write a Python function from its docstring."""

from experiments.suites.humaneval.suite import suite

__all__ = ["suite"]
