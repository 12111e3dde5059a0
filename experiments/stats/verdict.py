"""Is A better than B: "better by x", "worse by x", "equal" (and cheaper or dearer), or "cannot tell", each with its ground."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.stats.families import Families, Values, family_sums
from experiments.stats.intervals import Interval, cost_ratio, paired_difference
from experiments.stats.paired import holm, paired_p
from experiments.stats.power import smallest_difference

Kind = Literal["better", "worse", "equal", "cannot tell"]
Cost = Literal["cheaper", "dearer", "at like cost"]
MARGIN = 0.05  # a difference of less than this is none that matters


@dataclass(frozen=True)
class Verdict:
    """What the same items say of two systems.

    Attributes:
        kind: "better" and "worse" keep their error below 5 % over all `looks`; "equal" means within `margin`.
        cost: How their costs compare, when their ratio's interval excludes 1.
        difference: Of the mean scores, A minus B.
        ratio: Of their costs, A over B.
        p: Of the paired test, adjusted for the number of looks.
        wins, losses, ties: Items on which A scores more, less and the same.
        families: Independent groups among the items.
        looks: Comparisons that this one was picked from.
    """

    kind: Kind
    cost: Cost
    difference: Interval
    ratio: Interval
    p: float
    wins: int
    losses: int
    ties: int
    families: int
    looks: int
    margin: float

    @property
    def can_show(self) -> float | None:
        """The smallest difference that these items show with a chance of 80 %; None when there is none."""
        discordance = (self.wins + self.losses) / (self.wins + self.losses + self.ties)
        return smallest_difference(self.families, discordance) if discordance else None

    def __str__(self) -> str:
        d, r = self.difference, self.ratio
        found = f"{100 * d.low:+.1f} to {100 * d.high:+.1f} points, p = {self.p:.2g}"
        price = f"{r.estimate:.2g} times the cost"
        if self.kind in ("better", "worse"):
            return f"{self.kind} by {100 * abs(d.estimate):.1f} points ({found}), {self.cost}: {price}"
        if self.kind == "equal":
            joined = "and" if self.cost == "cheaper" else "but" if self.cost == "dearer" else ""
            how = f", {joined} {self.cost}" if joined else ""
            return f"equal within {100 * self.margin:g} points ({found}){how}: {price}"
        least = self.can_show
        shows = f"these items show {100 * least:.0f} points" if least else "too few items differ to show anything"
        return f"cannot tell ({found}); {shows}"


def verdict(
    a: Values,
    b: Values,
    families: Families = None,
    *,
    costs: tuple[Values, Values],
    looks: int = 1,
    margin: float = MARGIN,
    alpha: float = 0.05,
    seed: int = 0,
) -> Verdict:
    """Compare two systems on the same items.

    "Better" and "worse" need the paired test and the interval of the difference, both at `alpha / looks` (Bonferroni); "equal"
    needs the interval at `1 - 2 alpha` inside the margin.

    Args:
        a, b: Scores in [0, 1] of the same items, in the same order.
        families: Each item's family; None when every item is its own.
        costs: What each item cost A and B, in one unit (tokens, dollars).
        looks: How many comparisons this one was picked from.
        margin: The largest difference that does not matter.
        alpha: Chance of a false "better" or "worse" over all looks.
        seed: Of the resampling.

    Source: Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657-680 (two one-sided tests of equivalence).
    """
    p = min(1.0, looks * paired_p(a, b, families, seed=seed))
    return _judge(a, b, families, costs, p, looks, margin, alpha, seed)


def verdicts(
    scores: Mapping[str, Values],
    costs: Mapping[str, Values],
    baseline: str,
    families: Families = None,
    *,
    margin: float = MARGIN,
    alpha: float = 0.05,
    seed: int = 0,
) -> dict[str, Verdict]:
    """Every system against one, with the chance of any false "better" or "worse" kept at `alpha`.

    Holm's steps: the clearest comparison is held to the number of all comparisons, the next to one less, and so on.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    others = [name for name in scores if name != baseline]
    base, cost = scores[baseline], costs[baseline]
    raw = [paired_p(scores[name], base, families, seed=seed) for name in others]
    looks = len(raw) - np.argsort(np.argsort(raw, kind="stable"), kind="stable")
    return {
        name: _judge(scores[name], base, families, (costs[name], cost), p, int(k), margin, alpha, seed)
        for name, p, k in zip(others, holm(raw), looks, strict=True)
    }


def _judge(
    a: Values,
    b: Values,
    families: Families,
    costs: tuple[Values, Values],
    p: float,
    looks: int,
    margin: float,
    alpha: float,
    seed: int,
) -> Verdict:
    def difference(level: float) -> Interval:
        return paired_difference(a, b, families, level=level, seed=seed)

    kind: Kind = "cannot tell"
    if p <= alpha and difference(1 - alpha / looks).excludes(0.0):
        kind = "better" if np.mean(a) > np.mean(b) else "worse"
    elif -margin < (narrow := difference(1 - 2 * alpha)).low and narrow.high < margin:
        kind = "equal"
    ratio = cost_ratio(*costs, families)
    cost: Cost = "cheaper" if ratio.high < 1 else "dearer" if ratio.low > 1 else "at like cost"
    gain = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
    ties, seen = len(gain) - wins - losses, len(family_sums([gain], families)[1])
    return Verdict(kind, cost, difference(0.95), ratio, p, wins, losses, ties, seen, looks, margin)


VALID_SHARE = 0.98


@dataclass(frozen=True)
class Validity:
    """How many replies could be scored at all, and whether that is enough to report a score (98 % or more)."""

    valid: int
    total: int

    @property
    def share(self) -> float:
        return self.valid / self.total if self.total else 0.0

    @property
    def enough(self) -> bool:
        return self.total > 0 and self.valid >= VALID_SHARE * self.total


def validity(valid: Sequence[bool]) -> Validity:
    """The validity of a run: replies that were blank, cut off, unreadable or never came are no wrong answers.

    Source: the bar of 98 % is ours.
    """
    return Validity(sum(map(bool, valid)), len(valid))
