"""Predict: networks that solve one dimensionless problem, kept for the next question about it, and how good they are."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from tools.contract import BadInput, progress
from tools.reservoir.pressure_transient import reference
from tools.reservoir.pressure_transient.model import Pressure
from tools.reservoir.pressure_transient.physics import Physics, legendre
from tools.reservoir.pressure_transient.problem import Problem
from tools.reservoir.pressure_transient.tool import DivergedTraining
from tools.reservoir.pressure_transient.train import LARGEST, History, adam, gauss_newton, guess, lbfgs, sample
from tools.training import load_or_train, seeded

TOOL = "analyze_pressure_transient"
ROUND = 50  # Gauss-Newton steps on the same points
LOST = 0.1  # sum of squares above which the networks have learned nothing
BALANCE = 10.0  # weight of the balance of the whole fluid


@dataclass(frozen=True)
class Settings:
    """Sizes and training of the networks."""

    layers: int = 2
    width: int = 12
    optimizer: Literal["gauss_newton", "adam", "lbfgs"] = "gauss_newton"
    steps: int = 90
    points: int = 400
    seed: int = 0


@dataclass(frozen=True)
class Solved:
    """Networks that have learned a problem, with what it took."""

    model: Pressure
    loss: list[float]
    seconds: float


def solve(problem: Problem, settings: Settings) -> Solved:
    """The solution of a problem, found in the cache or learned now.

    Raises:
        DivergedTraining: If the networks did not learn it.
    """
    with seeded(settings.seed) as generator:
        model = Pressure(problem, settings.layers, settings.width, generator)
        if settings.optimizer == "gauss_newton" and problem.subdomains * model.parameters_each > LARGEST:
            raise BadInput(
                f"{problem.subdomains * model.parameters_each} weights are too many for gauss_newton, which takes {LARGEST}",
                hint="lower width, layers or subdomains, or choose adam or lbfgs",
            )

        def said(step: int, loss: float) -> None:
            progress(
                step / settings.steps,
                f"{settings.optimizer}: step {step} of {settings.steps}, residual {loss**0.5:.2g}",
            )

        def learn() -> dict[str, object]:
            history = train(Physics(model, balance_weight=BALANCE), settings, generator, said)
            return {"loss": [float(f"{x:.4g}") for x in history.loss]}

        described = {"method": 1, "problem": [*map(str, vars(problem).values())], **vars(settings)}
        learned = load_or_train(TOOL, described, model, learn)
    loss = list(learned.story["loss"])
    if not loss or not math.isfinite(loss[-1]) or loss[-1] > LOST:
        raise DivergedTraining(
            f"the networks did not learn the equation: the sum of squares is {loss[-1] if loss else math.inf:.3g}",
            hint="try another seed, more steps, or optimizer gauss_newton",
        )
    return Solved(model, loss, float(learned.story["seconds"]))


def train(
    physics: Physics,
    settings: Settings,
    generator: torch.Generator,
    said: Callable[[int, float], None] = lambda step, loss: None,
    history: History | None = None,
) -> History:
    """Train the networks of `physics` in place; `said` is told the steps done and the sum of squares."""
    history = History() if history is None else history
    guess(physics.model, settings.points, generator)
    if settings.optimizer == "gauss_newton":
        damping = 1.0
        for start in range(0, settings.steps, ROUND):
            points = sample(physics, settings.points, generator)
            steps = min(ROUND, settings.steps - start)
            damping = gauss_newton(physics, points, steps, history, damping=damping, said=said)
    elif settings.optimizer == "adam":
        adam(physics, settings.points, settings.steps, generator, history, said=said)
    else:
        lbfgs(physics, sample(physics, settings.points, generator), settings.steps, history, said=said)
    return history


@dataclass(frozen=True)
class Quality:
    """How good a solution is."""

    rel_l2: float  # of the field over x and log t, against an independent solution
    well_error: float  # largest relative error at the well
    derivative_good: float  # share of log t in which the Bourdet derivative is within 5 %
    balance: float | None  # largest gap between fluid released and fluid produced, relative


def rate(
    model: Pressure,
    truth: Float[ndarray, "m n"],
    x: Float[ndarray, " m"],
    t: Float[ndarray, " n"],
    slope: Float[ndarray, " n"],
) -> Quality:
    """Compare a solution with the true one at places x (the first is the well) and times t.

    Args:
        slope: The true Bourdet derivative at the well.
    """
    at = torch.from_numpy(t)
    values = [model.at(float(place), at) for place in x]
    field = np.array([value.numpy() for value, _ in values])
    return Quality(
        rel_l2=float(np.linalg.norm(field - truth) / np.linalg.norm(truth)),
        well_error=float(np.max(np.abs(field[0] - truth[0])) / np.max(np.abs(truth[0])))
        if model.problem.inner == "pressure"
        else float(np.max(np.abs(field[0] / truth[0] - 1))),
        derivative_good=float(np.mean(np.abs(values[0][1].numpy() - slope) <= 0.05 * np.abs(slope) + 1e-9)),
        balance=balance(model, t[0]) if model.problem.inner == "rate" else None,
    )


def balance(model: Pressure, first: float, times: int = 20) -> float:
    """Largest relative gap between the fluid released by compression and the fluid produced, at times from `first` on."""
    t = np.geomspace(first, model.problem.latest, times)
    held = np.zeros(times)
    for left, right in zip(model.problem.cuts, model.problem.cuts[1:], strict=False):
        x, weight = legendre(left, right, 40)
        for place, share in zip(x.tolist(), weight.tolist(), strict=True):
            held += share * math.exp(2 * place) * model.at(place, torch.from_numpy(t))[0].numpy()
    return float(np.max(np.abs(held / t - 1)))


def truth_of(
    problem: Problem,
    geometry: str,
    x: Float[ndarray, " m"],
    t: Float[ndarray, " n"],
    zone: tuple[float, float] | None = None,
) -> Float[ndarray, "m n"]:
    """The solution by other means: a series, an inverted Laplace transform, or finite volumes where there is a zone."""
    edge = math.exp(problem.cuts[-1])
    if geometry == "linear":
        grain = 1 / (edge - 1)
        return reference.strip((np.exp(x) * grain - grain)[:, None], t[None, :] * grain**2)
    if zone or t[0] < 1:
        return reference.finite_volume(np.exp(x), t, edge, zone=zone)
    return reference.bounded_circle(np.exp(x)[:, None], t[None, :], edge)
