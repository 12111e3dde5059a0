"""Two pictures of a dispatch: who puts out how much, and how full the lines are."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

_SHOWN = 40
_BLUE, _GREY, _RED = "#3b6fb6", "#d9dde3", "#c0392b"


def draw_dispatch(generators: Sequence[str], output: Float[ndarray, " u"], largest: Float[ndarray, " u"]) -> bytes:
    """Bars of output [MW] before the largest possible output, for the generators with the most; a PNG."""
    order = np.argsort(-output, kind="stable")[:_SHOWN]
    figure, axes = _canvas()
    place = np.arange(len(order))
    axes.bar(place, largest[order], color=_GREY, label="largest output")
    axes.bar(place, output[order], color=_BLUE, label="output")
    axes.set_xticks(place, [generators[i] for i in order], rotation=90 if len(order) > 15 else 0)
    axes.set(xlabel="generator at bus", ylabel="MW")
    axes.legend(frameon=False)
    return _png(figure)


def draw_loading(lines: Sequence[str], loading: Float[ndarray, " m"]) -> bytes:
    """Loading of the lines [share of the limit], fullest first, with the names of the fullest; a PNG."""
    limited = np.flatnonzero(loading > 0)
    order = limited[np.argsort(-loading[limited], kind="stable")]
    figure, axes = _canvas()
    full = loading[order] >= 1 - 1e-6
    axes.bar(np.arange(len(order)), 100 * loading[order], width=1.0, color=np.where(full, _RED, _BLUE))
    axes.axhline(100, color=_RED, linewidth=0.8)
    names = ", ".join(lines[i] for i in order[:8])
    axes.set(xlabel=f"lines, fullest first: {names}", ylabel="loading, % of limit")
    return _png(figure)


def _canvas() -> tuple[Any, Any]:
    """A figure without pyplot, which would want a display and keep a global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
