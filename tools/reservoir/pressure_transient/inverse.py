"""Interpret: networks and unknowns learn together from the record and the equation, and tell how sure they are.

The networks first learn what the starting values predict, and the unknowns find their way on the networks as they stand. Then
Gauss-Newton moves weights and unknowns at once, the physics counting so much that the field it allows errs by less than the
record's noise.

Source: D. Badawi, E. Gildin, arXiv 2309.17345 (2023). The interval is that of the Gauss-Newton Hessian
of the data loss, by differences.
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
from scipy.optimize import least_squares, minimize_scalar
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tools.contract import progress
from tools.reservoir.pressure_transient.forward import BALANCE, Settings, train
from tools.reservoir.pressure_transient.model import Pressure
from tools.reservoir.pressure_transient.physics import UNKNOWNS, Data, Physics, Points
from tools.reservoir.pressure_transient.problem import Problem
from tools.reservoir.pressure_transient.tool import DivergedTraining
from tools.reservoir.pressure_transient.train import History, gauss_newton, sample, total
from tools.training import seeded

ZONE = UNKNOWNS.index("skin_zone")
ZONES = (-3.5, 3.5)  # in which the logarithm of a zone's mobility is sought
TRIES, RELEARN = 10, 15  # how many are tried, and the steps to learn the equation for each
IMAGE = UNKNOWNS.index("distance")
PLACES = 6  # at which the image is tried
SURE = 1e4  # how much more the physics counts than the record


@dataclass(frozen=True)
class Found:
    """What an inversion found. The unknowns are logarithms relative to the start's scales, in the order of `Physics`."""

    model: Pressure
    physics: Physics
    theta: Float[ndarray, " 4"]
    slopes: Float[ndarray, "n q"]  # of the computed record, in the data's sigma, by the free ones
    condition: float
    misfit: Float[ndarray, " n"]  # computed less observed, dimensionless
    image_gain: (
        float  # how much the image lowers the sum of squared misfits, each by the data's sigma; infinite without one
    )
    residual: float  # root of what is left of the physics, each of its parts a mean square
    history: History
    seconds: float

    @property
    def covariance(self) -> Float[ndarray, "q q"]:
        """Of the free unknowns, for noise of the data's sigma."""
        out: Float[ndarray, "q q"] = np.linalg.pinv(self.slopes.T @ self.slopes)
        return out


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

    others = tuple(i for i in free if i != ZONE)
    with seeded(settings.seed) as generator:
        model = Pressure(problem, settings.layers, settings.width, generator)
        physics = Physics(model, theta=start.clone(), balance_weight=BALANCE)
        train(physics, replace(settings, steps=settings.steps - together), generator, said, history)
        points = sample(physics, settings.points, generator)
        _settle(physics, data, others)
        if ZONE in free and together:
            _find_zone(physics, data, others, points, history)
        if together:
            physics.data, physics.free = data, free
            # a pressure change is of the size of 1 / mobility, so that is what the noise must be small against
            physics.weight = float(SURE * len(data.p) / (data.sigma * torch.exp(physics.theta[0])) ** 2)
            gauss_newton(physics, points, together, history, damping=physics.weight * 1e-5, said=said)
            physics.data, physics.free, physics.weight = None, (), 1.0
    if not history.loss or not math.isfinite(history.loss[-1]):
        raise DivergedTraining("no step lowered the misfit", hint="give better starting values")
    gain = math.inf
    if data.image and IMAGE in free:
        with_image, found = float(((physics.misfit(data) / data.sigma) ** 2).sum()), physics.theta
        plain = replace(data, image=False)
        _settle(physics, plain, tuple(i for i in others if i != IMAGE))
        gain = float(((physics.misfit(plain) / data.sigma) ** 2).sum()) - with_image
        physics.theta = found
    slopes = np.stack([_slope(physics, data, i, points) for i in free], axis=1) / data.sigma
    singular = np.linalg.svd(slopes.T @ slopes, compute_uv=False)
    return Found(
        model=model,
        physics=physics,
        theta=physics.theta.numpy().copy(),
        slopes=slopes,
        condition=float(singular[0] / max(singular[-1], 1e-300)),
        misfit=physics.misfit(data).numpy(),
        image_gain=gain,
        residual=float(total(physics, points).detach()) ** 0.5,
        history=history,
        seconds=perf_counter() - started,
    )


def _slope(physics: Physics, data: Data, unknown: int, points: Points) -> Float[ndarray, " n"]:
    """Derivative of the computed record by one unknown, by differences; for a zone the networks learn both sides."""
    theta = physics.theta.clone()
    weights = parameters_to_vector(physics.model.parameters()).detach().clone()
    step = 0.1 if unknown == ZONE else 1e-3
    ends = []
    for side in (step, -step):
        physics.theta = theta.clone()
        physics.theta[unknown] += side
        if unknown == ZONE:
            gauss_newton(physics, points, RELEARN, History(), damping=1e-3)
        ends.append(physics.misfit(data).numpy())
        vector_to_parameters(weights, physics.model.parameters())
    physics.theta = theta
    out: Float[ndarray, " n"] = (ends[0] - ends[1]) / (2 * step)
    return out


def _find_zone(physics: Physics, data: Data, others: tuple[int, ...], points: Points, history: History) -> None:
    """Lead a zone's mobility, which stands in the equation, near its value, first roughly, then closely.

    For each one tried the networks learn the equation, and the other unknowns find their best.
    """

    def cost(zone: float, steps: int) -> float:
        physics.theta = physics.theta.clone()
        physics.theta[ZONE] = zone
        gauss_newton(physics, points, steps, history, damping=1e-3)
        return _settle(physics, data, others)

    def search(low: float, high: float, steps: int) -> float:
        options = {"xatol": 0.01, "maxiter": TRIES}
        best = minimize_scalar(cost, bounds=(low, high), args=(steps,), method="bounded", options=options)
        return float(best.x)

    near = search(*ZONES, RELEARN)
    cost(near, 4 * RELEARN)
    cost(search(near - 0.4, near + 0.4, RELEARN), 4 * RELEARN)


def _settle(physics: Physics, data: Data, free: tuple[int, ...]) -> float:
    """Move the unknowns alone to where the networks, as they are, fit the record best; returns half the squared misfit.

    A far image is not felt, so a start there would stay there: the image is tried at several places.
    """
    held = physics.theta.clone()

    def misfit(values: Float[ndarray, " q"]) -> Float[ndarray, " n"]:
        physics.theta = held.clone()
        physics.theta[list(free)] = torch.from_numpy(values)
        out: Float[ndarray, " n"] = physics.misfit(data).numpy() / data.sigma
        return out

    starts = [held[list(free)].numpy()]
    if not free:
        return 0.5 * float((misfit(starts[0]) ** 2).sum())
    if IMAGE in free:
        for place in np.linspace(0, physics.model.problem.cuts[-1], PLACES + 2)[1:-1]:
            starts.append(np.where(np.array(free) == IMAGE, place, starts[0]))
    tried = [least_squares(misfit, start, loss="soft_l1", max_nfev=50) for start in starts]
    best = min(tried, key=lambda found: float(found.cost))
    misfit(best.x)
    return float(best.cost)
