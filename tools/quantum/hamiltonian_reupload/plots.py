"""Four pictures of a trained classifier: curves, evolution times, one image's states layer by layer, the circuit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from numpy import ndarray

from tools.plots import BLUE, GREY, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN_LAYERS = 4  # of the circuit


def draw_times(times: Sequence[float]) -> "Figure":
    """Bars of the trained evolution times [rad per pixel unit]."""
    figure, [axes] = canvas()
    axes.bar(range(1, len(times) + 1), times, color=BLUE)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="layer", ylabel="evolution time, rad per pixel unit")
    return figure


def draw_states(probabilities: Float[ndarray, "layers outcomes"], label: int, wanted: int) -> "Figure":
    """Shades of the read-out's probabilities after each layer, for one image of class `label` at outcome `wanted`."""
    figure, [axes] = canvas()
    shown = axes.imshow(probabilities.T, aspect="auto", origin="lower", cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="after layer", ylabel="outcome of the read-out")
    axes.set_xticks(range(len(probabilities)), [str(i + 1) for i in range(len(probabilities))])
    axes.set_yticks(range(probabilities.shape[1]))
    axes.set_title(f"a test image of class {label}, which is outcome {wanted}")
    figure.colorbar(shown, label="probability")
    return figure


def draw_circuit(qubits: int, layers: int, read_out: int, block: str) -> "Figure":
    """The circuit: |+> on every wire, an evolution and a trained block a layer, meters on the wires that are read out."""
    figure, [axes] = canvas()
    axes.set_axis_off()
    names: list[str] = []
    for layer in range(1, min(layers, _SHOWN_LAYERS) + 1):
        names += [rf"$e^{{-iHt_{{{layer}}}/2}}$", f"$V_{{{layer}}}$" + ("" if block == "su_full" else "\nbricks")]
    if layers > _SHOWN_LAYERS:
        names += ["…", f"$V_{{{layers}}}$"]
    end = len(names) + 1
    for wire in range(qubits):
        axes.plot([0.2, end], [-wire, -wire], color="black", linewidth=1, zorder=0)
        axes.text(0.1, -wire, r"$|+\rangle$", ha="right", va="center")
        meter = "measure" if wire < read_out else "traced out"
        axes.text(end + 0.1, -wire, meter, va="center")
    for i, name in enumerate(names):
        _box(axes, i + 0.6, qubits, name, BLUE if i % 2 else GREY)
    axes.set(xlim=(-0.6, end + 1.4), ylim=(-qubits + 0.2, 0.8))
    return figure


def _box(axes: Any, at: float, qubits: int, name: str, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((at, -qubits + 0.6), 0.8, qubits - 0.2, facecolor=colour, edgecolor="black"))
    axes.text(at + 0.4, -(qubits - 1) / 2, name, ha="center", va="center", color="white" if colour == BLUE else "black")
