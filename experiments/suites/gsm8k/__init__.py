"""GSM8K: grade-school problems in words with a number as the answer."""

from experiments.suites.gsm8k.suite import suite

__all__ = ["suite"]
