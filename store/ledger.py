"""What a run cost: sums over its model calls, exactly rounded, so that their order does not matter."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from store.events import ModelCalled


@dataclass(frozen=True)
class Totals:
    """Attempts at model calls, failed ones included, with their tokens and US dollars."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    usd: float


@dataclass(frozen=True)
class Ledger:
    """`paid` is what the run cost; `cached` is what the calls it took from earlier ones would have cost."""

    paid: Totals
    cached: Totals


def tally(calls: Iterable[ModelCalled]) -> Ledger:
    """The ledger of these calls."""
    made = list(calls)
    return Ledger(_sum([c for c in made if not c.cached]), _sum([c for c in made if c.cached]))


def _sum(calls: list[ModelCalled]) -> Totals:
    return Totals(
        calls=len(calls),
        prompt_tokens=sum(c.prompt_tokens for c in calls),
        completion_tokens=sum(c.completion_tokens for c in calls),
        usd=fsum(c.usd for c in calls),
    )
