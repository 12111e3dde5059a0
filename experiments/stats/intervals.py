"""Intervals: of a mean score, of the difference of two systems on the same items, and of the cost of a solved item."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from scipy.stats import norm

from experiments.stats.families import Array, Families, Values, covariance_of_means, family_sums, resamples


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds between which the truth lies in a share `level` of all studies like this one."""

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def excludes(self, value: float) -> bool:
        return not self.low <= value <= self.high


def mean_interval(scores: Values, families: Families = None, *, level: float = 0.95) -> Interval:
    """Mean of scores in [0, 1]: Wilson's interval at the effective sample size that the spread between families leaves.

    Where all scores are equal, the families count as the sample. One family alone says nothing: the bounds are 0 and 1.

    Sources: Wilson, JASA 22 (1927) 209-212; Korn and Graubard, Survey Methodology 24 (1998) 193-201 (effective sample size with
    Student's t); Dean and Pagano, Survey Methodology 41 (2015) 479-499 (Wilson's form of it keeps its level best).
    """
    sums, sizes = family_sums([scores], families)
    mean = float(sums.sum() / sizes.sum())
    if len(sizes) < 2:
        return Interval(mean, 0.0, 1.0, level)
    variance = float(covariance_of_means(sums, sizes)[0, 0])
    n = mean * (1 - mean) / variance if variance > 1e-18 and 0 < mean < 1 else float(len(sizes))
    t2 = float(stdtrit(len(sizes) - 1, (1 + level) / 2)) ** 2
    middle = (mean + t2 / (2 * n)) / (1 + t2 / n)
    half = np.sqrt(t2 * mean * (1 - mean) / n + (t2 / (2 * n)) ** 2) / (1 + t2 / n)
    return Interval(mean, float(max(0.0, middle - half)), float(min(1.0, middle + half)), level)


def paired_difference(
    a: Values, b: Values, families: Families = None, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """Mean of `a - b` on the same items, scores in [0, 1]: percentile bootstrap over families, expanded for small samples.

    Two more items are drawn from, one half won and one half lost, so that few differences do not look like certainty.
    Where all differences are equal, the bounds lie as far away as what was not seen once may be (rule of three).

    Sources: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 13; Hesterberg, The American Statistician 69
    (2015) 371-386, section 4.2 (expanded percentiles); Agresti and Min, Statistics in Medicine 24 (2005) 729-740 (half a pair in
    each cell); Hanley and Lippman-Hand, JAMA 249 (1983) 1743-1745 (nothing seen).
    """
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    sums, sizes = family_sums([differences], families)
    mean = float(differences.mean())
    if np.ptp(differences) == 0:
        unseen = _unseen(len(sizes), level)
        return Interval(mean, max(-1.0, mean - unseen), min(1.0, mean + unseen), level)
    half = np.sqrt(0.5)  # its square is that of half a pair that differs
    drawn = resamples(len(sizes) + 2, seed)
    means = drawn @ np.append(sums[:, 0], [half, -half]) / (drawn @ np.append(sizes, [1.0, 1.0]))
    return Interval(mean, *_expanded(means, len(sizes), level), level)


def cost_per_solved(costs: Values, scores: Values, families: Families = None, *, level: float = 0.95) -> Interval:
    """All cost over all score: what one solved item costs, failures included.

    Without a solved item it is infinite, and the lower bound is what it would be at the largest share that may be solved unseen.

    Source: Fieller, JRSS B 16 (1954) 175-185 (interval of a ratio of means), with the covariance of `covariance_of_means`.
    """
    sums, sizes = family_sums([costs, scores], families)
    cost, solved = sums.sum(0)
    if solved == 0:
        return Interval(np.inf, float(cost / (sizes.sum() * _unseen(len(sizes), level))), np.inf, level)
    return Interval(float(cost / solved), *_fieller(sums, sizes, level), level)


def cost_ratio(costs_a: Values, costs_b: Values, families: Families = None, *, level: float = 0.95) -> Interval:
    """What `a` costs as a multiple of `b` on the same items. Source: Fieller, as for `cost_per_solved`."""
    sums, sizes = family_sums([costs_a, costs_b], families)
    cost_a, cost_b = sums.sum(0)
    if cost_b == 0:
        estimate = np.inf if cost_a else 1.0
        return Interval(estimate, estimate, estimate, level)
    return Interval(float(cost_a / cost_b), *_fieller(sums, sizes, level), level)


def _fieller(sums: Array, sizes: Array, level: float) -> tuple[float, float]:
    """All ratios r at least 0 with |top - r * bottom| within t of its standard errors; unbounded where `bottom` may be zero."""
    if len(sizes) < 2:
        return 0.0, np.inf
    top, bottom = sums.sum(0) / sizes.sum()
    (v_top, v_both), (_, v_bottom) = covariance_of_means(sums, sizes)
    t2 = stdtrit(len(sizes) - 1, (1 + level) / 2) ** 2
    a, b, c = bottom**2 - t2 * v_bottom, top * bottom - t2 * v_both, top**2 - t2 * v_top
    root = np.sqrt(max(0.0, b * b - a * c))
    if a <= 0:
        return max(0.0, float(c / (b + root))) if b + root > 0 else 0.0, np.inf
    return max(0.0, float((b - root) / a)), float((b + root) / a)


def _expanded(statistics: Array, count: int, level: float) -> tuple[float, float]:
    """Percentile bounds whose tails are those of Student's t with the bootstrap's too small spread put right."""
    if count < 2:
        return -np.inf, np.inf
    tail = float(norm.cdf(-np.sqrt(count / (count - 1)) * stdtrit(count - 1, (1 + level) / 2)))
    low, high = np.quantile(statistics, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


def _unseen(count: int, level: float) -> float:
    """The largest share that `count` draws may all have missed."""
    return float(1 - (1 - level) ** (1 / count))
