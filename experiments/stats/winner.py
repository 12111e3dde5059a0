"""What the best of many systems really scores: picking by the same scores flatters the picked one (winner's curse).

Source: Andrews, Kitagawa and McCloskey, "Inference on Winners", Quarterly Journal of Economics 139 (2024) 305-358, the hybrid
estimate and interval: conditional on which system won, and on no mean lying further away than a simultaneous interval allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from experiments.stats.families import Array, Families, Values, covariance_of_means, family_sums
from experiments.stats.intervals import Interval

DRAWS = 10_000


@dataclass(frozen=True)
class Winner:
    """The best system's place in the list, the score it was picked for, and the score to expect of it."""

    index: int
    raw: float
    corrected: Interval


def winner(scores: Sequence[Values], families: Families = None, *, level: float = 0.95, seed: int = 0) -> Winner:
    """The system with the highest mean score, with a median-unbiased estimate and an interval that know it was picked.

    Args:
        scores: One row per system, all on the same items, values in [0, 1].
        families: Each item's family; None when every item is its own.
        level: Of the interval.
        seed: Of the draws for the simultaneous bound, and of the half steps by which ties are broken.
    """
    sums, sizes = family_sums(scores, families)
    covariance = covariance_of_means(sums, sizes)
    means = sums.sum(0) / sizes.sum()
    nudges = _half_steps(np.asarray(scores, dtype=np.float64), seed)
    nudged = means + nudges
    best = int(np.argmax(nudged))
    exact = float(means[best])
    raw, sigma = float(nudged[best]), float(np.sqrt(covariance[best, best]))
    if sigma < 1e-12:
        return Winner(best, exact, Interval(exact, exact, exact, level))
    beta = (1 - level) / 10
    reach = _simultaneous(covariance, beta, seed) * sigma
    low, high = _conditions(nudged, covariance, best)
    tail = (1 - level - beta) / (2 * (1 - beta))

    def solve(share: float) -> float:
        """The mean under which the truncated normal lies below `raw` with this chance."""

        def off(mean: float) -> float:
            floor, ceiling = max(low, mean - reach), min(high, mean + reach)
            a, x, b = ((edge - mean) / sigma for edge in (floor, raw, ceiling))
            return float((ndtr(x) - ndtr(a)) / (ndtr(b) - ndtr(a))) - share

        first, last = raw - (1 - 1e-9) * reach, raw + (1 - 1e-9) * reach
        if off(first) <= 0 or off(last) >= 0:  # no other mean within reach would have won less, or more, than this
            return first if off(first) <= 0 else last
        return float(brentq(off, first, last, xtol=1e-9))

    middle, first, last = (float(np.clip(solve(share) - nudges[best], 0.0, 1.0)) for share in (0.5, 1 - tail, tail))
    return Winner(best, exact, Interval(middle, first, last, level))


def _half_steps(scores: Array, seed: int) -> Array:
    """A random part of half a step of the mean for each system: counts tie where the normal distribution never does."""
    steps = np.diff(np.unique(scores))
    step = float(steps.min()) / scores.shape[1] if steps.size else 0.0
    return np.random.default_rng(seed).uniform(-step / 2, step / 2, len(scores))


def _conditions(means: Array, covariance: Array, best: int) -> tuple[float, float]:
    """Between which values the winner's mean may move, what is independent of it held fixed, without another one winning."""
    low, high = -np.inf, np.inf
    own = covariance[best, best]
    for other, with_best in enumerate(covariance[best]):
        slack = own - with_best
        if other == best or abs(slack) < 1e-12 * own:
            continue
        limit = (own * means[other] - with_best * means[best]) / slack
        if slack > 0:
            low = max(low, limit)
        else:
            high = min(high, limit)
    return float(low), float(high)


def _simultaneous(covariance: Array, beta: float, seed: int) -> float:
    """The multiple of its standard error within which every mean lies with chance 1 - beta."""
    spread = np.sqrt(np.diag(covariance))
    known = spread > 1e-12
    correlation = covariance[np.ix_(known, known)] / np.outer(spread[known], spread[known])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    largest = np.abs(_normals(int(known.sum()), seed) @ root.T).max(axis=1)
    return float(np.quantile(largest, 1 - beta))


@lru_cache(maxsize=4)
def _normals(count: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((DRAWS, count))
