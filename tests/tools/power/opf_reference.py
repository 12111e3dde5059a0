"""The dispatch problem once more, in bus angles and line flows, from pandapower's tables, sharing no line with what is tested."""

import logging
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pandapower.networks
from pandapower.converter.pypower import to_ppc
from scipy import sparse

from tools.power.dc_opf.grid import Grid

LIMITS = {"case118": 198.0, "case300": 990.0}  # MW, where the data rate every line 9900 MVA
INVENTED = {"case_ieee30", "case89pegase", "case1354pegase", "case2869pegase"}  # 100 MVA stands for no rating


@dataclass(frozen=True)
class Reference:
    cost: float
    output: np.ndarray
    flow: np.ndarray  # of the branches in service, in pandapower's order


def tables(name: str) -> Any:
    logging.getLogger("pandapower").setLevel(logging.ERROR)
    net = getattr(pandapower.networks, name)()
    case = to_ppc(net, init="flat", trafo_model="pi")
    order = np.argsort(case["gen"][:, 0], kind="stable")
    case["gen"], case["gencost"] = case["gen"][order], case["gencost"][order]
    case["lines"] = len(net.line)
    return case


def solve(name: str, grid: Grid, scale: float = 1.0, out: int | None = None) -> Reference:
    """`grid` gives only the costs, which for some cases are drawn; `out` is a row of pandapower's branch table."""
    case = tables(name)
    base = case["baseMVA"]
    branch, bus, gen = case["branch"].copy(), case["bus"], case["gen"]
    on = branch[:, 10] > 0
    if out is not None:
        on[out] = False
    n, m, g = len(bus), len(branch), len(gen)
    x = (branch[:, 3] * np.where(branch[:, 8] == 0, 1, branch[:, 8]))[on]  # p.u.
    rate = np.where(branch[:, 5] >= 9899, np.inf, branch[:, 5])
    if name in LIMITS:
        rate[:] = LIMITS[name]
    if name in INVENTED:
        rate[(np.arange(m) >= case["lines"]) & (np.abs(branch[:, 5] - 100) < 0.01)] = np.inf
    ends = branch[on, :2].astype(int)
    incidence = sparse.lil_array((len(x), n))
    incidence[np.arange(len(x)), ends[:, 0]], incidence[np.arange(len(x)), ends[:, 1]] = 1, -1
    incidence = incidence.tocsr()
    shift = np.deg2rad(branch[on, 9])
    rate = np.where(np.isfinite(rate[on]), rate[on] / base, highspy.kHighsInf)
    feed = sparse.coo_array((np.ones(g), (gen[:, 0].astype(int), np.arange(g))), shape=(n, g))
    balance = sparse.hstack([feed, -incidence.T, sparse.csr_array((n, n))])
    angles = sparse.hstack([sparse.csr_array((len(x), g)), sparse.diags_array(x), -incidence])
    matrix = sparse.vstack([balance, angles]).tocsr()
    right = np.append((scale * bus[:, 2] + bus[:, 4]) / base, -shift)
    free = np.full(n, highspy.kHighsInf)
    free[int(np.flatnonzero(bus[:, 1] == 3)[0])] = 0

    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = np.append(grid.cost[:, 1] * base, np.zeros(len(x) + n))
    lp.col_lower_ = np.concatenate([gen[:, 9].round(8) / base, -rate, -free])
    lp.col_upper_ = np.concatenate([gen[:, 8].round(8) / base, rate, free])
    lp.row_lower_, lp.row_upper_ = right, right
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.passModel(lp)
    if grid.cost[:, 0].any():
        hessian = highspy.HighsHessian()
        hessian.dim_, hessian.format_ = lp.num_col_, highspy.HessianFormat.kTriangular
        hessian.start_ = np.minimum(np.arange(lp.num_col_ + 1), g)
        hessian.index_, hessian.value_ = np.arange(g), 2 * grid.cost[:, 0] * base**2
        solver.passHessian(hessian)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal, solver.modelStatusToString(
        solver.getModelStatus()
    )
    solution = solver.getSolution()
    output, flow = (base * np.array(part) for part in np.split(np.array(solution.col_value), [g, g + len(x)])[:2])
    return Reference(
        cost=float(np.sum(grid.cost[:, 0] * output**2 + grid.cost[:, 1] * output + grid.cost[:, 2])),
        output=output,
        flow=flow,
    )
