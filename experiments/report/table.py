"""The words of a board: rows for a terminal or a page, led by what a solved item costs."""

from math import isfinite

from experiments.report.board import Board, Entry
from experiments.stats import Interval

COLUMNS = {
    "system": "left",
    "tokens / solved": "right",
    "95 %": "left",
    "score": "right",
    "95 % ": "left",
    "tokens / item": "right",
    "usd / solved": "right",
    "seconds": "right",
    "valid": "right",
    "against the baseline": "wrap",
}


def rows(board: Board) -> list[list[str]]:
    """One row of `COLUMNS` per system."""
    return [_row(board, entry) for entry in board.entries]


def title(board: Board) -> str:
    """What the board is about, in one line."""
    families = f" in {board.families} families" if board.families < board.items else ""
    seeds = max(len(e.seeds) for e in board.entries)
    models = sorted({e.model for e in board.entries})
    runs = f", {seeds} seeds" if seeds > 1 else ""
    return f"{board.suite} {board.split}: {board.items} items{families}{runs}, {', '.join(models)}"


def note(board: Board) -> str:
    """What is to be minded when the best system is picked by this very board."""
    if not board.best:
        return ""
    label, best = board.best
    fair = best.corrected
    return (
        f"{label} was picked as the best of {sum(e.score is not None for e in board.entries)}: expect "
        f"{percent(fair.estimate)} ({percent(fair.low)} to {percent(fair.high)}) on new items, not {percent(best.raw)}"
    )


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _row(board: Board, entry: Entry) -> list[str]:
    verdict = board.verdicts.get(entry.label)
    if entry.score:
        score, bounds = percent(entry.score.estimate), _bounds(entry.score, 100, ".1f")
    else:
        score, bounds = "no score", " to ".join(f"{100 * share:.1f}" for share in entry.could_be)
    return [
        entry.label,
        _number(entry.tokens_per_solved.estimate, ",.0f"),
        _bounds(entry.tokens_per_solved, 1, ",.0f"),
        score,
        bounds,
        f"{entry.tokens_per_item:,.0f}",
        "free" if entry.usd_per_solved == 0 else _number(entry.usd_per_solved, ".2g"),
        "-" if entry.seconds is None else f"{entry.seconds:.1f}",
        percent(entry.validity.share),
        "the baseline" if entry.label == board.baseline else str(verdict) if verdict else "-",
    ]


def _bounds(interval: Interval, factor: float, form: str) -> str:
    return f"{_number(factor * interval.low, form)} to {_number(factor * interval.high, form)}"


def _number(value: float, form: str) -> str:
    return format(value, form) if isfinite(value) else "∞"
