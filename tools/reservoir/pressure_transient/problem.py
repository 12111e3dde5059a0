"""The diffusivity equation around a well, in the dimensionless form that the networks solve.

With the place x = ln(1 + .) of each geometry, both the radial and the linear equation read

    mobility (p_xx - drift p_x) = storage e^(2x) p_t,

radial: x = ln(r / rw), drift 0; linear: x = ln(1 + r / grain), drift 1. The factor e^(2x), a million from a well to a drainage
radius of a thousand well radii, is what makes the equation stiff.

Source: D. Badawi, E. Gildin, arXiv 2309.17345 (2023), with the dimensionless groups of well testing.
Differs from it: the rate (or the pressure) at the well rises within a short `ramp`, as 1 - exp(-t / ramp), so that the start is
smooth and fits the condition of zero change before it. A ramp delays the response by its own length, to second order in ramp/t;
`clock` takes the delay out.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

LN10 = math.log(10)


@dataclass(frozen=True)
class Problem:
    """One well in one medium, dimensionless: pressure change in units of its scale, time in units of rw^2 / diffusivity.

    Args:
        cuts: Ends of the subdomains in x, from 0 (the well) to the outer edge; ascending.
        latest: Latest time asked for.
        ramp: Time in which the well starts; a thirtieth of the earliest time asked for, or less.
        inner: What is held at the well: the "rate" (p_x = -1 / mobility) or the "pressure" (p = 1).
        drift: 0 radial, 1 linear.
        mobility: Of each subdomain, relative to that of the reference; a step marks a zone.
    """

    cuts: tuple[float, ...]
    latest: float
    ramp: float
    inner: Literal["rate", "pressure"] = "rate"
    drift: int = 0
    mobility: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.cuts) < 2 or any(a >= b for a, b in zip(self.cuts, self.cuts[1:], strict=False)):
            raise ValueError(f"cuts are {self.cuts}, must ascend from the well to the outer edge")
        if self.mobility and len(self.mobility) != self.subdomains:
            raise ValueError(f"{len(self.mobility)} mobilities for {self.subdomains} subdomains")

    @property
    def subdomains(self) -> int:
        return len(self.cuts) - 1

    @property
    def mobilities(self) -> tuple[float, ...]:
        return self.mobility or (1.0,) * self.subdomains

    @property
    def span(self) -> float:
        """The clock at the latest time: the clock runs from 0 to this."""
        return math.log10(2 + self.latest / self.ramp)

    @property
    def size(self) -> float:
        """Roughly the largest pressure change, for a network to start at the right order of magnitude."""
        if self.inner == "pressure":
            return 1.0
        full = self.cuts[-1]
        filled = 2 * self.latest * math.exp(-2 * full)
        return max(1.0, min(full, 0.5 * math.log(1 + 2.25 * self.latest)) + filled) / min(self.mobilities)

    def clock(self, t: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Where in the networks' logarithmic time the response to an immediate start stands at time t."""
        return torch.log10(2 + t / self.ramp)

    def place(self, x: float) -> int:
        """The subdomain that holds x."""
        return sum(x > cut for cut in self.cuts[1:-1])

    def stiffness(self, x: Float[Tensor, " n"], s: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """e^(2x) p_t = stiffness * p_s, s being the clock."""
        return torch.exp(2 * x - LN10 * s) / (self.ramp * LN10)

    def cone(self, x: Float[Tensor, " n"], s: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """A first guess of the logarithm of the pressure change by its size: a cone as far as diffusion spreads, sqrt(4 t).

        It only says where training starts from, and knows nothing of zones or edges.
        """
        behind = 0.5 * torch.log(1 + 4 * self.ramp * torch.expm1(LN10 * s)) - x  # of the front, in x
        guess = torch.log(nn.functional.softplus(behind)) - torch.exp(-2 * behind.clamp(min=-3))
        return (guess - math.log(self.size)).clamp(-12, 0)

    def started(self, s: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Share of the full rate (or pressure) at the well when the clock shows s."""
        return -torch.expm1(1 - torch.exp(LN10 * s))


def evenly(length: float, subdomains: int) -> tuple[float, ...]:
    """Ends of subdomains of equal length in x."""
    return tuple(length * i / subdomains for i in range(subdomains + 1))
