"""What the networks are trained on: the equation, the well, the outer edge, the interfaces and, in an inversion, the data.

All of it is one list of residuals that should be zero, each scaled so that 1 is a large fault; training minimises the sum of
their squares. Residuals of the equation count in units of the well's flux times (1 + stiffness)^(-1/2): near the well that is the
flux lost in x, ahead of the front a pressure change before its time.

Source: D. Badawi, E. Gildin, arXiv 2309.17345 (2023).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tools.reservoir.pressure_transient.model import Jet, Pressure, jacobian

UNKNOWNS = ("k", "S", "skin_zone", "distance")
"""Logarithms of: mobility and storage by the reference, mobility of the first subdomain by that of the others, and the distance
to the image of the well by the well radius."""

BALANCES = 32  # times at which the whole fluid is balanced

Field = Callable[[int, Jet, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Points:
    """Where the residuals are taken: interior points of each subdomain, and clock times for its edges."""

    interior: list[tuple[Tensor, Tensor]]  # of each subdomain: x, s
    edge: Tensor  # s


@dataclass(frozen=True)
class Data:
    """Observed pressure changes, dimensionless, each with its standard deviation."""

    x: Float[Tensor, " n"]
    s: Float[Tensor, " n"]
    p: Float[Tensor, " n"]
    sigma: float
    image: bool = False  # whether the well has an image beyond a sealing fault


@dataclass
class Block:
    """Some residuals with their derivatives, by subdomain; those by the unknowns are under -1."""

    residual: Float[Tensor, " n"]
    by: dict[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Term:
    """A field taken in one subdomain; terms of a block are added with their signs."""

    i: int
    field: Field
    x: Tensor
    s: Tensor
    sign: float = 1.0


class Physics:
    """All residuals of a model.

    Args:
        model: The networks.
        theta: Values of the `UNKNOWNS`, (4,).
        free: Which of them are sought.
        edge_weight: Weight of well, outer edge and interfaces against the interior.
        weight: Weight of all of these against the data, each of which counts once.
        data: What was observed, in an inversion.
    """

    def __init__(
        self,
        model: Pressure,
        *,
        theta: Tensor | None = None,
        free: tuple[int, ...] = (),
        edge_weight: float = 1.0,
        balance_weight: float = 1.0,
        data: Data | None = None,
    ) -> None:
        self.model = model
        self.theta = torch.zeros(len(UNKNOWNS), dtype=torch.float64) if theta is None else theta
        self.free = free
        self.edge_weight = edge_weight
        self.balance_weight = balance_weight
        self.weight = 1.0
        self.data = data

    def blocks(self, points: Points, *, derivatives: bool) -> Iterator[Block]:
        """The residuals at `points`."""
        problem, s = self.model.problem, points.edge
        interior = [(self.weight / len(x)) ** 0.5 for x, _ in points.interior]
        edge = (self.weight * self.edge_weight / len(s)) ** 0.5
        for i, (x, at) in enumerate(points.interior):
            yield self._block([Term(i, self.equation, x, at)], 0.0, interior[i], derivatives)
        well, last = torch.zeros_like(s), problem.subdomains - 1
        if problem.inner == "rate":
            yield self._block([Term(0, self._flux, well, s)], -problem.started(s), edge, derivatives)
        else:
            yield self._block([Term(0, _pressure, well, s)], problem.started(s), edge, derivatives)
        yield self._block([Term(last, self._flux, torch.full_like(s, problem.cuts[-1]), s)], 0.0, edge, derivatives)
        for i in range(last):
            x = torch.full_like(s, problem.cuts[i + 1])
            for what in (_pressure, self._flux, self.equation):
                yield self._block([Term(i, what, x, s), Term(i + 1, what, x, s, -1.0)], 0.0, edge, derivatives)
        if problem.inner == "rate":
            yield self._balance(derivatives)
        if self.data is not None:
            yield from self._misfits(self.data, derivatives)

    def misfit(self, data: Data) -> Float[Tensor, " n"]:
        """Computed less observed pressure changes, in the order of the data."""
        out = torch.empty_like(data.p)
        with torch.no_grad():
            for here, terms in self._observed(data):
                theta = self.theta.expand(int(here.sum()), -1)
                out[here] = sum(t.sign * t.field(t.i, self.model.jet(t.i, t.x, t.s), t.x, t.s, theta) for t in terms)
        return out - data.p

    def _misfits(self, data: Data, derivatives: bool) -> Iterator[Block]:
        for here, terms in self._observed(data):
            yield self._block(terms, data.p[here], 1 / data.sigma, derivatives)

    def _balance(self, derivatives: bool) -> Block:
        """Fluid released by compression, less fluid produced, as a share of it: the equation and both edges in one."""
        problem = self.model.problem
        s = torch.linspace(0.3, problem.span, BALANCES, dtype=torch.float64)
        t = problem.ramp * (10**s - 1)
        produced = t - problem.ramp * problem.started(s)
        weight = (self.weight * self.balance_weight / BALANCES) ** 0.5 / produced
        block = Block(-weight * produced)
        for i, (left, right) in enumerate(zip(problem.cuts, problem.cuts[1:], strict=False)):
            x, share = legendre(left, right)
            theta = self.theta.clone().requires_grad_(derivatives and bool(self.free))
            every = x.repeat(len(s))
            jet = self.model.jet(i, every, s.repeat_interleave(len(x)))
            per = (weight[:, None] * share * torch.exp(2 * x)).flatten()
            parts = per * jet.p * torch.exp(theta[1])
            block.residual = block.residual + parts.reshape(len(s), -1).sum(1)
            if derivatives:
                block.by[i] = jacobian(parts, jet.tape).reshape(len(s), len(x), -1).sum(1)
        if derivatives and 1 in self.free:
            by = torch.zeros(len(s), len(UNKNOWNS), dtype=torch.float64)
            by[:, 1] = block.residual.detach() + weight * produced
            block.by[-1] = by[:, list(self.free)]
        return block

    def _observed(self, data: Data) -> Iterator[tuple[Tensor, list[Term]]]:
        """What the model says of the data, for each subdomain in which some were taken."""
        problem = self.model.problem
        place = torch.tensor([problem.place(float(x)) for x in data.x])
        for i in sorted(set(place.tolist())):
            here = place == i
            terms = [Term(i, _pressure, data.x[here], data.s[here])]
            if data.image:
                away = min(float(self.theta[3]), problem.cuts[-1])
                beyond = torch.full_like(data.s[here], away)
                terms.append(Term(problem.place(away), _image, beyond, data.s[here]))
            yield here, terms

    def equation(self, i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
        """What is left of the diffusivity equation."""
        stiffness = self.model.problem.stiffness(x, s)
        diffusion = self._mobility(i, theta) * (jet.xx - self.model.problem.drift * jet.x)
        return (diffusion - torch.exp(theta[:, 1]) * stiffness * jet.s) / torch.sqrt(1 + stiffness)

    def _flux(self, i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
        return self._mobility(i, theta) * jet.x

    def _mobility(self, i: int, theta: Tensor) -> Tensor:
        log = theta[:, 0] + theta[:, 2] if i == 0 else theta[:, 0]
        return self.model.problem.mobilities[i] * torch.exp(log)

    def _block(self, terms: list[Term], target: Tensor | float, weight: float, derivatives: bool) -> Block:
        n = len(terms[0].x)
        total = torch.zeros(n, dtype=torch.float64)
        block = Block(total)
        for term in terms:
            theta = self.theta.expand(n, -1).clone().requires_grad_(derivatives and bool(self.free))
            jet = self.model.jet(term.i, term.x, term.s)
            value = term.sign * weight * term.field(term.i, jet, term.x, term.s, theta)
            total = total + value
            if derivatives:
                block.by[term.i] = block.by.get(term.i, 0.0) + jacobian(value, jet.tape)
                if self.free:
                    by = torch.autograd.grad(value.sum(), theta, allow_unused=True)[0]
                    if by is not None:
                        block.by[-1] = block.by.get(-1, 0.0) + by[:, list(self.free)]
        block.residual = total - weight * target
        return block


def legendre(left: float, right: float, n: int = 16) -> tuple[Tensor, Tensor]:
    """Places and weights of Gauss-Legendre quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    half = (right - left) / 2
    return left + half * (1 + torch.from_numpy(nodes)), half * torch.from_numpy(weights)


def _pressure(i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
    return jet.p


def _image(i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
    """The pressure at the image's distance, which is an unknown: x carries its value and theta its derivative."""
    return jet.p + jet.x.detach() * (theta[:, 3] - theta[:, 3].detach())
