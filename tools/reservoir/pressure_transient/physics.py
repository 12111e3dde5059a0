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
to the image of the well by the well radius.

The first two stand in the scales of the networks: a pressure change counts in units of 1 / mobility, time in units of storage /
mobility. In these units the equation is free of them, so a better value need not be learned anew.
"""

AHEAD = 1e5  # stiffness from which a place is so far ahead of the front that only an early change counts, not its flux
BALANCES = 32  # times at which the whole fluid is balanced

Field = Callable[[int, Jet, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Points:
    """Where the residuals are taken: interior points of each subdomain, and clock times for its edges."""

    interior: list[tuple[Tensor, Tensor]]  # of each subdomain: x, s
    edge: Tensor  # s


@dataclass(frozen=True)
class Data:
    """Observed pressure changes, dimensionless by the reference, with their standard deviation."""

    x: Float[Tensor, " n"]
    t: Float[Tensor, " n"]
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
        edge, last = (self.weight * self.edge_weight / len(s)) ** 0.5, problem.subdomains - 1

        def at(cut: int, signs: dict[int, float], field: Field, target: Tensor | float = 0.0) -> Block:
            x = torch.full_like(s, problem.cuts[cut])
            terms = [Term(i, field, x, s, sign) for i, sign in signs.items()]
            return self._block(terms, target, edge, derivatives)

        for i, (x, when) in enumerate(points.interior):
            yield self._block([Term(i, self.equation, x, when)], 0.0, (self.weight / len(x)) ** 0.5, derivatives)
        if problem.inner == "rate":
            yield at(0, {0: 1.0}, self._flux, -problem.started(s))
        else:
            yield at(0, {0: 1.0}, _pressure, problem.started(s))
        yield at(last + 1, {last: 1.0}, self._flux)
        for i in range(last):
            for what in (_pressure, self._flux, self.equation):
                yield at(i + 1, {i: 1.0, i + 1: -1.0}, what)
        if problem.inner == "rate":
            yield self._balance(derivatives)
        if self.data is not None:
            for here in self._groups(self.data):
                yield self._misfits(self.data, here, 1 / self.data.sigma, derivatives)

    def misfit(self, data: Data) -> Float[Tensor, " n"]:
        """Computed less observed pressure changes, in the order of the data."""
        out = torch.empty_like(data.p)
        with torch.no_grad():
            for here in self._groups(data):
                out[here] = self._misfits(data, here, 1.0, derivatives=False).residual
        return out

    def _groups(self, data: Data) -> Iterator[Tensor]:
        """Which of the data lie in each subdomain."""
        place = torch.tensor([self.model.problem.place(float(x)) for x in data.x])
        for i in sorted(set(place.tolist())):
            yield place == i

    def _misfits(self, data: Data, here: Tensor, weight: float, derivatives: bool) -> Block:
        """What the model says of some of the data, which lie in one subdomain, less what was observed."""
        problem, theta = self.model.problem, self._unknowns(int(here.sum()), derivatives)
        clock = problem.clock(data.t[here] * torch.exp(theta[:, 0] - theta[:, 1])).clamp(max=problem.span)
        x = data.x[here]
        terms = [Term(problem.place(float(x[0])), _observable, x, clock)]
        if data.image:
            away = theta[:, 3].clamp(max=problem.cuts[-1])
            terms.append(Term(problem.place(float(away[0].detach())), _observable, away, clock))
        return self._block(terms, data.p[here], weight, derivatives, theta)

    def _balance(self, derivatives: bool) -> Block:
        """Logarithm of fluid released by compression over fluid produced: the equation and both edges in one."""
        problem = self.model.problem
        s = torch.linspace(0.3, problem.span, BALANCES, dtype=torch.float64)
        t = problem.ramp * (10**s - 1)
        produced = t - problem.ramp * problem.started(s)
        held, by = torch.zeros_like(s), {}
        for i, (left, right) in enumerate(zip(problem.cuts, problem.cuts[1:], strict=False)):
            x, share = legendre(left, right)
            jet = self.model.jet(i, x.repeat(len(s)), s.repeat_interleave(len(x)))
            parts = (share * torch.exp(2 * x)).repeat(len(s)) * jet.p
            held = held + parts.reshape(len(s), -1).sum(1)
            if derivatives:
                by[i] = jacobian(parts, jet.tape).reshape(len(s), len(x), -1).sum(1)
        weight = (self.weight * self.balance_weight / BALANCES) ** 0.5
        scale = (weight / held.detach())[:, None]
        return Block(weight * torch.log(held / produced), {i: scale * slope for i, slope in by.items()})

    def equation(self, i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
        """What is left of the diffusivity equation."""
        stiffness = self.model.problem.stiffness(x, s)
        diffusion = self._mobility(i, theta) * (jet.xx - self.model.problem.drift * jet.x)
        return (diffusion - stiffness * jet.s) / torch.sqrt((1 + stiffness) * (1 + stiffness / AHEAD))

    def _flux(self, i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
        return self._mobility(i, theta) * jet.x

    def _mobility(self, i: int, theta: Tensor) -> Tensor:
        """Of a subdomain, relative to that of the medium."""
        own = torch.full_like(theta[:, 2], self.model.problem.mobilities[i])
        return own * torch.exp(theta[:, 2]) if i == 0 else own

    def _unknowns(self, n: int, derivatives: bool) -> Float[Tensor, "n 4"]:
        """The unknowns once for each point, so that a gradient has a row for each."""
        return self.theta.expand(n, -1).clone().requires_grad_(derivatives and bool(self.free))

    def _block(
        self,
        terms: list[Term],
        target: Tensor | float,
        weight: float,
        derivatives: bool,
        theta: Tensor | None = None,
    ) -> Block:
        n = len(terms[0].x)
        theta = self._unknowns(n, derivatives) if theta is None else theta
        block = Block(torch.full((n,), -weight, dtype=torch.float64) * target)
        for term in terms:
            jet = self.model.jet(term.i, term.x, term.s)
            value = term.sign * weight * term.field(term.i, jet, term.x, term.s, theta)
            block.residual = block.residual + value
            if derivatives:
                block.by[term.i] = block.by.get(term.i, 0.0) + jacobian(value, jet.tape)
        if derivatives and self.free and block.residual.requires_grad:
            by = torch.autograd.grad(block.residual.sum(), theta, allow_unused=True)[0]
            if by is not None:
                block.by[-1] = by[:, list(self.free)]
        return block


def legendre(left: float, right: float, n: int = 16) -> tuple[Tensor, Tensor]:
    """Places and weights of Gauss-Legendre quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    half = (right - left) / 2
    return left + half * (1 + torch.from_numpy(nodes)), half * torch.from_numpy(weights)


def _pressure(i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
    return jet.p


def _observable(i: int, jet: Jet, x: Tensor, s: Tensor, theta: Tensor) -> Tensor:
    """The pressure change in units of the reference."""
    return torch.exp(-theta[:, 0]) * jet.p
