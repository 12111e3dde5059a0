"""Pictures that tools draw: a canvas that needs no display, and the curves that every training has."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tools.contract import Artifact, save_artifact

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, GREY, RED = "#3b6fb6", "#d9dde3", "#c0392b"


def canvas(rows: int = 1, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure and its axes in reading order, without pyplot, which would want a display and keep a global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8 if columns == 1 else 4.5 * columns, 4.5 * rows), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = [axes for row in figure.subplots(rows, columns, squeeze=False) for axes in row]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def save_plot(name: str, figure: "Figure", caption: str = "") -> Artifact:
    """Keep a figure beside the output of the running call, as a PNG whose bytes depend on nothing but the figure."""
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return save_artifact(f"{name}.png", "image/png", content.getvalue(), caption)


def draw_curves(curves: Mapping[str, Sequence[float]], *, x: str = "epoch", y: str = "", log: bool = False) -> "Figure":
    """Lines over 1, 2, 3, ..., with a legend of their names.

    Args:
        curves: Values by name; a curve may be shorter than the others.
        x, y: What the axes show, with units.
        log: Draw y on a logarithmic scale.
    """
    figure, [axes] = canvas()
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=name, marker="." if len(values) == 1 else "")
    axes.set(xlabel=x, ylabel=y, yscale="log" if log else "linear")
    axes.legend(frameon=False)
    return figure
