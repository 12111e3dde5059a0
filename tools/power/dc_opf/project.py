"""From guesses to answers that are proved: repair, all lines checked, a certificate for each, the exact method where it fails.

Who guesses does not matter: the guarantee lies here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from tools.power.dc_opf.certificate import Certificate, certify_all
from tools.power.dc_opf.exact import Solver
from tools.power.dc_opf.infeasible import InfeasibleDispatch
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.normal import Demands, NormalForm
from tools.power.dc_opf.repair import Repaired, prices_behind, repair


@dataclass(frozen=True)
class Proposed:
    """A guess with the prices that belong to it, in the normal form, where whoever guesses has any."""

    share: Float[ndarray, "b g"]
    balance: Float[ndarray, " b"]
    line: Float[ndarray, "b k"]


Guess = Callable[[NormalForm, Demands], Proposed | Float[ndarray, "b g"]]
_ROUNDS = 10  # of taking in lines that turn out to be overloaded
_OVER = 1e-7  # share of its limit by which a line may exceed it
_BALANCE = 1e-4  # MW, which is 1e-6 per unit of 100 MVA


@dataclass(frozen=True)
class Answers:
    """Dispatches of b scenarios on one network, each with what is proved about it."""

    output: Float[ndarray, "b g"]  # MW, of each block
    balance_price: Float[ndarray, " b"]  # $/MWh, at the reference bus
    line_price: Float[ndarray, "b m"]  # $/MWh, positive along the line
    certificates: list[Certificate]
    fell_back: Bool[ndarray, " b"]  # solved exactly because what was guessed could not be certified
    infeasible: dict[
        int, InfeasibleDispatch
    ]  # scenarios that have no dispatch, with the reason; the rest is not for these

    @property
    def solved(self) -> Bool[ndarray, " b"]:
        solved = np.ones(len(self.output), dtype=bool)
        solved[list(self.infeasible)] = False
        return solved


class Projector:
    """Answers scenarios on one network; lines found overloaded once are watched from then on.

    Args:
        network: The topology.
        limit: Limit of every line [MW].
        lines: Lines that are known to bind at times.
        max_gap_pct: The largest certified gap of an answer [%]; one with a larger gap is solved exactly.
    """

    def __init__(
        self, network: Network, limit: Float[ndarray, " m"], lines: Int[ndarray, " k"], max_gap_pct: float = 1.0
    ) -> None:
        self.network, self.limit, self.max_gap_pct = network, limit, max_gap_pct
        self.form = NormalForm(network, limit, lines)
        self._exact = Solver(network)

    def solve(self, demand: Float[ndarray, "b n"], guess: Guess, *, fall_back: bool = True) -> Answers:
        """A dispatch for each of these demands at the buses [MW].

        Args:
            fall_back: False leaves answers as the repair made them, whatever their certificates say.
        """
        proposed = guess(self.form, self.form.demands(demand))
        repaired = self._feasible(demand, proposed.share if isinstance(proposed, Proposed) else proposed)
        output = self.form.output(repaired.share)
        balance_price, line_price, certificates = self._proved(demand, repaired, output, proposed)
        answers = Answers(output, balance_price, line_price, certificates, np.zeros(len(demand), dtype=bool), {})
        if fall_back:
            for i, certificate in enumerate(certificates):
                if not (repaired.done[i] and self.holds(certificate)):
                    self._solve_exactly(i, demand[i], answers)
        return answers

    def _proved(
        self, demand: Float[ndarray, "b n"], repaired: Repaired, output: Float[ndarray, "b all"], proposed: Any
    ) -> tuple[Float[ndarray, " b"], Float[ndarray, "b m"], list[Certificate]]:
        """Prices and certificates: by the guesser's prices, and where these prove too little, by those behind the dispatch."""
        form = self.form

        def behind(rows: Int[ndarray, " r"]) -> tuple[Float[ndarray, " r"], Float[ndarray, "r m"], list[Certificate]]:
            prices = form.prices(*prices_behind(form, form.demands(demand[rows]), repaired.share[rows]))
            return *prices, certify_all(self.network, self.limit, demand[rows], output[rows], *prices)

        if not isinstance(proposed, Proposed):
            return behind(np.arange(len(demand)))
        line = np.zeros((len(demand), len(form.lines)))
        line[:, : proposed.line.shape[1]] = proposed.line  # lines taken in since have no price
        balance_price, line_price = form.prices(proposed.balance, line)
        certificates = certify_all(self.network, self.limit, demand, output, balance_price, line_price)
        doubtful = np.flatnonzero([proved.gap_pct > self.max_gap_pct for proved in certificates])
        if len(doubtful):
            for row, *better in zip(doubtful, *behind(doubtful), strict=True):
                if better[2].bound > certificates[row].bound:
                    balance_price[row], line_price[row], certificates[row] = better
        return balance_price, line_price, certificates

    def feasible(self, demand: Float[ndarray, "b n"], guess: Guess) -> Repaired:
        """The guesses, repaired until no line of the network is overloaded."""
        proposed = guess(self.form, self.form.demands(demand))
        return self._feasible(demand, proposed.share if isinstance(proposed, Proposed) else proposed)

    def _feasible(self, demand: Float[ndarray, "b n"], guessed: Float[ndarray, "b g"]) -> Repaired:
        form = self.form
        repaired, todo = repair(form, form.demands(demand), guessed), np.arange(len(demand))
        for _ in range(_ROUNDS):
            output = form.output(repaired.share[todo])
            over = np.abs(self.network.flows(self.network.fed_in(output) - demand[todo])) > self.limit * (1 + _OVER)
            over[:, form.lines] = False
            over[~repaired.done[todo]] = False
            if not over.any():
                break
            form.add(np.flatnonzero(over.any(axis=0)))
            todo = todo[over.any(axis=1)]
            repaired = _with(repaired, todo, repair(form, form.demands(demand[todo]), guessed[todo]))
        return repaired

    def holds(self, proved: Certificate) -> bool:
        """Whether a dispatch keeps all limits and is near enough to the optimum."""
        grid = self.network.grid
        within = proved.balance_error <= _BALANCE and proved.limit_error <= 1e-9 * max(float(np.max(grid.high)), 1)
        return within and proved.overload_share <= 2 * _OVER and proved.gap_pct <= self.max_gap_pct

    def _solve_exactly(self, i: int, demand: Float[ndarray, " n"], answers: Answers) -> None:
        answers.fell_back[i] = True
        try:
            exact = self._exact.solve(demand, self.limit)
        except InfeasibleDispatch as reason:
            answers.infeasible[i] = reason
            return
        answers.output[i], answers.line_price[i] = exact.output, exact.line_price
        answers.balance_price[i] = exact.price[self.network.grid.reference]
        answers.certificates[i] = exact.certificate


def _with(repaired: Repaired, rows: Int[ndarray, " r"], new: Repaired) -> Repaired:
    """The same with these scenarios replaced by ones that know more lines."""
    line = np.zeros((len(repaired.line), new.line.shape[1]))
    line[:, : repaired.line.shape[1]] = repaired.line
    columns = {**vars(repaired), "line": line}
    for name, values in vars(new).items():
        columns[name][rows] = values
    return Repaired(**columns)
