"""From evaluations to a leaderboard per suite: scores with intervals, tokens per solved item, and verdicts against a baseline."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from statistics import fmean, median
from typing import Any

from experiments.results import Evaluation, Result
from experiments.stats import (
    Interval,
    Validity,
    Verdict,
    Winner,
    cost_per_solved,
    mean_interval,
    validity,
    verdicts,
    winner,
)

USUAL_BASELINE = "one_call"


@dataclass(frozen=True)
class Entry:
    """One system with one model on one suite, over all its seeds.

    Attributes:
        label: The system's name, with the model's where there are several.
        score: Mean over the valid items; None when under 98 % are valid.
        could_be: The mean if all invalid replies were wrong, and if all were right.
        tokens_per_solved: All tokens over all score, failures included.
        seconds: Median time of an item's calls, None when too few were made in this store.
    """

    label: str
    system: str
    model: str
    seeds: tuple[int, ...]
    items: int
    validity: Validity
    score: Interval | None
    could_be: tuple[float, float]
    tokens_per_solved: Interval
    tokens_per_item: float
    usd_per_solved: float
    seconds: float | None


@dataclass(frozen=True)
class Board:
    """The systems on one suite, the best first. All took the same items.

    Attributes:
        verdicts: Of each system with a score against the baseline, by label; the chance of any false "better" is 5 %.
        best: What the best of three or more is expected to score on new items, by label; None where fewer have a score.
    """

    suite: str
    split: str
    items: int
    families: int
    entries: tuple[Entry, ...]
    baseline: str
    verdicts: dict[str, Verdict]
    best: tuple[str, Winner] | None


class NothingToCompare(Exception):
    """The evaluations share no items, or the baseline is not among them; `hint` says what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


def boards(evaluations: Iterable[Evaluation], *, baseline: str = "") -> list[Board]:
    """One board per suite and split, of the evaluations that are finished.

    Of several evaluations of one system with one seed, the one with most items counts, of these the latest. The items are those
    that all systems have taken.

    Args:
        baseline: Label or name of the system that the others are compared with; left out, `one_call`, else the cheapest.
    """
    grouped: dict[tuple[str, str], list[Evaluation]] = {}
    for made in evaluations:
        if made.finished:
            grouped.setdefault((made.plan.suite, made.plan.split), []).append(made)
    return [_board(suite, split, group, baseline) for (suite, split), group in sorted(grouped.items())]


def as_json(board: Board) -> dict[str, Any]:
    """The board as JSON values; what is infinite becomes null."""
    plain = asdict(board)
    plain["verdicts"] = {name: {**asdict(verdict), "words": str(verdict)} for name, verdict in board.verdicts.items()}
    plain["best"] = {"label": board.best[0], **asdict(board.best[1])} if board.best else None
    for entry, row in zip(board.entries, plain["entries"], strict=True):
        row["validity"] |= {"share": entry.validity.share, "enough": entry.validity.enough}
    return dict(_finite(plain))


def _board(suite: str, split: str, group: Sequence[Evaluation], baseline: str) -> Board:
    chosen = _chosen(group)
    common = set.intersection(*({r.item for r in made.results} for seeds in chosen.values() for made in seeds))
    if not common:
        raise NothingToCompare(f"the systems on {suite} took no item in common", "give all of them the same --limit")
    several = len({model for _, model in chosen}) > 1
    taken = {
        (f"{system} ({model})" if several else system): _by_item(seeds, common)
        for (system, model), seeds in chosen.items()
    }
    named = dict(zip(taken, chosen.items(), strict=True))
    order = [i.id for i in next(iter(chosen.values()))[0].plan.items if i.id in common]
    entries = [
        _entry(label, *named[label][0], [e.plan.options.seed for e in named[label][1]], items, order)
        for label, items in taken.items()
    ]
    entries.sort(key=lambda e: (-(e.score.estimate if e.score else -1.0), e.tokens_per_item))
    base = _baseline(entries, baseline)
    scored = [e.label for e in entries if e.score]
    both = [i for i in order if all(any(r.valid for r in taken[label][i]) for label in scored)]
    families = [taken[entries[0].label][i][0].family for i in both]
    scores = {label: [_score(taken[label][i]) for i in both] for label in scored}
    costs = {label: [fmean(r.tokens for r in taken[label][i]) for i in both] for label in scored}
    enough = len(set(families)) > 1
    return Board(
        suite=suite,
        split=split,
        items=len(order),
        families=len({taken[entries[0].label][i][0].family for i in order}),
        entries=tuple(entries),
        baseline=base,
        verdicts=verdicts(scores, costs, base, families) if enough and base in scored else {},
        best=_best(scores, families) if enough and len(scored) > 2 else None,
    )


def _chosen(group: Sequence[Evaluation]) -> dict[tuple[str, str], list[Evaluation]]:
    """By system and model, one evaluation per seed."""
    best: dict[tuple[str, str, int], Evaluation] = {}
    for made in group:
        options = made.plan.options
        key = (made.plan.system, options.model, options.seed)
        if key not in best or (len(made.results), made.created) > (len(best[key].results), best[key].created):
            best[key] = made
    chosen: dict[tuple[str, str], list[Evaluation]] = {}
    for (system, model, _), made in sorted(best.items(), key=lambda pair: pair[0]):
        chosen.setdefault((system, model), []).append(made)
    return chosen


def _by_item(seeds: Sequence[Evaluation], common: set[str]) -> dict[str, list[Result]]:
    """Each item's results, one per seed."""
    found: dict[str, list[Result]] = {}
    for made in seeds:
        for result in made.results:
            if result.item in common:
                found.setdefault(result.item, []).append(result)
    return found


def _entry(
    label: str, system: str, model: str, seeds: Sequence[int], items: dict[str, list[Result]], order: Sequence[str]
) -> Entry:
    results = [r for i in order for r in items[i]]
    valid = validity([r.valid for r in results])
    usable = [i for i in order if any(r.valid for r in items[i])]
    families = [items[i][0].family for i in order]
    scores = [fmean(r.score for r in items[i]) for i in order]
    tokens = [fmean(r.tokens for r in items[i]) for i in order]
    solved, usd = sum(scores), sum(fmean(r.usd for r in items[i]) for i in order)
    seconds = [r.seconds for r in results if r.seconds is not None]
    invalid = fmean(not r.valid for r in results)
    return Entry(
        label=label,
        system=system,
        model=model,
        seeds=tuple(seeds),
        items=len(order),
        validity=valid,
        score=mean_interval([_score(items[i]) for i in usable], [items[i][0].family for i in usable])
        if valid.enough
        else None,
        could_be=(fmean(scores), fmean(scores) + invalid),
        tokens_per_solved=cost_per_solved(tokens, scores, families),
        tokens_per_item=fmean(tokens),
        usd_per_solved=usd / solved if solved else float("inf") if usd else 0.0,
        seconds=median(seconds) if len(seconds) > len(results) / 2 else None,
    )


def _score(results: Sequence[Result]) -> float:
    """An item's score: the mean over the seeds whose reply was valid."""
    return fmean(r.score for r in results if r.valid)


def _baseline(entries: Sequence[Entry], wanted: str) -> str:
    for entry in entries:
        if wanted and wanted in (entry.label, entry.system):
            return entry.label
    if wanted:
        labels = ", ".join(e.label for e in entries)
        raise NothingToCompare(f"no evaluation of {wanted} here", f"systems with evaluations are {labels}")
    usual = [e.label for e in entries if e.system == USUAL_BASELINE]
    return usual[0] if usual else min(entries, key=lambda e: e.tokens_per_item).label


def _best(scores: dict[str, list[float]], families: list[str]) -> tuple[str, Winner]:
    found = winner(list(scores.values()), families)
    return list(scores)[found.index], found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
