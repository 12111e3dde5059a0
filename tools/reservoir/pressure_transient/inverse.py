"""Interpret: networks and unknowns learn together from the record and the equation, and tell how sure they are.

The unknowns stand in the equation and at the well. The weight of the physics starts low, so that the unknowns find their way from
a poor start, and rises until the field it allows errs by less than the record's noise.

Source: D. Badawi, E. Gildin, arXiv 2309.17345 (2023). The interval is that of the Gauss-Newton Hessian, networks eliminated.
"""

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from tools.contract import progress
from tools.reservoir.pressure_transient.forward import BALANCE, Settings
from tools.reservoir.pressure_transient.model import Pressure
from tools.reservoir.pressure_transient.physics import Data, Physics
from tools.reservoir.pressure_transient.problem import Problem
from tools.reservoir.pressure_transient.tool import DivergedTraining
from tools.reservoir.pressure_transient.train import History, gauss_newton, information, sample
from tools.training import seeded

STAGES = 6
_SURE = 100.0  # how much more the physics counts than the record in the end


@dataclass(frozen=True)
class Found:
    """What an inversion found. The unknowns are logarithms relative to the start's scales, in the order of `Physics`."""

    model: Pressure
    physics: Physics
    theta: Float[ndarray, " 4"]
    covariance: Float[ndarray, "q q"]  # of the free ones, for unit noise of the data's sigma
    condition: float
    misfit: Float[ndarray, " n"]  # computed less observed, dimensionless
    history: History
    seconds: float


def invert(problem: Problem, data: Data, free: tuple[int, ...], start: Tensor, settings: Settings) -> Found:
    """Find the free unknowns.

    Args:
        problem: Its mobilities are relative to the reference that `start` is relative to.
        data: The record.
        free: Which unknowns are sought.
        start: The four unknowns to start from.

    Raises:
        DivergedTraining: If no step leads anywhere.
    """
    started = perf_counter()
    n = len(data.p)
    loudness = float(data.p.abs().max()) / data.sigma  # the record's largest value in sigmas
    last = _SURE * n * max(loudness, 10.0) ** 2 / float(data.p.abs().max()) ** 2
    weights = np.geomspace(last * 1e-5, last, STAGES)
    steps = max(settings.steps // STAGES, 1)
    history = History()
    with seeded(settings.seed) as generator:
        model = Pressure(problem, settings.layers, settings.width, generator)
        physics = Physics(model, theta=start.clone(), free=free, balance_weight=BALANCE, data=data)
        damping = 1.0
        for stage, weight in enumerate(weights):
            physics.weight = float(weight)
            points = sample(physics, settings.points, generator)
            more = steps * 2 if stage == STAGES - 1 else steps

            def said(step: int, loss: float, stage: int = stage, more: int = more) -> None:
                progress((stage + step / more) / STAGES, f"stage {stage + 1} of {STAGES}: misfit {loss**0.5:.3g}")

            damping = gauss_newton(physics, points, more, history, damping=max(damping, weight * 1e-6), said=said)
    if not history.loss or not math.isfinite(history.loss[-1]):
        raise DivergedTraining("no step lowered the misfit", hint="give better starting values")
    hessian = information(physics, points, float(weights[-1]) * 1e-12).numpy()
    singular = np.linalg.svd(hessian, compute_uv=False)
    condition = float(singular[0] / max(singular[-1], 1e-300))
    return Found(
        model=model,
        physics=physics,
        theta=physics.theta.numpy().copy(),
        covariance=np.linalg.pinv(hessian),
        condition=condition,
        misfit=physics.misfit(data).numpy(),
        history=history,
        seconds=perf_counter() - started,
    )
