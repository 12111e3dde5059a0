"""DC optimal power flow: `solve_dc_opf`'s exact method beside HiGHS on bus angles and pandapower's `rundcopp`, on the same data.

    python -m experiments.speed.dc_opf --json dc_opf.json

Every dispatch is checked by a power flow that belongs to none of them. Times are medians over the load levels of a grid.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools.power.dc_opf.exact import Solver
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.shipped import quiet, shipped_grid

LOADS = {
    "case30": (0.7, 0.85, 1.0, 1.15, 1.3),
    "case118": (0.7, 0.85, 1.0, 1.15, 1.3),
    "case300": (0.7, 0.85, 1.0, 1.1, 1.15),
    "case1354pegase": (0.7, 0.8, 0.9, 0.95, 1.05),
    "case2869pegase": (0.7, 0.85, 0.95, 1.0, 1.05),
}

Dispatch = Callable[
    [float], Any
]  # a load level -> output of each generator block [MW], or None where the method failed


@dataclass(frozen=True)
class Row:
    """One method on one grid."""

    grid: str
    method: str
    ms: float  # median time of one load level
    solved: int
    asked: int
    cost_difference: float  # largest, relative to the certified optimum
    violation_mw: float  # largest of balance, generator limits and line limits


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; with --json, write it too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--grids", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    chosen = parser.parse_args(arguments)
    print(f"{'grid':16}{'method':32}{'ms':>9}{'solved':>9}{'cost diff':>12}{'violation MW':>14}")
    rows = []
    for name in chosen.grids:
        for row in compare(shipped_grid(name), LOADS[name]):
            rows.append(asdict(row))
            print(
                f"{row.grid:16}{row.method:32}{row.ms:9.1f}{row.solved:>6}/{row.asked}"
                f"{row.cost_difference:12.1e}{row.violation_mw:14.1e}",
                flush=True,
            )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")
        print(f"written to {chosen.json}", file=sys.stderr)


def compare(grid: Grid, loads: Sequence[float]) -> list[Row]:
    """Each method on each load level of one grid."""
    shared = Solver(Network(grid))
    costs = [shared.solve(load * grid.load + grid.shunt, grid.limit).certificate.cost for load in loads]
    methods: dict[str, Dispatch] = {
        "exact, new network": lambda load: (
            Solver(Network(grid)).solve(load * grid.load + grid.shunt, grid.limit).output
        ),
        "exact, known network and lines": lambda load: shared.solve(load * grid.load + grid.shunt, grid.limit).output,
        "HiGHS on bus angles": lambda load: on_bus_angles(grid, load),
        "pandapower.rundcopp": pandapower_method(grid),
    }
    return [_measure(grid, method, dispatch, loads, costs) for method, dispatch in methods.items()]


def _measure(grid: Grid, method: str, dispatch: Dispatch, loads: Sequence[float], costs: Sequence[float]) -> Row:
    times, differences, violations = [], [], []
    for load, cost in zip(loads, costs, strict=True):
        started = time.perf_counter()
        output = dispatch(load)
        times.append(1e3 * (time.perf_counter() - started))
        if output is not None:
            differences.append(abs(float(cost_of(grid, output)) / cost - 1))
            violations.append(violation(grid, load, output))
    nothing = float("nan")
    return Row(
        grid=grid.name,
        method=method,
        ms=float(np.median(times)),
        solved=len(differences),
        asked=len(loads),
        cost_difference=max(differences, default=nothing),
        violation_mw=max(violations, default=nothing),
    )


def cost_of(grid: Grid, output: Any) -> Any:
    """Cost of a dispatch [$/h]."""
    square, linear, fixed = grid.cost.T
    return np.sum(square * output**2 + linear * output + fixed)


def violation(grid: Grid, load: float, output: Any) -> float:
    """By how much a dispatch misses the balance or exceeds a limit [MW], by a power flow of its own."""
    from scipy.sparse.linalg import spsolve

    incidence, others = _incidence(grid), np.arange(len(grid.buses)) != grid.reference
    shift = grid.susceptance * grid.shift
    fed_in = np.bincount(grid.at, output, len(grid.buses)) - load * grid.load - grid.shunt + incidence.T @ shift
    laplacian = (incidence.T @ incidence.multiply(grid.susceptance[:, None])).tocsc()
    angle = np.zeros(len(grid.buses))
    angle[others] = spsolve(laplacian[others][:, others], fed_in[others])
    flow = grid.susceptance * (incidence @ angle) - shift
    missing = abs(float(np.sum(output) - np.sum(load * grid.load + grid.shunt)))
    return max(
        missing,
        float(np.max(np.maximum(grid.low - output, output - grid.high))),
        float(np.max(np.abs(flow) - grid.limit)),
        0.0,
    )


def _incidence(grid: Grid) -> Any:
    from scipy.sparse import coo_array

    m, each = len(grid.lines), np.arange(len(grid.lines))
    ends = np.concatenate([grid.start, grid.end])
    signs = np.concatenate([np.ones(m), -np.ones(m)])
    return coo_array((signs, (np.concatenate([each, each]), ends)), shape=(m, len(grid.buses))).tocsr()


def on_bus_angles(grid: Grid, load: float) -> Any:
    """The textbook programme, all flows and all angles at once, in per unit of 100 MW; None where HiGHS fails.

    With flows as variables of their own HiGHS solves more of these than with rows of susceptances.
    """
    import highspy
    from scipy import sparse

    base, g, n, m = 100.0, len(grid.at), len(grid.buses), len(grid.lines)
    incidence = _incidence(grid)
    feed = sparse.coo_array((np.ones(g), (grid.at, np.arange(g))), shape=(n, g))
    balance = sparse.hstack([feed, -incidence.T, sparse.csr_array((n, n))])
    angles = sparse.hstack([sparse.csr_array((m, g)), sparse.diags_array(base / grid.susceptance), -incidence])
    matrix = sparse.vstack([balance, angles]).tocsr()
    right = np.append((load * grid.load + grid.shunt) / base, -grid.shift)
    free = np.where(np.arange(n) == grid.reference, 0, highspy.kHighsInf)
    limit = np.where(np.isfinite(grid.limit), grid.limit / base, highspy.kHighsInf)

    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = np.append(grid.cost[:, 1] * base, np.zeros(m + n))
    lp.col_lower_ = np.concatenate([grid.low / base, -limit, -free])
    lp.col_upper_ = np.concatenate([grid.high / base, limit, free])
    lp.row_lower_, lp.row_upper_ = right, right
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    hessian = highspy.HighsHessian()
    hessian.dim_, hessian.format_ = lp.num_col_, highspy.HessianFormat.kTriangular
    hessian.start_ = np.minimum(np.arange(lp.num_col_ + 1), g)
    hessian.index_, hessian.value_ = np.arange(g), 2 * grid.cost[:, 0] * base**2

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.passModel(lp)
    solver.passHessian(hessian)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return base * np.array(solver.getSolution().col_value[:g])


def pandapower_method(grid: Grid) -> Dispatch:
    """`rundcopp` on pandapower's own net of this grid, given the same limits and costs."""
    import pandapower
    import pandapower.networks

    with quiet():
        net = getattr(pandapower.networks, grid.name)()
    load, units = net.load.p_mw.copy(), _units(net)
    # a negative load of the published data is a static generator here
    fixed = net.sgen.p_mw.copy()
    _set_limits(net, grid)
    _set_costs(net, grid, units)

    def dispatch(level: float) -> Any:
        net.load["p_mw"] = level * load
        net.sgen["p_mw"] = np.where(_controllable(net), fixed, level * fixed)
        with quiet():
            try:
                pandapower.rundcopp(net, numba=False)
            except pandapower.OPFNotConverged:
                return None
        return np.array([net[f"res_{kind}"].p_mw.at[element] for kind, element in units])

    return dispatch


def _controllable(net: Any) -> Any:
    """Which static generators the optimal power flow may move."""
    if "controllable" not in net.sgen:
        return np.zeros(len(net.sgen), dtype=bool)
    return net.sgen.controllable.eq(True).to_numpy()


def _units(net: Any) -> list[tuple[str, int]]:
    """The dispatchable elements of the net in the order of the grid's blocks: by bus, as pandapower converts them."""
    found = [("ext_grid", i) for i in net.ext_grid.index] + [("gen", i) for i in net.gen.index[net.gen.in_service]]
    found += [("sgen", i) for i in net.sgen.index[_controllable(net) & net.sgen.in_service]]
    return sorted(found, key=lambda unit: int(net[unit[0]].bus.at[unit[1]]))


def _set_limits(net: Any, grid: Grid) -> None:
    """Give each line and transformer the grid's limit; its row tells which is which, for lines come first in pandapower."""
    if grid.name in {"case118", "case300"}:
        limit = float(grid.limit[0])
        voltage = net.bus.vn_kv.loc[net.line.from_bus].to_numpy()
        net.line["max_i_ka"] = limit / (np.sqrt(3) * voltage)
        net.line["max_loading_percent"] = 100.0
        net.trafo["max_loading_percent"] = 100 * limit / net.trafo.sn_mva
    elif "pegase" in grid.name:
        net.trafo.loc[np.abs(net.trafo.sn_mva - 100) < 0.01, "max_loading_percent"] = 1e7


def _set_costs(net: Any, grid: Grid, units: list[tuple[str, int]]) -> None:
    net.poly_cost = net.poly_cost.set_index(["et", "element"], drop=False)
    for unit, (square, linear, fixed) in zip(units, grid.cost, strict=True):
        net.poly_cost.loc[unit, ["cp2_eur_per_mw2", "cp1_eur_per_mw", "cp0_eur"]] = square, linear, fixed
    net.poly_cost = net.poly_cost.reset_index(drop=True)


if __name__ == "__main__":
    main()
