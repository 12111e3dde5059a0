"""The linear power flow of a grid: angles, flows, and how much each bus moves each line.

Source: MATPOWER 8 user's manual, section 3.7 (DC model); power transfer distribution factors as its `makePTDF`.
Differs from it: rows of the distribution factors are worked out one by one, when a line comes near its limit.
"""

from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.contract import NoAnswer
from tools.power.dc_opf.grid import Grid


class IslandedNetwork(NoAnswer):
    """The grid falls apart, so that part of it cannot be supplied."""


class Network:
    """The power flow of one topology; its factorisation is kept.

    Raises:
        IslandedNetwork: If the lines do not connect all buses; `facts["buses"]` are those cut off.
    """

    def __init__(self, grid: Grid) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        self.grid = grid
        n, m = len(grid.buses), len(grid.lines)
        each = np.arange(m)
        ends = np.concatenate([grid.start, grid.end])
        signs = np.concatenate([np.ones(m), -np.ones(m)])
        self.incidence = coo_array((signs, (np.tile(each, 2), ends)), shape=(m, n)).tocsr()
        _, island = connected_components(abs(self.incidence.T @ self.incidence), directed=False)
        _check_connected(grid, island)

    @cached_property
    def _factors(self) -> Any:
        from scipy.sparse import diags_array
        from scipy.sparse.linalg import splu

        laplacian = self.incidence.T @ diags_array(self.grid.susceptance) @ self.incidence
        return splu(laplacian.tocsc()[self._others][:, self._others])

    @cached_property
    def _others(self) -> Int[ndarray, "n-1"]:
        """All buses but the reference, whose angle is zero."""
        return np.delete(np.arange(len(self.grid.buses)), self.grid.reference)

    def fed_in(self, output: Float[ndarray, "*s g"]) -> Float[ndarray, "*s n"]:
        """What the blocks feed in at each bus [MW]."""
        return np.asarray((self._feed @ output.T).T)

    @cached_property
    def _feed(self) -> Any:
        from scipy.sparse import csr_array

        at = self.grid.at
        return csr_array((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(self.grid.buses), len(at)))

    def flows(self, injection: Float[ndarray, "*s n"]) -> Float[ndarray, "*s m"]:
        """Flow of each line [MW], given what each bus feeds in [MW]; the reference bus takes up any imbalance."""
        pushed = self.grid.susceptance * self.grid.shift
        angle = np.zeros(injection.shape)
        angle[..., self._others] = self._factors.solve(
            np.ascontiguousarray((injection + self.incidence.T @ pushed)[..., self._others].T)
        ).T
        return np.asarray(self.grid.susceptance * (self.incidence @ angle.T).T - pushed)

    def distribution_factors(self, lines: Int[ndarray, " k"]) -> Float[ndarray, "k n"]:
        """Flow of each of these lines for 1 MW fed in at a bus and taken out at the reference bus."""
        rows = self.incidence[lines].toarray()
        factors = np.zeros(rows.shape)
        factors[:, self._others] = self._factors.solve(np.ascontiguousarray(rows[:, self._others].T)).T
        return np.asarray(self.grid.susceptance[lines, None] * factors)

    def prices(
        self, balance_price: Float[ndarray, " *s"] | float, line_price: Float[ndarray, "*s m"]
    ) -> Float[ndarray, "*s n"]:
        """Price at each bus [$/MWh], given the price at the reference bus and the signed multipliers of the line limits.

        It is the balance price less what the power of a bus costs on the lines it moves; one solve with the transpose of
        the power flow, so it needs no distribution factors.
        """
        pushed = (self.incidence.T @ (self.grid.susceptance * line_price).T).T
        price = np.zeros(pushed.shape)
        price[...] = np.asarray(balance_price)[..., None]
        price[..., self._others] -= self._factors.solve(np.ascontiguousarray(pushed[..., self._others].T)).T
        return price


def _check_connected(grid: Grid, island: Int[ndarray, " n"]) -> None:
    sizes = np.bincount(island)
    if len(sizes) == 1:
        return
    cut = grid.buses[island != sizes.argmax()]
    shown = ", ".join(map(str, cut[:10])) + (f" and {len(cut) - 10} more" if len(cut) > 10 else "")
    raise IslandedNetwork(
        f"bus {shown} is cut off from the rest of {grid.name}"
        if len(cut) == 1
        else f"buses {shown} are cut off from the rest of {grid.name}",
        hint="take out other lines: each bus needs a path to the others",
        buses=cut.tolist(),
    )
