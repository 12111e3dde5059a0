"""Sums by family: items that are alike are one draw, so every statistic here resamples or sums whole families.

Source: Miller, "Adding Error Bars to Evals", arXiv 2411.00640, section 2.2 (clustered standard errors).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = Sequence[float] | Array
Families: TypeAlias = Sequence[str] | None

RESAMPLES = 4000  # of a bootstrap; the error of a 95 % bound's level is then about 0.25 points
FLIPS = 9999  # random signs of a permutation test, the observed ones being one more


def family_sums(columns: Sequence[Values], families: Families) -> tuple[Array, Array]:
    """Sums of each column by family, and the families' sizes.

    Args:
        columns: k columns of n values each.
        families: Each item's family; None when every item is its own.

    Returns:
        Sums (families, k), sizes (families,).
    """
    table = np.array(columns, dtype=np.float64).T  # (item, column)
    if table.size == 0:
        raise ValueError("there are no items; a statistic needs at least one")
    if families is None:
        return table, np.ones(len(table))
    if len(families) != len(table):
        raise ValueError(f"{len(families)} families for {len(table)} items; give each item one")
    _, place = np.unique(np.asarray(families), return_inverse=True)
    sizes: Array = np.bincount(place).astype(np.float64)
    sums: Array = np.stack([np.bincount(place, weights=column) for column in table.T], axis=1)
    return sums, sizes


def covariance_of_means(sums: Array, sizes: Array) -> Array:
    """Cluster-robust covariance (k, k) of the k means, with the small-sample factor G / (G - 1).

    Source: Liang and Zeger, Biometrika 73 (1986) 13-22.
    """
    count = len(sizes)
    if count < 2:
        raise ValueError("all items are of one family; a spread needs at least two families")
    residuals = sums - sizes[:, None] * (sums.sum(0) / sizes.sum())
    return np.asarray(count / (count - 1) * residuals.T @ residuals / sizes.sum() ** 2)


@lru_cache(maxsize=4)
def resamples(count: int, seed: int) -> Array:
    """How often each of `count` families is drawn in each bootstrap resample: (RESAMPLES, count)."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return drawn.astype(np.float64)


@lru_cache(maxsize=4)
def signs(count: int, seed: int) -> npt.NDArray[np.float32]:
    """Random signs (FLIPS, count)."""
    drawn = np.random.default_rng(seed).integers(0, 2, (FLIPS, count), dtype=np.int8)
    return (2 * drawn - 1).astype(np.float32)
