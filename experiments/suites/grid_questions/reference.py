"""An independent solver of DC optimal power flow: bus angles as unknowns, HiGHS, a polish, and an own optimality check.

It shares with the tool under test nothing but the raw arrays of the grids. The tool solves for generator outputs alone, with
lines as rows of distribution factors; here angles stay unknowns, and prices are the multipliers of the balance at each bus.

Source: B. Stott, J. Jardim, O. Alsac, DC power flow revisited, IEEE Trans. Power Systems 24(3), 2009.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

ACCEPTED = 1e-9  # largest residual of the optimality conditions [MW, $/MWh], relative to load and dearest price
ROUNDS = 40  # of tangents; a few are enough on the shipped grids
AT_BOUND = 1e-5  # a generator nearer than this [MW] to a bound is held there by the polish
PUSHING = 1e-5  # a line with a larger multiplier [$/MWh] is held at its limit by the polish


class Infeasible(Exception):
    """No dispatch serves the load within all limits; proved by HiGHS."""


class Unreliable(Exception):
    """HiGHS gave no point that passes the optimality check."""


@dataclass(frozen=True)
class Network:
    """A connected grid: n buses, g generators, m branches in service. Powers in MW."""

    load: Float[ndarray, "n"]
    gen_bus: Int[ndarray, "g"]
    lowest: Float[ndarray, "g"]
    highest: Float[ndarray, "g"]
    cost: Float[ndarray, "g 3"]  # c2 [$/MW^2h], c1 [$/MWh], c0 [$/h]
    start: Int[ndarray, "m"]
    end: Int[ndarray, "m"]
    susceptance: Float[ndarray, "m"]  # p.u.
    shift: Float[ndarray, "m"]  # MW: base power times the shift in rad
    limit: Float[ndarray, "m"]  # inf where there is none

    @cached_property
    def flow_of_angle(self) -> Any:
        """Sparse [m, n]; angles are in rad times base power, so that flows come in MW."""
        import scipy.sparse as sp

        m, n = len(self.start), len(self.load)
        rows = np.arange(m)
        incidence = sp.csr_array((np.ones(m), (rows, self.start)), (m, n)) - sp.csr_array(
            (np.ones(m), (rows, self.end)), (m, n)
        )
        return sp.diags_array(self.susceptance) @ incidence

    @cached_property
    def leaving_of_flow(self) -> Any:
        """Sparse [n, m]: what leaves each bus over its branches."""
        import scipy.sparse as sp

        m, n = len(self.start), len(self.load)
        rows = np.arange(m)
        ends = (sp.csr_array((np.ones(m), (at, rows)), (n, m)) for at in (self.start, self.end))
        return next(ends) - next(ends)

    @property
    def flow_of_shift(self) -> Float[ndarray, "m"]:
        return np.asarray(-self.susceptance * self.shift)


@dataclass(frozen=True)
class Optimum:
    """The cheapest dispatch, with the largest residual of its optimality conditions."""

    output: Float[ndarray, "g"]
    angle: Float[ndarray, "n"]
    flow: Float[ndarray, "m"]
    price: Float[ndarray, "n"]  # what one more MW of load at the bus costs [$/MWh]
    push: Float[ndarray, "m"]  # multiplier of the line: positive at -limit, negative at +limit [$/MWh]
    cost: float  # [$/h]
    residual: float


def solve(net: Network) -> Optimum:
    """The cheapest dispatch, its flows and prices.

    HiGHS solves linear programs in which tangents stand for the quadratic costs, more of them each round. The active bounds and
    lines of such a point soon are those of the optimum; then the polish is exact, which the optimality conditions prove.

    Raises:
        Infeasible: Nothing serves the load within all limits.
        Unreliable: No point passed the optimality check.
    """
    program = _TangentProgram(net)
    tangents_at = [net.lowest, net.highest, (net.lowest + net.highest) / 2]
    for _ in range(ROUNDS):
        for output in tangents_at:
            program.add_tangents(output)
        near = program.solve()
        best = min((near, *_polish(net, near)), key=lambda o: o.residual)
        if best.residual <= ACCEPTED:
            return best
        tangents_at = [near.output]
    raise Unreliable(f"the optimality conditions are violated by {best.residual:.1e}")


def _constraints(net: Network) -> tuple[Any, Float[ndarray, "n"], Any]:
    """Balance rows [n, g + n] with their right side, and flow rows [m, g + n], over the unknowns (output, angle)."""
    import scipy.sparse as sp

    g, (m, n) = len(net.gen_bus), net.flow_of_angle.shape
    generation = sp.csr_array((np.ones(g), (net.gen_bus, np.arange(g))), (n, g))
    balance = sp.hstack([generation, -net.leaving_of_flow @ net.flow_of_angle], format="csr")
    needed = net.load + net.leaving_of_flow @ net.flow_of_shift
    flows = sp.hstack([sp.csr_array((m, g)), net.flow_of_angle], format="csr")
    return balance, needed, flows


class _TangentProgram:
    """min sum(bill)  s.t. balance, limits, bill >= every tangent of the cost; over the unknowns (output, angle, bill)."""

    def __init__(self, net: Network) -> None:
        import highspy
        import scipy.sparse as sp

        self.net = net
        balance, needed, flows = _constraints(net)
        g, n = len(net.gen_bus), len(net.load)
        self.limited = np.isfinite(net.limit)
        matrix = sp.vstack([balance, flows[self.limited]], format="csr")
        angle_range = np.full(n, np.inf)
        angle_range[0] = 0  # the first bus is the reference
        any_bill = np.full(g, np.inf)
        fixed, width = net.flow_of_shift[self.limited], net.limit[self.limited]
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = g + n + g, matrix.shape[0]
        lp.col_cost_ = np.concatenate([np.zeros(g + n), np.ones(g)])
        lp.col_lower_ = np.concatenate([net.lowest, -angle_range, -any_bill])
        lp.col_upper_ = np.concatenate([net.highest, angle_range, any_bill])
        lp.row_lower_ = np.concatenate([needed, -width - fixed])
        lp.row_upper_ = np.concatenate([needed, width - fixed])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        self.highs = highspy.Highs()
        self.highs.setOptionValue("output_flag", False)
        self.highs.setOptionValue("parallel", "off")
        self.highs.passModel(lp)

    def add_tangents(self, output: Float[ndarray, "g"]) -> None:
        c2, c1, c0 = self.net.cost.T
        g, n = len(c2), len(self.net.load)
        steepness, intercept = 2 * c2 * output + c1, c0 - c2 * output**2
        columns = np.stack([np.arange(g), g + n + np.arange(g)], axis=1).ravel()
        values = np.stack([-steepness, np.ones(g)], axis=1).ravel()
        starts = 2 * np.arange(g)
        self.highs.addRows(g, intercept, np.full(g, np.inf), 2 * g, starts, columns, values)

    def solve(self) -> Optimum:
        import highspy

        self.highs.run()
        status = self.highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Infeasible
        if status != highspy.HighsModelStatus.kOptimal:
            raise Unreliable(f"HiGHS ended with {self.highs.modelStatusToString(status)}")
        g, n = len(self.net.gen_bus), len(self.net.load)
        solution = self.highs.getSolution()
        x, dual = np.array(solution.col_value), np.array(solution.row_dual)
        push = np.zeros(len(self.limited))
        push[self.limited] = dual[n : n + self.limited.sum()]
        return _optimum(self.net, x[:g], x[g : g + n], dual[:n], push)


def _polish(net: Network, near: Optimum) -> tuple[Optimum, ...]:
    """Solve the optimality conditions with the active bounds and lines of `near` as equations; nothing if they are singular."""
    import warnings

    import scipy.sparse as sp
    from scipy.sparse.linalg import MatrixRankWarning, spsolve

    balance, needed, flows = _constraints(net)
    g, n = len(net.gen_bus), len(net.load)
    low, high = near.output < net.lowest + AT_BOUND, near.output > net.highest - AT_BOUND
    full = np.abs(near.push) > PUSHING
    unit = sp.eye_array(g + n, format="csr")
    bounded = np.flatnonzero(low | high)
    held = sp.vstack([balance, unit[[g]], unit[bounded], flows[full]], format="csr")
    bound_value = np.where(low, net.lowest, net.highest)[bounded]
    line_value = -np.sign(near.push[full]) * net.limit[full] - net.flow_of_shift[full]
    right = np.concatenate([needed, [0.0], bound_value, line_value])
    hessian = sp.diags_array(np.concatenate([2 * net.cost[:, 0], np.zeros(n)]))
    linear = np.concatenate([net.cost[:, 1], np.zeros(n)])
    system = sp.block_array([[hessian, -held.T], [held, None]], format="csc")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixRankWarning)
        solved = spsolve(system, np.concatenate([-linear, right]))
    if not np.isfinite(solved).all():
        return ()
    x, dual = solved[: g + n], solved[g + n :]
    push = np.zeros(len(net.limit))
    push[full] = dual[n + 1 + len(bounded) :]
    return (_optimum(net, x[:g], x[g:], dual[:n], push),)


def _optimum(
    net: Network,
    output: Float[ndarray, "g"],
    angle: Float[ndarray, "n"],
    price: Float[ndarray, "n"],
    push: Float[ndarray, "m"],
) -> Optimum:
    flow = net.flow_of_angle @ angle + net.flow_of_shift
    cost = float((net.cost[:, 0] * output**2 + net.cost[:, 1] * output + net.cost[:, 2]).sum())
    generated = np.bincount(net.gen_bus, output, len(net.load))
    imbalance = generated - net.load - net.leaving_of_flow @ flow
    saving = price[net.gen_bus] - 2 * net.cost[:, 0] * output - net.cost[:, 1]  # of one more MW from the generator
    unused = np.where(saving > 0, net.highest - output, output - net.lowest)
    slack = net.limit + np.sign(push) * flow  # towards the end at which the line pushes
    in_mw = [imbalance, net.lowest - output, output - net.highest, np.abs(flow) - net.limit]
    in_price = [net.flow_of_angle.T @ (push - net.leaving_of_flow.T @ price)]
    either = [np.minimum(np.abs(saving), np.abs(unused)), np.minimum(np.abs(push), np.abs(slack))]
    power, money = max(1.0, float(np.abs(net.load).sum())), max(1.0, float(np.abs(price).max()))
    residual = max(
        _largest(np.abs(in_mw[0]), *in_mw[1:]) / power,
        _largest(np.abs(in_price[0])) / money / max(1.0, float(np.abs(net.susceptance).max())),
        _largest(*either) / min(power, money),
    )
    return Optimum(output, angle, flow, price, push, cost, residual)


def _largest(*arrays: Float[ndarray, "_"]) -> float:
    return max((float(a.max()) for a in arrays if a.size), default=0.0)
