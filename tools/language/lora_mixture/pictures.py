"""Heat maps of who was used where, and training curves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from tools.plots import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LABELS = 80  # tokens that are written out


def draw_tokens(scalings: Float[Tensor, "t layers n"], tokens: Sequence[str], experts: Sequence[str]) -> "Figure":
    """Token by expert, averaged over layers."""
    figure, [axes] = canvas()
    shown = axes.imshow(scalings.mean(1).T.numpy(), aspect="auto", cmap="Blues", vmin=0, vmax=1)
    axes.set_yticks(range(len(experts)), experts)
    if len(tokens) <= _MOST_LABELS:
        labels = [token.replace("\n", "⏎").replace("$", r"\$") for token in tokens]
        axes.set_xticks(range(len(tokens)), labels, rotation=90, fontsize=6, family="monospace")
    axes.set(xlabel="token")
    figure.colorbar(shown, label="scaling, averaged over layers")
    return figure


def draw_layers(scalings: Float[Tensor, "t layers n"], experts: Sequence[str]) -> "Figure":
    """Layer by expert, averaged over tokens."""
    figure, [axes] = canvas()
    shown = axes.imshow(scalings.mean(0).T.numpy(), aspect="auto", cmap="Blues", vmin=0, vmax=1)
    axes.set_yticks(range(len(experts)), experts)
    axes.set(xlabel="adapted layer, from the text to the output")
    figure.colorbar(shown, label="scaling, averaged over tokens")
    return figure


def draw_matrix(perplexity: Sequence[Sequence[float]], names: Sequence[str]) -> "Figure":
    """Expert by domain; each column is shaded by its own smallest value."""
    figure, [axes] = canvas()
    least = [min(column) for column in zip(*perplexity, strict=True)]
    axes.imshow([[low / x for x, low in zip(row, least, strict=True)] for row in perplexity], cmap="Blues", vmin=0)
    for i, row in enumerate(perplexity):
        for j, value in enumerate(row):
            colour = "white" if value == least[j] else "black"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="test documents of", ylabel="expert of")
    return figure
