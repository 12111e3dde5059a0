"""MATH: competition problems with a LaTeX term as the answer."""

from experiments.suites.math.suite import suite

__all__ = ["suite"]
