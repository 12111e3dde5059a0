"""Tests of whether two systems differ on the same items: McNemar's exact test, and its form for families and graded scores."""

from math import fsum

import numpy as np
from scipy.stats import binom

from experiments.stats.families import FLIPS, Families, Values, family_sums, signs

ENUMERATED = 12  # families that differ, up to which all signs are tried


def mcnemar(wins: int, losses: int) -> float:
    """Two-sided exact p-value that wins and losses are equally likely; ties say nothing.

    Source: McNemar, Psychometrika 12 (1947) 153-157, in the exact binomial form.
    """
    n = wins + losses
    return min(1.0, 2 * float(binom.cdf(min(wins, losses), n, 0.5))) if n else 1.0


def paired_p(a: Values, b: Values, families: Families = None, *, seed: int = 0) -> float:
    """Two-sided p-value that swapping the two systems family by family changes nothing.

    With right-or-wrong scores and every item its own family this is McNemar's exact test. Otherwise the signs of the families'
    sums are flipped: all ways when few differ, else at random, the observed one being one of them.

    Sources: Fisher, "The Design of Experiments" (1935), ch. III (paired permutation); Phipson and Smyth, Stat. Appl. Genet. Mol.
    Biol. 9 (2010) 39 (a permutation p-value is never zero).
    """
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    sums = family_sums([differences], families)[0][:, 0]
    sums = sums[np.abs(sums) > 1e-12]
    if np.ptp(np.abs(sums)) < 1e-12 if len(sums) else True:
        return mcnemar(int((sums > 0).sum()), int((sums < 0).sum()))
    bar = abs(fsum(sums)) - 1e-9 * float(np.abs(sums).sum())
    if len(sums) <= ENUMERATED:
        flips = 1 - 2 * (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1)
        return float((np.abs(flips @ sums) >= bar).mean())
    extreme = int((np.abs(signs(len(sums), seed) @ sums) >= bar).sum())
    return (extreme + 1) / (FLIPS + 1)


def holm(p_values: Values) -> list[float]:
    """Adjusted p-values that keep the chance of any false "different" among all comparisons at the level.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, stepped)
    return [float(value) for value in adjusted]
