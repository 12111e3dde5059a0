"""A board in three pictures: scores with intervals, cost against score, wins and losses against the baseline."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

from experiments.report.board import Board, Entry

INK, BLUE, GREEN, RED, GREY = "#1c2430", "#3f6fb5", "#12703f", "#b3261e", "#c9d0da"


def scores(board: Board) -> str:
    """Each system's score with its 95 % interval, as SVG text."""
    entries = [e for e in board.entries if e.score][::-1]
    with _axes(len(entries)) as (axes, svg):
        for k, entry in enumerate(entries):
            assert entry.score is not None
            low, high = 100 * entry.score.low, 100 * entry.score.high
            axes.plot([low, high], [k, k], color=BLUE, linewidth=3, solid_capstyle="round")
            axes.plot(100 * entry.score.estimate, k, "o", color=INK, markersize=6)
        _name(axes, entries)
        axes.set_xlim(0, 100)
        axes.set_xlabel("score, % (95 % interval)")
    return svg()


def cost_against_score(board: Board) -> str:
    """Tokens per item against score; the line joins the systems that no other one beats in both."""
    entries = [e for e in board.entries if e.score]
    with _axes(6) as (axes, svg):
        for entry in entries:
            assert entry.score is not None
            x, y = entry.tokens_per_item, 100 * entry.score.estimate
            spread = [[y - 100 * entry.score.low], [100 * entry.score.high - y]]
            axes.errorbar(x, y, yerr=spread, fmt="o", color=INK, ecolor=BLUE, elinewidth=2, markersize=6)
            axes.annotate(entry.label, (x, y), xytext=(7, 5), textcoords="offset points", fontsize=9)
        front = list(_front(entries))
        axes.step(
            [e.tokens_per_item for e in front],
            [100 * e.score.estimate for e in front if e.score],
            where="post",
            color=GREEN,
            linewidth=1.2,
            linestyle="--",
        )
        axes.set_xscale("log")
        axes.margins(x=0.25)
        axes.set_xlabel("tokens per item (log scale)")
        axes.set_ylabel("score, %")
    return svg()


def wins(board: Board) -> str:
    """Items on which each system scores more, and less, than the baseline."""
    shown = [e for e in board.entries if e.label in board.verdicts][::-1]
    with _axes(len(shown)) as (axes, svg):
        for k, entry in enumerate(shown):
            v = board.verdicts[entry.label]
            axes.barh(k, v.wins, color=GREEN, height=0.6)
            axes.barh(k, -v.losses, color=RED, height=0.6)
            for count, side in ((v.wins, "left"), (-v.losses, "right")):
                axes.annotate(
                    str(abs(count)),
                    (count, k),
                    ha=side,
                    va="center",
                    xytext=(4 if side == "left" else -4, 0),
                    textcoords="offset points",
                    fontsize=9,
                )
        _name(axes, shown)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.margins(x=0.15)
        axes.set_xlabel(f"items lost (left) and won (right) against {board.baseline}")
    return svg()


def _front(entries: Sequence[Entry]) -> Iterator[Entry]:
    best = -1.0
    for entry in sorted(entries, key=lambda e: (e.tokens_per_item, -(e.score.estimate if e.score else 0.0))):
        if entry.score and entry.score.estimate > best and isfinite(entry.tokens_per_item):
            best = entry.score.estimate
            yield entry


def _name(axes: Any, entries: Sequence[Entry]) -> None:
    axes.set_yticks(range(len(entries)), [e.label for e in entries])
    axes.set_ylim(-0.6, len(entries) - 0.4)


@contextmanager
def _axes(lines: int) -> Iterator[tuple[Any, Callable[[], str]]]:
    """Axes of a picture with so many lines, and what gives its SVG text, the same at every call."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "report", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7.2, 1.1 + 0.42 * max(lines, 1)), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", color=GREY, linewidth=0.5)
        axes.set_axisbelow(True)

        def svg() -> str:
            with rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
                out = io.StringIO()
                figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
            return out.getvalue()

        yield axes, svg
