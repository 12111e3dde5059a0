"""One convex programme handed to HiGHS, whose answer is a proposal: whoever asks checks it.

HiGHS may say "solve error" of a quadratic programme although its point is good, so the status only tells whether there is a
point; how good it is, the certificate decides.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

_NOISE = 1e-10  # matrix entries below it are rounding errors


@dataclass(frozen=True)
class Proposal:
    """A point and its multipliers; a multiplier is positive where a lower limit of the row binds."""

    point: Float[ndarray, " v"]
    multiplier: Float[ndarray, " r"]
    status: str


def propose(
    square: Float[ndarray, " v"],
    linear: Float[ndarray, " v"],
    low: Float[ndarray, " v"],
    high: Float[ndarray, " v"],
    rows: Float[ndarray, "r v"],
    row_low: Float[ndarray, " r"],
    row_high: Float[ndarray, " r"],
    **options: Any,
) -> Proposal | None:
    """Minimise sum(square * x^2 + linear * x) with low <= x <= high and row_low <= rows @ x <= row_high.

    Returns:
        What HiGHS found, or None where it found the programme infeasible or came to no point.
    """
    import highspy

    solver = highspy.Highs()
    for name, value in {"output_flag": False, "parallel": "off", **options}.items():
        solver.setOptionValue(name, value)
    solver.passModel(_programme(linear, low, high, rows, row_low, row_high))
    if square.any():
        solver.passHessian(_hessian(square))
    solver.run()
    solution = solver.getSolution()
    status = solver.modelStatusToString(solver.getModelStatus())
    if "nfeasible" in status or not solution.value_valid or not solution.dual_valid:
        return None
    return Proposal(np.array(solution.col_value), np.array(solution.row_dual), status)


def _programme(
    linear: Float[ndarray, " v"],
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
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = linear, low, high
    lp.row_lower_, lp.row_upper_ = row_low, row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.searchsorted(row, np.arange(len(rows) + 1)).astype(np.int32)
    lp.a_matrix_.index_ = column.astype(np.int32)
    lp.a_matrix_.value_ = rows[row, column]
    return lp


def _hessian(square: Float[ndarray, " v"]) -> Any:
    """HiGHS minimises x'Qx / 2, so the diagonal of Q is twice the quadratic cost."""
    import highspy

    hessian = highspy.HighsHessian()
    curved = np.flatnonzero(square)
    hessian.dim_ = len(square)
    hessian.format_ = highspy.HessianFormat.kTriangular
    hessian.start_ = np.searchsorted(curved, np.arange(len(square) + 1)).astype(np.int32)
    hessian.index_ = curved.astype(np.int32)
    hessian.value_ = 2 * square[curved]
    return hessian
