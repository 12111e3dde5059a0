"""How the networks learn: Adam or L-BFGS on the sum of squares, or Gauss-Newton, which knows that it is a sum of squares.

Gauss-Newton with Levenberg's damping needs the Jacobian. A residual depends on the networks of one or two subdomains, so the
normal matrix is a chain of small blocks: with the same number of parameters, more subdomains make a step cheaper.

Source: K. Levenberg, Q. Appl. Math. 2 (1944) 164; the damping follows H. B. Nielsen, IMM-REP-1999-05 (1999).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tools.reservoir.pressure_transient.model import Pressure, jacobian
from tools.reservoir.pressure_transient.physics import Block, Physics, Points

LARGEST = 6000  # parameters that Gauss-Newton takes: its matrix then has 288 MB
_SMALLEST_DAMPING = 1e-14
_GIVE_UP = 1e12  # damping at which no step leads down any more


@dataclass
class History:
    """The sum of squares after each step, by stage."""

    loss: list[float] = field(default_factory=list)
    theta: list[list[float]] = field(default_factory=list)


def sample(physics: Physics, n: int, generator: torch.Generator) -> Points:
    """`n` interior points for each subdomain, half of them even, half where the equation holds worst, and 100 edge times."""
    problem = physics.model.problem
    interior = []
    for i, (left, right) in enumerate(zip(problem.cuts, problem.cuts[1:], strict=False)):
        x = left + (right - left) * _even(4 * n, 0, generator)
        s = problem.span * _even(4 * n, 1, generator)
        with torch.no_grad():
            jet = physics.model.jet(i, x, s)
            fault = physics.equation(i, jet, x, s, physics.theta.expand(len(x), -1)).abs()
        half = n // 2
        worst = torch.multinomial(fault[half:] + 1e-12 + 0.1 * fault.mean(), n - half, generator=generator) + half
        keep = torch.cat([torch.arange(half), worst])
        interior.append((x[keep], s[keep]))
    return Points(interior, problem.span * (torch.arange(100, dtype=torch.float64) + 0.5) / 100)


def _even(n: int, axis: int, generator: torch.Generator) -> Tensor:
    """One coordinate of n points that fill the square evenly: the R2 sequence, shifted at random."""
    golden = 1.32471795724474602596
    shift = torch.rand(1, dtype=torch.float64, generator=generator)
    return (shift + torch.arange(n, dtype=torch.float64) * golden ** -(axis + 1)) % 1


def guess(model: Pressure, n: int, generator: torch.Generator, steps: int = 12) -> None:
    """Start the networks from the problem's cone, by Gauss-Newton on what they say before the softplus."""
    problem = model.problem
    for i, net in enumerate(model.networks):
        left, right = problem.cuts[i], problem.cuts[i + 1]
        x = left + (right - left) * _even(n, 0, generator)
        s = problem.span * _even(n, 1, generator)
        change = 2 * torch.exp(problem.cone(x, s))  # in the units of the network, whose output is a softplus
        target, damping = change + torch.log(-torch.expm1(-change)), 1.0
        for _ in range(steps):
            (value, *_), tape = model.raw(i, x, s)
            by, miss = jacobian(value, tape) / n**0.5, (value.detach() - target) / n**0.5
            eye = damping * torch.eye(by.shape[1], dtype=torch.float64)
            move = torch.linalg.solve(by.T @ by + eye, by.T @ miss)
            start = parameters_to_vector(net.parameters()).detach()
            vector_to_parameters(start - move, net.parameters())
            with torch.no_grad():
                worse = ((model.raw(i, x, s)[0][0] - target) ** 2).mean() > (miss**2).sum()
            if worse:
                vector_to_parameters(start, net.parameters())
            damping *= 4 if worse else 0.25


def gauss_newton(
    physics: Physics,
    points: Points,
    steps: int,
    history: History,
    *,
    damping: float = 1.0,
    said: Callable[[int, float], None] = lambda step, loss: None,
) -> float:
    """Minimise the sum of squares by damped Gauss-Newton steps, each of which lowers it.

    Args:
        damping: Of the first step.

    Returns:
        The damping at the end, to go on with.
    """
    nets = list(physics.model.networks)
    each, growth = physics.model.parameters_each, 2.0
    for _ in range(steps):
        matrix, slope, loss = _normal(physics.blocks(points, derivatives=True), each, len(nets), len(physics.free))
        start = [parameters_to_vector(net.parameters()).detach() for net in nets], physics.theta
        after = loss
        while damping < _GIVE_UP:
            damped = matrix.clone()
            damped.diagonal().add_(damping)
            factor, failed = torch.linalg.cholesky_ex(damped)
            if not failed:
                move = torch.cholesky_solve(-slope[:, None], factor)[:, 0]
                _move(physics, start, move, each)
                after = _loss(physics, points)
                hoped = -float(move @ slope) + damping * float(move @ move)
                if after < loss:
                    damping = max(
                        damping * max(1 / 5, 1 - (2 * (loss - after) / max(hoped, 1e-300) - 1) ** 3), _SMALLEST_DAMPING
                    )
                    growth = 2.0
                    break
            damping, growth = damping * growth, min(2 * growth, 64.0)
        else:
            _move(physics, start, torch.zeros_like(slope), each)
            return 1.0
        history.loss.append(after)
        history.theta.append(physics.theta.tolist())
        said(len(history.loss), after)
    return damping


def adam(
    physics: Physics,
    n: int,
    steps: int,
    generator: torch.Generator,
    history: History,
    *,
    resample: int = 500,
    said: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Minimise by Adam, the rate falling from 1e-3 to 1e-4, on new points every so often."""
    optimizer = torch.optim.Adam(physics.model.parameters(), lr=1e-3)
    fall = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / steps))
    points = sample(physics, n, generator)
    for step in range(steps):
        if step and step % resample == 0:
            points = sample(physics, n, generator)
        optimizer.zero_grad()
        loss = total(physics, points)
        loss.backward()
        optimizer.step()
        fall.step()
        history.loss.append(loss.item())
        if step % 20 == 0:
            said(len(history.loss), history.loss[-1])


def lbfgs(
    physics: Physics,
    points: Points,
    steps: int,
    history: History,
    *,
    said: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Minimise by L-BFGS with a strong Wolfe search, always on the same points."""
    optimizer = torch.optim.LBFGS(
        physics.model.parameters(), max_iter=10, history_size=50, line_search_fn="strong_wolfe", tolerance_change=0
    )

    def closure() -> float:
        optimizer.zero_grad()
        loss = total(physics, points)
        loss.backward()
        return float(loss)

    for _ in range(0, steps, 10):
        history.loss.append(float(optimizer.step(closure)))
        said(10 * len(history.loss), history.loss[-1])


def total(physics: Physics, points: Points) -> Tensor:
    """The sum of squares, for a backward pass."""
    return torch.stack([(b.residual**2).sum() for b in physics.blocks(points, derivatives=False)]).sum()


def _move(physics: Physics, start: tuple[list[Tensor], Tensor], move: Tensor, each: int) -> None:
    weights, theta = start
    for i, (net, at) in enumerate(zip(physics.model.networks, weights, strict=True)):
        vector_to_parameters(at + move[i * each : (i + 1) * each], net.parameters())
    if physics.free:
        physics.theta = theta.clone()
        physics.theta[list(physics.free)] += move[each * len(weights) :].clamp(-1, 1)


def _loss(physics: Physics, points: Points) -> float:
    with torch.no_grad():
        total = sum(float((b.residual**2).sum()) for b in physics.blocks(points, derivatives=False))
    return total if math.isfinite(total) else math.inf


def _normal(blocks: Iterable[Block], each: int, nets: int, free: int) -> tuple[Tensor, Tensor, float]:
    """The lower half of J'J, J'r, and r'r."""
    size = each * nets + free
    matrix, slope, loss = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64), 0.0

    def span(i: int) -> slice:
        return slice(each * nets, size) if i < 0 else slice(each * i, each * (i + 1))

    for block in blocks:
        residual = block.residual.detach()
        loss += float(residual @ residual)
        for i, by in block.by.items():
            slope[span(i)] += by.T @ residual
            for k, other in block.by.items():
                if i < 0 or 0 <= k <= i:
                    matrix[span(i), span(k)] += by.T @ other
    return matrix, slope, loss
