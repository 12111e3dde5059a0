"""One small network per subdomain, with the derivatives that the diffusivity equation needs and Jacobians point by point.

Source: D. Badawi, E. Gildin, arXiv 2309.17345 (2023); the domain decomposition is that of A. Jagtap, G. Karniadakis, Commun.
Comput. Phys. 28 (2020) 2002. Sizes are not given in the paper.
Differs from it: the networks' output passes through a softplus, as a pressure change of a well that only produces is never
negative (maximum principle); before the front arrives it may then be as small as it really is, which no sum of tanh can be.
Inputs are x and the clock, nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tools.reservoir.pressure_transient.problem import LN10, Problem

Tape = list[
    tuple[Tensor, Tensor]
]  # of each layer: its inputs (4, n, in) and its sums before the nonlinearity (4, n, out)


@dataclass(frozen=True)
class Jet:
    """Pressure change and its derivatives at n points."""

    p: Float[Tensor, " n"]
    x: Float[Tensor, " n"]
    xx: Float[Tensor, " n"]
    s: Float[Tensor, " n"]  # by the clock
    tape: Tape


class Network(nn.Module):
    """A tanh network of two inputs, both within -1 to 1, in double precision."""

    def __init__(self, layers: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [2, *[width] * layers, 1]
        self.layers = nn.ModuleList(nn.Linear(a, b, dtype=torch.float64) for a, b in pairwise(sizes))
        with torch.no_grad():
            for k, layer in enumerate(self.linear):
                nn.init.xavier_normal_(layer.weight, generator=generator)
                # kinks spread over the square, not all through its middle
                layer.bias.uniform_(-1, 1, generator=generator) if k == 0 else layer.bias.zero_()

    @property
    def linear(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def forward(self, jet: Float[Tensor, "4 n 2"]) -> tuple[Float[Tensor, "4 n"], Tape]:
        """Carry value, d/dx, d2/dx2 and d/ds through the layers (forward differentiation, exact)."""
        tape: Tape = []
        for layer in self.linear:
            total = jet @ layer.weight.T
            total = torch.cat([total[:1] + layer.bias, total[1:]])
            tape.append((jet, total))
            value = torch.tanh(total[0])
            slope = 1 - value**2
            jet = torch.stack(
                [
                    value,
                    slope * total[1],
                    slope * total[2] - 2 * value * slope * total[1] ** 2,
                    slope * total[3],
                ]
            )
        return tape[-1][1][..., 0], tape


class Pressure(nn.Module):
    """The pressure change in all subdomains.

    Args:
        problem: What is solved; gives the subdomains and the scales.
        layers, width: Hidden layers of each network and their width.
        generator: Draws the first weights.
    """

    def __init__(self, problem: Problem, layers: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.problem = problem
        self.networks = nn.ModuleList(Network(layers, width, generator) for _ in range(problem.subdomains))

    @property
    def parameters_each(self) -> int:
        """Parameters of one subdomain's network."""
        return sum(p.numel() for p in self.networks[0].parameters())

    def raw(self, i: int, x: Float[Tensor, " n"], s: Float[Tensor, " n"]) -> tuple[Float[Tensor, "4 n"], Tape]:
        """What subdomain i's network itself says at places x and clock times s: value, d/dx, d2/dx2, d/ds."""
        left, right = self.problem.cuts[i], self.problem.cuts[i + 1]
        per_x, per_s = 2 / (right - left), 2 / self.problem.span
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        seed = [
            torch.stack([per_x * (x - left) - 1, per_s * s - 1], dim=-1),
            torch.stack([per_x * one, zero], dim=-1),
            torch.stack([zero, zero], dim=-1),
            torch.stack([zero, per_s * one], dim=-1),
        ]
        answer: tuple[Tensor, Tape] = self.networks[i](torch.stack(seed))
        return answer

    def jet(self, i: int, x: Float[Tensor, " n"], s: Float[Tensor, " n"]) -> Jet:
        """The field of subdomain i and its derivatives at places x and clock times s."""
        problem = self.problem
        (v, v_x, v_xx, v_s), tape = self.raw(i, x, s)
        up = torch.sigmoid(v)
        size = problem.size / 2
        soft, soft_s = nn.functional.softplus(v), up * v_s
        now = problem.started(s)  # makes the change zero before the start
        rise = (1 - now) * LN10 * torch.exp(LN10 * s)
        return Jet(
            p=size * now * soft,
            x=size * now * up * v_x,
            xx=size * now * (up * v_xx + up * (1 - up) * v_x**2),
            s=size * (now * soft_s + rise * soft),
            tape=tape,
        )

    def at(self, x: float, t: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Pressure change at place x and times t, and its derivative by ln t (the Bourdet derivative)."""
        with torch.no_grad():
            jet = self.jet(self.problem.place(x), torch.full_like(t, x), self.problem.clock(t))
        return jet.p, jet.s / LN10 * t / (t + 2 * self.problem.ramp)


def jacobian(values: Float[Tensor, " n"], tape: Tape) -> Float[Tensor, "n p"]:
    """Derivatives of each value by every parameter of the network that wrote the tape, from one backward pass.

    Value k depends on point k alone, so the gradient of the sum by the layer sums at point k is that of value k; a weight's
    derivative is that times the layer's input, as in backpropagation, only not summed over the points.
    """
    slopes = torch.autograd.grad(values.sum(), [total for _, total in tape], retain_graph=True, allow_unused=True)
    return torch.cat(list(_columns(slopes, tape)), dim=1)


def _columns(slopes: tuple[Tensor | None, ...], tape: Tape) -> Iterator[Tensor]:
    for slope, (inputs, total) in zip(slopes, tape, strict=True):
        by = torch.zeros_like(total) if slope is None else slope
        yield torch.einsum("cno,cni->noi", by, inputs.detach()).flatten(1)
        yield by[0]
