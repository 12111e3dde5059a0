"""What a run may cost before it starts, from what the model's earlier runs did cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from agents import Budget
from store import Run, Store, list_runs
from ui.view import words

LOOKED_AT = 50  # newest answered runs of the model
MOST = 0.9  # share of them that stayed below the upper figure


@dataclass(frozen=True)
class Estimate:
    """Over `runs` answered runs of the model: the median, and what nine in ten stayed below. Nothing is known of none."""

    runs: int = 0
    tokens: float = 0.0
    most_tokens: float = 0.0
    usd: float = 0.0
    most_usd: float = 0.0
    seconds: float = 0.0
    calls: float = 0.0

    def __str__(self) -> str:
        if not self.runs:
            return "No run with this model yet, so there is nothing to estimate from."
        times = words.count(self.runs, "earlier answer")
        cost = "free" if not self.most_usd else f"about {words.money(self.usd)}, at most {words.money(self.most_usd)}"
        return (
            f"Expect about {words.rough(self.tokens)} tokens (nine in ten runs: below {words.rough(self.most_tokens)}), "
            f"{words.duration(self.seconds)}, {cost}; from {times} of this model."
        )

    def short_of(self, budget: Budget) -> str:
        """Which limit leaves less than half of such runs room, in words; empty if none does."""
        if not self.runs:
            return ""
        limits = (
            ("tokens", budget.tokens, self.tokens),
            ("calls", budget.calls, self.calls),
            ("dollars", budget.usd, self.usd),
        )
        tight = [name for name, limit, need in limits if limit is not None and limit < need]
        return f"Most runs of this model needed more {' and '.join(tight)} than this budget allows." if tight else ""


def estimate(store: Store, model: str) -> Estimate:
    """What a run of this model may cost, from its newest answered runs that were not served from a cache."""
    found = list_runs(store, model=model, status="answered", limit=LOOKED_AT).runs
    return of(run for run in found if run.calls)


def of(runs: Iterable[Run]) -> Estimate:
    """The estimate from some runs."""
    made = list(runs)
    if not made:
        return Estimate()
    tokens = [run.prompt_tokens + run.completion_tokens for run in made]
    usd = [run.usd for run in made]
    return Estimate(
        runs=len(made),
        tokens=median(tokens),
        most_tokens=_quantile(tokens),
        usd=median(usd),
        most_usd=_quantile(usd),
        seconds=median((run.finished or run.created) - run.created for run in made),
        calls=median(run.calls for run in made),
    )


def _quantile(values: Sequence[float]) -> float:
    """The smallest value that the share `MOST` of them does not exceed."""
    return sorted(values)[min(int(MOST * len(values)), len(values) - 1)]
