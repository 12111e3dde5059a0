"""From a good point to the optimum at machine precision: guess which limits bind, solve for equality, correct the guess.

Once it is known which limits bind, the optimality conditions are linear. The guess comes from the proposal; a generator that
would leave its limits is held at the limit, one whose price says that it should move is let go, and likewise for lines.

Source: M. Hintermüller, K. Ito, K. Kunisch, The primal-dual active set strategy as a semismooth Newton method, SIAM J.
Optim. 13 (2002), 865.
Differs from it: each step is the shortest correction of the last point, so that ties between equal costs stay as proposed.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from tools.power.dc_opf.programme import Point, Programme

_STEPS = 30
_NEAR = 1e-6  # share of a range within which a proposed output counts as at its limit
_EXACT = 1e-9  # beyond this share a limit counts as violated, and a multiplier as of the wrong sign


@dataclass(frozen=True)
class _Guess:
    """Which limits bind."""

    low: Bool[ndarray, " g"]
    high: Bool[ndarray, " g"]
    side: Int[ndarray, " k"]  # 1 along the line, -1 against it, 0 where its limit does not bind

    def same_as(self, other: "_Guess") -> bool:
        return all(map(np.array_equal, vars(self).values(), vars(other).values()))


def polish(programme: Programme, proposal: Point) -> Point:
    """The optimum near `proposal`, or `proposal` itself where the guesses do not settle."""
    guess, point = _first_guess(programme, proposal), proposal
    for _ in range(_STEPS):
        point = _solve(programme, guess, point)
        better = _next_guess(programme, guess, point)
        if better.same_as(guess):
            return point
        guess = better
    return proposal


def _first_guess(programme: Programme, point: Point) -> _Guess:
    width = _NEAR * np.maximum(programme.high - programme.low, 1)
    low = point.output <= programme.low + width
    flow = programme.factors @ point.output + programme.idle_flow
    at_limit = np.abs(flow) >= programme.limit * (1 - _NEAR)
    priced = np.abs(point.line_price) > _NEAR * max(abs(point.balance_price), 1)
    side = np.where(at_limit & priced, np.sign(flow), 0).astype(int)
    return _Guess(low, ~low & (point.output >= programme.high - width), side)


def _solve(programme: Programme, guess: _Guess, point: Point) -> Point:
    """The point that satisfies the conditions of optimality with equality where the guess says so, nearest to `point`."""
    free, lines = ~(guess.low | guess.high), np.flatnonzero(guess.side)
    output = np.where(guess.low, programme.low, np.where(guess.high, programme.high, point.output))
    price = np.where(guess.side != 0, point.line_price, 0)

    rows = np.vstack([np.ones(int(free.sum())), programme.factors[np.ix_(lines, free)]])
    size = rows.shape[1]
    matrix = np.block([[np.diag(2 * programme.square[free]), rows.T], [rows, np.zeros((len(rows), len(rows)))]])
    flow = programme.factors[lines] @ output + programme.idle_flow[lines]
    error = np.concatenate(
        [
            -_net_cost(programme, output, point.balance_price, price)[free],
            [programme.total - output.sum()],
            guess.side[lines] * programme.limit[lines] - flow,
        ]
    )
    step = _shortest(matrix, error)
    output[free] += step[:size]
    price[lines] += step[size + 1 :]
    return Point(output, point.balance_price - float(step[size]), price)


def _shortest(matrix: Float[ndarray, "s s"], right: Float[ndarray, " s"]) -> Float[ndarray, " s"]:
    """The solution of least length; equal costs and redundant lines make the matrix singular."""
    try:
        solution: Float[ndarray, s] = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        pass
    else:
        if np.max(np.abs(matrix @ solution - right), initial=0) <= _EXACT * max(np.max(np.abs(right), initial=0), 1):
            return solution
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])


def _next_guess(programme: Programme, guess: _Guess, point: Point) -> _Guess:
    width = _EXACT * np.maximum(programme.high - programme.low, 1)
    net_cost = _net_cost(programme, point.output, point.balance_price, point.line_price)
    wrong = _EXACT * max(float(np.max(np.abs(programme.linear), initial=0)), abs(point.balance_price), 1)
    pinned = programme.high - programme.low <= 0
    free = ~(guess.low | guess.high)
    low = np.where(free, point.output < programme.low - width, guess.low & ((net_cost >= -wrong) | pinned))
    high = np.where(free, point.output > programme.high + width, guess.high & ((net_cost <= wrong) | pinned))

    flow = programme.factors @ point.output + programme.idle_flow
    over = np.where(np.abs(flow) > programme.limit * (1 + _EXACT), np.sign(flow), 0).astype(int)
    side = np.where(guess.side == 0, over, np.where(guess.side * point.line_price >= -wrong, guess.side, 0))
    return _Guess(low, high, side)


def _net_cost(
    programme: Programme, output: Float[ndarray, " g"], balance_price: float, line_price: Float[ndarray, " k"]
) -> Float[ndarray, " g"]:
    """Marginal cost less price [$/MWh]: zero for a generator that is free, positive at its least output."""
    return np.asarray(2 * programme.square * output + programme.linear - balance_price + line_price @ programme.factors)
