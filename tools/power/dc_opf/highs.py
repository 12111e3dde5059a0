"""One linear programme handed to HiGHS's simplex method, whose answer is a proposal: whoever asks checks it.

HiGHS also has a method for quadratic programmes. On grids it ends in "solve error" often enough and sometimes never ends, so
it is not used.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

_NOISE = 1e-10  # matrix entries below it are rounding errors


@dataclass(frozen=True)
class Proposal:
    """A point and the multipliers of the rows, positive where a lower limit binds and negative where an upper one does."""

    point: Float[ndarray, " v"]
    multiplier: Float[ndarray, " r"]


def propose(
    cost: Float[ndarray, " v"],
    low: Float[ndarray, " v"],
    high: Float[ndarray, " v"],
    rows: Float[ndarray, "r v"],
    row_low: Float[ndarray, " r"],
    row_high: Float[ndarray, " r"],
) -> Proposal | None:
    """Minimise cost @ x with low <= x <= high and row_low <= rows @ x <= row_high; None where HiGHS finds no optimum."""
    import highspy

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("parallel", "off")
    solver.passModel(_programme(cost, low, high, rows, row_low, row_high))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = solver.getSolution()
    return Proposal(np.array(solution.col_value), np.array(solution.row_dual))


def _programme(
    cost: Float[ndarray, " v"],
    low: Float[ndarray, " v"],
    high: Float[ndarray, " v"],
    rows: Float[ndarray, "r v"],
    row_low: Float[ndarray, " r"],
    row_high: Float[ndarray, " r"],
) -> Any:
    import highspy

    row, column = np.nonzero(np.abs(rows) > _NOISE)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, low, high
    lp.row_lower_, lp.row_upper_ = row_low, row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.searchsorted(row, np.arange(len(rows) + 1)).astype(np.int32)
    lp.a_matrix_.index_ = column.astype(np.int32)
    lp.a_matrix_.value_ = rows[row, column]
    return lp
