"""Pictures: pressure and its derivative, the residual of the equation with the subdomains, and how the unknowns were found."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from tools.contract import Artifact
from tools.plots import BLUE, RED, canvas, draw_curves, save_plot
from tools.reservoir.pressure_transient.case import Record
from tools.reservoir.pressure_transient.inverse import Found
from tools.reservoir.pressure_transient.model import Pressure
from tools.reservoir.pressure_transient.physics import Physics


def draw(
    model: Pressure,
    scale: float,
    unit: str,
    time_unit: str,
    time: Float[ndarray, " n"],
    curve: Sequence[Float[ndarray, " n"]],
    loss: Sequence[float],
    truth: Float[ndarray, " n"] | None,
) -> list[Artifact]:
    """Pictures of a prediction; `curve` holds change and derivative, dimensionless, `truth` the change by other means."""
    figure, [axes] = canvas()
    axes.loglog(time, np.maximum(scale * curve[0], 1e-12), color=BLUE, label="change")
    axes.loglog(time, np.maximum(scale * curve[1], 1e-12), color=RED, label="Bourdet derivative")
    if truth is not None:
        axes.loglog(time, scale * truth, "k.", markersize=3, label="independent solution")
    top = scale * float(max(curve[0].max(), curve[1].max()))
    axes.set(xlabel=f"time [{time_unit}]", ylabel=unit, ylim=(top * 1e-4, top * 2))
    axes.legend(frameon=False)
    return [
        save_plot("log-log", figure, "Pressure change and Bourdet derivative"),
        _residuals(model),
        save_plot("training", draw_curves({"sum of squares": loss}, x="step", log=True), "Training"),
    ]


def draw_fit(
    found: Found, record: Record, computed: Float[ndarray, " n"], names: Sequence[str], unit: str, time_unit: str
) -> list[Artifact]:
    """Pictures of an interpretation."""
    figure, [axes] = canvas()
    for radius in np.unique(record.radius):
        here = record.radius == radius
        axes.semilogx(record.time[here], record.value[here], "k.", markersize=4)
        axes.semilogx(record.time[here], computed[here], label=f"at {radius:g}")
    axes.set(xlabel=f"time [{time_unit}]", ylabel=unit)
    axes.legend(frameon=False)
    free = found.physics.free
    trace = {name: [step[i] for step in found.history.theta] for name, i in zip(names, free, strict=True)}
    return [
        save_plot("fit", figure, "Record (dots) and networks (lines)"),
        _residuals(found.model, found.physics),
        save_plot("trace", draw_curves(trace, x="step", y="logarithm by the start"), "How the unknowns were found"),
    ]


def _residuals(model: Pressure, physics: Physics | None = None) -> Artifact:
    """What is left of the equation over place and time, with the borders of the subdomains."""
    physics = physics or Physics(model)
    problem = model.problem
    figure, [axes] = canvas()
    s = torch.linspace(0.05, problem.span, 120, dtype=torch.float64)
    for i, (left, right) in enumerate(zip(problem.cuts, problem.cuts[1:], strict=False)):
        x = torch.linspace(left, right, 60, dtype=torch.float64)
        places, times = x.repeat(len(s)), s.repeat_interleave(len(x))
        with torch.no_grad():
            rest = physics.equation(
                i, model.jet(i, places, times), places, times, physics.theta.expand(len(places), -1)
            )
        shown = np.log10(rest.abs().reshape(len(s), len(x)).numpy() + 1e-12)
        mesh = axes.pcolormesh(x.numpy(), s.numpy(), shown, cmap="magma", vmin=-6, vmax=0, rasterized=True)
    for cut in problem.cuts[1:-1]:
        axes.axvline(cut, color="w", linewidth=1)
    axes.set(xlabel="ln(radius / well radius)", ylabel="log10 of dimensionless time")
    figure.colorbar(mesh, ax=axes, label="log10 |residual|")
    return save_plot("residuals", figure, "Residual of the diffusivity equation, with the subdomains")
