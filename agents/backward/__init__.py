"""The backward pass: networks that learn from examples, by critiques turned into typed edits that must win a paired test.

Read `gradient`, then `step`: node, parents, local rule, one reverse walk, one step. `train` wraps budget, persistence and the
gate around it.
"""

from agents.backward.course import TrainOptions
from agents.backward.diff import difference
from agents.backward.gradient import GradientItem
from agents.backward.pool import Pool, Version
from agents.backward.rollout import Case
from agents.backward.specialise import Ensemble, specialise
from agents.backward.step import Backpropagation, Proposer, Rates
from agents.backward.train import Fit, Trainer, split

__all__ = [
    "Backpropagation",
    "Case",
    "Ensemble",
    "Fit",
    "GradientItem",
    "Pool",
    "Proposer",
    "Rates",
    "TrainOptions",
    "Trainer",
    "Version",
    "difference",
    "specialise",
    "split",
]
