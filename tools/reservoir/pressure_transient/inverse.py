"""Interpret: networks and unknowns learn together from the record and the equation, and tell how sure they are.

The networks first learn what the starting values predict, and the unknowns find their way on the networks as they stand. Then
Gauss-Newton moves weights and unknowns at once, the physics counting so much that the field it allows errs by less than the
record's noise.

Source: D. Badawi, E. Gildin, arXiv 2309.17345 (2023). The interval is that of the Gauss-Newton Hessian, networks eliminated.
Differs from it: mobility and storage stand in the scales of the networks rather than in front of the equation's terms, which is
the same equation; a zone's mobility and the place of an image stand where they stand there.
"""

import math
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import least_squares
from torch import Tensor

from tools.contract import progress
from tools.reservoir.pressure_transient.forward import BALANCE, Settings, train
from tools.reservoir.pressure_transient.model import Pressure
from tools.reservoir.pressure_transient.physics import UNKNOWNS, Data, Physics
from tools.reservoir.pressure_transient.problem import Problem
from tools.reservoir.pressure_transient.tool import DivergedTraining
from tools.reservoir.pressure_transient.train import History, gauss_newton, information, sample, total
from tools.training import seeded

IMAGE = UNKNOWNS.index("distance")
PLACES = 6  # at which the image is tried
SURE = 1e4  # how much more the physics counts than the record


@dataclass(frozen=True)
class Found:
    """What an inversion found. The unknowns are logarithms relative to the start's scales, in the order of `Physics`."""

    model: Pressure
    physics: Physics
    theta: Float[ndarray, " 4"]
    covariance: Float[ndarray, "q q"]  # of the free ones, for unit noise of the data's sigma
    condition: float
    misfit: Float[ndarray, " n"]  # computed less observed, dimensionless
    residual: float  # root of what is left of the physics, each of its parts a mean square
    history: History
    seconds: float


def look(problem: Problem, data: Data, start: Tensor, free: tuple[int, ...], settings: Settings, what: str) -> Found:
    """As `invert`, only that the networks learn nothing from the record: enough for the unknowns' order of magnitude."""
    return _search(problem, data, start, free, settings, 0, what)


def invert(problem: Problem, data: Data, start: Tensor, free: tuple[int, ...], settings: Settings, what: str) -> Found:
    """Find the free unknowns.

    Args:
        problem: Its mobilities are relative to the reference that `start` is relative to.
        data: The record.
        start: The four unknowns to start from.
        free: Which of them are sought.
        settings: A third of the steps is made with the record.
        what: What this is, in the words of the progress message.

    Raises:
        DivergedTraining: If no step leads anywhere.
    """
    return _search(problem, data, start, free, settings, max(settings.steps // 3, 1), what)


def _search(
    problem: Problem,
    data: Data,
    start: Tensor,
    free: tuple[int, ...],
    settings: Settings,
    together: int,
    what: str,
) -> Found:
    started = perf_counter()
    history = History()

    def said(step: int, loss: float) -> None:
        progress(step / (settings.steps + 1), f"{what}: step {step} of {settings.steps}, residual {loss**0.5:.3g}")

    with seeded(settings.seed) as generator:
        model = Pressure(problem, settings.layers, settings.width, generator)
        physics = Physics(model, theta=start.clone(), balance_weight=BALANCE)
        train(physics, replace(settings, steps=settings.steps - together), generator, said, history)
        _settle(physics, data, tuple(i for i in free if UNKNOWNS[i] != "skin_zone"))
        physics.data, physics.free = data, free
        # a pressure change is of the size of 1 / mobility, so that is what the noise must be small against
        physics.weight = float(SURE * len(data.p) / (data.sigma * torch.exp(physics.theta[0])) ** 2)
        points = sample(physics, settings.points, generator)
        gauss_newton(physics, points, together, history, damping=physics.weight * 1e-5, said=said)
    if not history.loss or not math.isfinite(history.loss[-1]):
        raise DivergedTraining("no step lowered the misfit", hint="give better starting values")
    hessian = information(physics, points, physics.weight * 1e-8).numpy()
    singular = np.linalg.svd(hessian, compute_uv=False)
    condition = float(singular[0] / max(singular[-1], 1e-300))
    misfit = physics.misfit(data).numpy()
    physics.data, physics.weight = None, 1.0
    return Found(
        model=model,
        physics=physics,
        theta=physics.theta.numpy().copy(),
        covariance=np.linalg.pinv(hessian),
        condition=condition,
        misfit=misfit,
        residual=float(total(physics, points).detach()) ** 0.5,
        history=history,
        seconds=perf_counter() - started,
    )


def _settle(physics: Physics, data: Data, free: tuple[int, ...]) -> None:
    """Move the unknowns alone to where the networks, as they are, fit the record best.

    A far image is not felt, so a start there would stay there: the image is tried at several places.
    """
    held = physics.theta.clone()

    def misfit(values: Float[ndarray, " q"]) -> Float[ndarray, " n"]:
        physics.theta = held.clone()
        physics.theta[list(free)] = torch.from_numpy(values)
        out: Float[ndarray, " n"] = physics.misfit(data).numpy() / data.sigma
        return out

    if not free:
        return
    starts = [held[list(free)].numpy()]
    if IMAGE in free:
        for place in np.linspace(0, physics.model.problem.cuts[-1], PLACES + 2)[1:-1]:
            starts.append(np.where(np.array(free) == IMAGE, place, starts[0]))
    tried = [least_squares(misfit, start, loss="soft_l1", max_nfev=50) for start in starts]
    misfit(min(tried, key=lambda found: found.cost).x)
