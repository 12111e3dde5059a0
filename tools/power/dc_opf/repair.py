"""The nearest dispatch that keeps every limit, for many scenarios at once: what makes a guess feasible, whoever made it.

It is the projection of the guess x' onto the limits in the metric of the costs,

    minimise  sum_g metric_g (x_g - x'_g)^2 / 2   subject to   weight @ x = total,  0 <= x <= 1,  |idle + effect @ x| <= 1,

found by climbing its dual in the prices of the balance and of the lines: given these, x has a closed form, and the step that
would meet all limits in use is one small linear system for each scenario. Where all costs are curved, the guess with zero net
cost (`cheapest`) is projected onto the optimum itself, so the repair is also an exact method that needs no learning.

Source: D. Bertsekas, Projected Newton methods for optimization problems with simple constraints, SIAM J. Control Optim. 20
(1982), 221.
Differs from it: many problems of one shape advance together, and each leaves when it is done.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from tools.power.dc_opf.normal import Demands, NormalForm

_STEPS, _HALVINGS = 50, 30
_CHUNK = 64  # scenarios at a time, so that their rows stay in the processor's cache
_MISSED = 1e-9  # share of its limit by which a line may miss it
_BALANCE = 1e-11  # share of the range of all blocks
_FULL = (1 - 1e-6, 0.95)  # loading from which a line may have a price
_STRAIGHT = (
    0.05  # curvature, in spreads of cost over a block's range, that stands for none where a distance is measured
)
_RIDGE = 1e-9  # relative, because lines in series make the system singular


@dataclass(frozen=True)
class Repaired:
    """The projections and what they stand on."""

    share: Float[ndarray, "b g"]
    balance: Float[ndarray, " b"]  # price of the balance
    line: Float[ndarray, "b k"]  # price of each line, positive along it
    done: Bool[ndarray, " b"]  # False where none was found, as where there is none; there the rest means nothing
    steps: Int[ndarray, " b"]


def metric_of(form: NormalForm) -> Float[ndarray, " g"]:
    """The weight of each block's square in the distance: how fast its cost bends."""
    return np.asarray(form.weight * np.maximum(form.slope, _STRAIGHT))


def cheapest(form: NormalForm, demands: Demands) -> Float[ndarray, "b g"]:
    """The guess at which no block costs anything more or less, far outside its limits as it may be."""
    return np.repeat((-form.offset * form.weight / metric_of(form))[None], len(demands.total), axis=0)


def repair(form: NormalForm, demands: Demands, guess: Float[ndarray, "b g"]) -> Repaired:
    """Project each guess onto the limits of its scenario."""
    parts = [
        _repair(form, demands.of(slice(i, i + _CHUNK)), guess[i : i + _CHUNK]) for i in range(0, len(guess), _CHUNK)
    ]
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Repaired(*(np.concatenate(column) for column in columns))


def prices_behind(
    form: NormalForm, demands: Demands, share: Float[ndarray, "b g"]
) -> tuple[Float[ndarray, " b"], Float[ndarray, "b k"]]:
    """The prices of the balance and of full lines that come nearest to explaining these shares as the cheapest.

    They are least squares over the blocks that are free to move; a line with a price of the wrong sign gets none. Near an
    optimum only full lines have prices, farther from it nearly full ones may; of both, those that prove more are returned.
    """
    load = demands.idle + share @ form.effect.T
    give = ((share > 0) & (share < 1)) / metric_of(form)
    cost = give * form.weight * (form.offset + form.slope * share)
    found = []
    for full in _FULL:
        side = np.where(np.abs(load) > full, np.sign(load), 0)
        balance, line = _newton(form, give, side, cost @ form.weight, -cost @ form.effect.T)
        found.append((balance, np.where(line * side > 0, line, 0)))
    (balance, line), (other_balance, other_line) = found
    better = _least_cost(form, demands, other_balance, other_line) > _least_cost(form, demands, balance, line)
    return np.where(better, other_balance, balance), np.where(better[:, None], other_line, line)


def _least_cost(
    form: NormalForm, demands: Demands, balance: Float[ndarray, " b"], line: Float[ndarray, "b k"]
) -> Float[ndarray, " b"]:
    """What these prices prove that any dispatch costs, by weak duality."""
    net = form.weight * (form.offset - balance[:, None]) + line @ form.effect
    bend = form.weight * np.maximum(form.slope, 1e-12)
    share = np.clip(-net / bend, 0, 1)
    least = ((net + form.weight * form.slope * share / 2) * share).sum(axis=1)
    return np.asarray(least + balance * demands.total + (line * demands.idle - np.abs(line)).sum(axis=1))


def level(
    start: Float[ndarray, "b g"], give: Float[ndarray, " g"], weight: Float[ndarray, " g"], total: Float[ndarray, " b"]
) -> Float[ndarray, " b"]:
    """The price y at which weight @ clip(start + give y, 0, 1) equals each total, by sorting where blocks meet a limit."""
    bend = np.concatenate([-start / give, (1 - start) / give], axis=1)
    change = np.broadcast_to(np.concatenate([weight * give, -weight * give]), bend.shape)
    order = np.argsort(bend, axis=1)
    bend, change = np.take_along_axis(bend, order, axis=1), np.take_along_axis(change, order, axis=1)
    rise = np.cumsum(change, axis=1)[:, :-1] * np.diff(bend, axis=1)
    reached = np.concatenate([np.zeros((len(start), 1)), np.cumsum(rise, axis=1)], axis=1)
    aim = np.clip(total, 0, reached[:, -1])
    before = np.clip((reached <= aim[:, None]).sum(axis=1) - 1, 0, bend.shape[1] - 2)
    row = np.arange(len(start))
    width, gain = bend[row, before + 1] - bend[row, before], reached[row, before + 1] - reached[row, before]
    part = np.divide(aim - reached[row, before], gain, out=np.zeros(len(row)), where=gain > 0)
    return np.asarray(bend[row, before] + width * part)


def _repair(form: NormalForm, demands: Demands, guess: Float[ndarray, "b g"]) -> Repaired:
    metric = metric_of(form)
    dual = _Dual(form, metric, demands, guess)
    todo = np.arange(len(guess))
    point = dual.at(todo, level(guess, form.weight / metric, form.weight, demands.total), np.zeros_like(demands.idle))
    found = Repaired(
        point.share, point.balance, point.line, np.zeros(len(guess), dtype=bool), np.zeros(len(guess), dtype=int)
    )
    for step in range(_STEPS):
        over = np.where(np.abs(point.load) > 1 + _MISSED, np.sign(point.load), 0)
        side = np.where(point.line != 0, np.sign(point.line), over)
        missed = np.where(side != 0, point.load - side, 0)
        right = (np.abs(missed) <= _MISSED).all(axis=1) & (np.abs(point.missing) <= _BALANCE)
        found.share[todo], found.balance[todo], found.line[todo] = point.share, point.balance, point.line
        found.done[todo], found.steps[todo] = right, step
        if right.all():
            break
        todo, point, side, missed = todo[~right], point.of(~right), side[~right], missed[~right]
        free = (point.moved > 0) & (point.moved < 1)
        point = _climb(dual, todo, point, side, *_newton(form, free / metric, side, point.missing, missed))
    return found


@dataclass(frozen=True)
class _Point:
    """Prices of r scenarios, and what follows from them."""

    balance: Float[ndarray, " r"]
    line: Float[ndarray, "r k"]
    moved: Float[ndarray, "r g"]  # the shares before they are clipped
    share: Float[ndarray, "r g"]
    load: Float[ndarray, "r k"]
    missing: Float[ndarray, " r"]  # of the total
    value: Float[ndarray, " r"]  # of the dual

    def of(self, rows: Shaped[ndarray, " s"]) -> "_Point":
        return _Point(*(part[rows] for part in vars(self).values()))


@dataclass(frozen=True)
class _Dual:
    """The concave function of the prices whose maximum is the projection."""

    form: NormalForm
    metric: Float[ndarray, " g"]
    demands: Demands
    guess: Float[ndarray, "b g"]

    def at(self, rows: Int[ndarray, " r"], balance: Float[ndarray, " r"], line: Float[ndarray, "r k"]) -> _Point:
        form, guess, demands = self.form, self.guess[rows], self.demands.of(rows)
        moved = guess + (balance[:, None] * form.weight - line @ form.effect) / self.metric
        share = np.clip(moved, 0, 1)
        load = demands.idle + share @ form.effect.T
        missing = demands.total - share @ form.weight
        value = (share - guess) ** 2 @ self.metric / 2 + balance * missing + (line * load - np.abs(line)).sum(axis=1)
        return _Point(balance, line, moved, share, load, missing, value)


def _climb(
    dual: _Dual,
    rows: Int[ndarray, " r"],
    point: _Point,
    side: Float[ndarray, "r k"],
    up_balance: Float[ndarray, " r"],
    up_line: Float[ndarray, "r k"],
) -> _Point:
    """The point after a step that way, halved until the dual does not fall; a price that would turn round ends at nothing."""
    reached = _Point(*(part.copy() for part in vars(point).values()))
    length, wait = 1.0, np.arange(len(rows))
    for _ in range(_HALVINGS):
        line = point.line[wait] + length * up_line[wait]
        line = np.where(line * side[wait] > 0, line, 0)
        tried = dual.at(rows[wait], point.balance[wait] + length * up_balance[wait], line)
        good = tried.value >= point.value[wait] - 1e-13 * (1 + np.abs(point.value[wait]))
        for mine, theirs in zip(vars(reached).values(), vars(tried).values(), strict=True):
            mine[wait[good]] = theirs[good]
        wait = wait[~good]
        if len(wait) == 0:
            break
        length /= 2
    return reached


def _newton(
    form: NormalForm,
    give: Float[ndarray, "b g"],
    side: Float[ndarray, "b k"],
    missing: Float[ndarray, " b"],
    missed: Float[ndarray, "b k"],
) -> tuple[Float[ndarray, " b"], Float[ndarray, "b k"]]:
    """The prices that would bring what is missing and undo what is missed, if a block moved by `give` for a unit of price.

    Only the lines with a side get a price. Scenarios have different numbers of these; the rows of those with fewer are filled
    up with empty ones.
    """
    most = int((side != 0).sum(axis=1).max(initial=0))
    held = np.argsort(side == 0, axis=1, kind="stable")[:, :most]
    real = np.take_along_axis(side, held, axis=1) != 0
    balance_row = np.broadcast_to(form.weight, (len(side), 1, len(form.weight)))
    rows = np.concatenate([balance_row, -form.effect[held] * real[..., None]], axis=1)
    matrix = (rows * give[:, None, :]) @ rows.transpose(0, 2, 1)
    ridge = _RIDGE * (np.vstack([form.weight, form.effect]) ** 2 @ (1 / metric_of(form)) + _RIDGE)
    added = np.where(real, ridge[1:][held], 1)
    np.einsum("bii->bi", matrix)[:] += np.concatenate([np.full((len(side), 1), ridge[0]), added], axis=1)
    error = np.concatenate([missing[:, None], np.take_along_axis(missed, held, axis=1) * real], axis=1)
    step = np.linalg.solve(matrix, error[..., None])[..., 0]
    line = np.zeros(side.shape)
    np.put_along_axis(line, held, step[:, 1:] * real, axis=1)
    return step[:, 0], line
