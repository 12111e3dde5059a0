"""Compared systems as pictures: scores with intervals, cost against score, wins and losses; the sums are the harness's."""

from experiments.report.board import Board, Entry
from experiments.stats import Interval
from ui.view import words
from ui.view.charts import Option, Palette

KINDS = {"better": "green", "worse": "red", "equal": "blue", "cannot tell": "gray"}


def percent(interval: Interval) -> str:
    """`72.0 % (60.1 to 81.3)`."""
    return f"{100 * interval.estimate:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def score(entry: Entry) -> str:
    """The score with its interval, or why there is none."""
    if entry.score:
        return percent(entry.score)
    low, high = entry.could_be
    return f"none: {100 * entry.validity.share:.0f} % valid replies; between {100 * low:.0f} and {100 * high:.0f} %"


def per_solved(entry: Entry) -> str:
    """Tokens per solved item; nothing solved is infinitely dear."""
    found = entry.tokens_per_solved.estimate
    return f"{found:,.0f}" if found < float("inf") else "none solved"


def headline(board: Board) -> str:
    """The board in one sentence."""
    best = next((entry for entry in board.entries if entry.score), None)
    if best is None or best.score is None:
        return "No system has enough valid replies for a score."
    said = f"{best.label} leads with {percent(best.score)}"
    found = board.verdicts.get(best.label)
    if best.label == board.baseline:
        return f"{said}; it is the baseline."
    return f"{said}; against {board.baseline}: {found}." if found else f"{said}."


def scores(board: Board, colours: Palette) -> Option:
    """Each system's score with its 95 % interval, the best on top."""
    entries = [entry for entry in board.entries if entry.score]
    bars = [
        [{"coord": [_round(e.score.low), k]}, {"coord": [_round(e.score.high), k]}]
        for k, e in enumerate(entries)
        if e.score
    ]
    return _frame(colours) | {
        "xAxis": _axis(colours, "score, %", 0, 100),
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [entry.label for entry in entries],
            "axisTick": {"show": False},
            "axisLine": {"show": False},
            "axisLabel": {"color": colours.ink},
        },
        "series": [
            {
                "type": "scatter",
                "symbolSize": 12,
                "itemStyle": {"color": colours.accent},
                "data": [[_round(e.score.estimate), k] for k, e in enumerate(entries) if e.score],
                "markLine": _whiskers(bars, colours),
            }
        ],
    }


def cost_against_score(board: Board, colours: Palette) -> Option:
    """Tokens an item against score: up and to the left is better."""
    entries = [entry for entry in board.entries if entry.score]
    bars = [
        [{"coord": [e.tokens_per_item, _round(e.score.low)]}, {"coord": [e.tokens_per_item, _round(e.score.high)]}]
        for e in entries
        if e.score
    ]
    points = [
        {"name": e.label, "value": [round(e.tokens_per_item, 1), _round(e.score.estimate)]} for e in entries if e.score
    ]
    return _frame(colours) | {
        "xAxis": {**_axis(colours, "tokens an item"), "type": "log", "logBase": 10},
        "yAxis": _axis(colours, "score, %", 0, 100),
        "series": [
            {
                "type": "scatter",
                "symbolSize": 12,
                "itemStyle": {"color": colours.accent},
                "label": {"show": True, "position": "right", "formatter": "{b}", "color": colours.ink},
                "labelLayout": {"hideOverlap": True},
                "data": points,
                "markLine": _whiskers(bars, colours),
            }
        ],
    }


def wins(board: Board, colours: Palette) -> Option:
    """Items on which each system scores more, and less, than the baseline."""
    labels = [entry.label for entry in board.entries if entry.label in board.verdicts]
    found = [board.verdicts[label] for label in labels]
    shape = {"type": "bar", "stack": "items", "barMaxWidth": 18, "label": {"show": True, "color": colours.paper}}
    return _frame(colours) | {
        "legend": {"top": 0, "left": 0, "textStyle": {"color": colours.ink}},
        "xAxis": _axis(colours, "items"),
        "yAxis": {"type": "category", "inverse": True, "data": labels, "axisLabel": {"color": colours.ink}},
        "series": [
            {**shape, "name": "loses", "itemStyle": {"color": colours.bad}, "data": [-v.losses for v in found]},
            {**shape, "name": "wins", "itemStyle": {"color": colours.good}, "data": [v.wins for v in found]},
        ],
    }


def scores_in_words(board: Board) -> str:
    return "Scores with 95 % intervals: " + "; ".join(f"{e.label} {score(e)}" for e in board.entries) + "."


def cost_in_words(board: Board) -> str:
    said = (f"{e.label} {words.count(round(e.tokens_per_item), 'token')} an item, {score(e)}" for e in board.entries)
    return "Cost against score: " + "; ".join(said) + "."


def wins_in_words(board: Board) -> str:
    said = (f"{label} wins {v.wins}, loses {v.losses}, ties {v.ties}" for label, v in board.verdicts.items())
    return f"Items against {board.baseline}: " + "; ".join(said) + "."


def _round(share: float) -> float:
    return round(100 * share, 2)


def _frame(colours: Palette) -> Option:
    return {
        "animation": False,
        "grid": {"left": 8, "right": 40, "top": 30, "bottom": 34, "containLabel": True},
        "tooltip": {"trigger": "item"},
        "textStyle": {"color": colours.ink},
    }


def _axis(colours: Palette, name: str, low: float | None = None, high: float | None = None) -> Option:
    bounds = {"min": low, "max": high} if low is not None else {}
    return {
        "type": "value",
        "name": name,
        "nameLocation": "middle",
        "nameGap": 26,
        "axisLabel": {"color": colours.quiet},
        "nameTextStyle": {"color": colours.quiet},
        "splitLine": {"lineStyle": {"opacity": 0.3}},
        **bounds,
    }


def _whiskers(bars: list[list[Option]], colours: Palette) -> Option:
    return {
        "silent": True,
        "z": 1,
        "symbol": ["none", "none"],
        "label": {"show": False},
        "lineStyle": {"type": "solid", "width": 3, "color": colours.line},
        "data": bars,
    }
