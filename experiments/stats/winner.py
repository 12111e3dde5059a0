"""What the best of many systems really scores: picking by the same scores flatters the picked one (winner's curse).

Source: Andrews, Kitagawa and McCloskey, "Inference on Winners", Quarterly Journal of Economics 139 (2024) 305-358, the hybrid
estimate and interval: conditional on which system won, and on no mean lying further away than a simultaneous interval allows.
Differs from it: it works on the arcsine scale, where the variance of a share does not depend on the share (Anscombe, Biometrika
35 (1948) 246-254), since what a winner is picked by makes its observed variance too small.
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
    means = sums.sum(0) / sizes.sum()
    nudges = _half_steps(np.asarray(scores, dtype=np.float64), seed)
    angles, covariance = _on_arcsine_scale(means + nudges, covariance_of_means(sums, sizes), len(sizes))
    best = int(np.argmax(angles))
    x, sigma = float(angles[best]), float(np.sqrt(covariance[best, best]))
    beta = (1 - level) / 10
    reach = _simultaneous(covariance, beta, seed) * sigma
    low, high = _conditions(angles, covariance, best)
    tail = (1 - level - beta) / (2 * (1 - beta))

    def mean_at(share: float) -> float:
        """The mean under which the truncated normal lies below what was seen with this chance."""

        def off(angle: float) -> float:
            floor, ceiling = max(low, angle - reach), min(high, angle + reach)
            a, b, c = ((edge - angle) / sigma for edge in (floor, x, ceiling))
            return float((ndtr(b) - ndtr(a)) / (ndtr(c) - ndtr(a))) - share

        first, last = x - (1 - 1e-9) * reach, x + (1 - 1e-9) * reach
        if off(first) <= 0 or off(last) >= 0:  # no other mean within reach would have won less, or more, than this
            angle = first if off(first) <= 0 else last
        else:
            angle = float(brentq(off, first, last, xtol=1e-9))
        share_at = float(np.sin(np.clip(angle, 0.0, np.pi / 2)) ** 2)
        return min(max(share_at - float(nudges[best]), 0.0), 1.0)

    return Winner(best, float(means[best]), Interval(mean_at(0.5), mean_at(1 - tail), mean_at(tail), level))


def _on_arcsine_scale(means: Array, covariance: Array, families: int) -> tuple[Array, Array]:
    """The angles whose squared sines are the means, and their covariance; where scores are all equal, families are the sample."""
    inside = np.clip(means, 0.25 / families, 1 - 0.25 / families)
    slopes = 0.5 / np.sqrt(inside * (1 - inside))
    turned = covariance * np.outer(slopes, slopes)
    constant = np.diag(covariance) < 1e-12
    turned[constant, constant] = 0.25 / families
    return np.arcsin(np.sqrt(np.clip(means, 0.0, 1.0))), turned


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
