"""Run model-written code without trusting it: own process, no network, no files, limits on all it can use."""

from experiments.sandbox.box import Limits, NoIsolation, Outcome, run_code

__all__ = ["Limits", "NoIsolation", "Outcome", "run_code"]
