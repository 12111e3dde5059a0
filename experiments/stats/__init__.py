"""Honest statistics of evaluations: intervals, paired tests, power, verdicts; every function names its source."""

from experiments.stats.intervals import Interval, cost_per_solved, cost_ratio, mean_interval, paired_difference
from experiments.stats.paired import holm, mcnemar, paired_p
from experiments.stats.power import power, smallest_difference
from experiments.stats.verdict import Validity, Verdict, validity, verdict, verdicts
from experiments.stats.winner import Winner, winner

__all__ = [
    "Interval",
    "Validity",
    "Verdict",
    "Winner",
    "cost_per_solved",
    "cost_ratio",
    "holm",
    "mcnemar",
    "mean_interval",
    "paired_difference",
    "paired_p",
    "power",
    "smallest_difference",
    "validity",
    "verdict",
    "verdicts",
    "winner",
]
