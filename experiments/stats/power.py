"""What a suite can show: the power of the paired comparison, and the smallest difference it finds.

Source: Duffy, Biometrics 40 (1984) 1005-1015 (exact unconditional power of McNemar's test).
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import binom


def power(items: int, difference: float, discordance: float, *, alpha: float = 0.05) -> float:
    """Chance that McNemar's exact two-sided test finds the better of two systems.

    Args:
        items: Independent items that both take; for items in families, the effective number.
        difference: True difference of the shares they solve, from 0 to `discordance`.
        discordance: Share of items that one solves and the other does not, in (0, 1].
        alpha: Level of the test.
    """
    if not 0 <= difference <= discordance <= 1 or discordance == 0:
        raise ValueError(
            f"difference {difference:g} and discordance {discordance:g} must satisfy 0 <= difference <= discordance <= 1"
        )
    discordant = np.arange(items + 1)
    wins = binom.sf(_critical(items, alpha) - 1, discordant, (1 + difference / discordance) / 2)
    return float(binom.pmf(discordant, items, discordance) @ wins)


def smallest_difference(items: int, discordance: float, *, at_power: float = 0.8, alpha: float = 0.05) -> float | None:
    """The smallest true difference that is found with chance `at_power`; None when even the largest possible one is not."""
    if items < 1 or power(items, discordance, discordance, alpha=alpha) < at_power:
        return None
    return float(brentq(lambda d: power(items, d, discordance, alpha=alpha) - at_power, 0.0, discordance, xtol=1e-6))


@lru_cache(maxsize=8)
def _critical(items: int, alpha: float) -> npt.NDArray[np.float64]:
    """The fewest wins among 0, 1, ... `items` discordant items that reject."""
    return np.asarray(binom.isf(alpha / 2, np.arange(items + 1), 0.5) + 1)
