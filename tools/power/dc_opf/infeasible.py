"""Why a scenario has no dispatch: too little capacity, too much that must run, or lines that cannot be kept within limits.

For the lines, the least total overload in MW is found by a linear programme in which every limit may be exceeded.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.contract import NoAnswer
from tools.power.dc_opf.certificate import Scenario
from tools.power.dc_opf.highs import propose
from tools.power.dc_opf.programme import LinePool

_NOTHING = 1e-6  # MW, an overload that is a rounding error of the solver


class InfeasibleDispatch(NoAnswer):
    """No dispatch meets the demand within all limits; `facts["reason"]` is capacity, must_run or lines."""


def check_capacity(scenario: Scenario) -> None:
    """Raise `InfeasibleDispatch` if the generators cannot meet the demand, whatever the lines could carry."""
    grid, demand = scenario.network.grid, float(scenario.demand.sum())
    most, least = float(grid.high.sum()), float(grid.low.sum())
    rounding = 1e-9 * max(abs(most), abs(least), 1)
    if demand > most + rounding:
        raise InfeasibleDispatch(
            f"the load of {demand:.6g} MW is {demand - most:.4g} MW more than the generators of {grid.name} can put out",
            hint="lower load_scale or the number of generator outages",
            reason="capacity",
            short_mw=demand - most,
        )
    if demand < least - rounding:
        raise InfeasibleDispatch(
            f"the generators of {grid.name} must run at {least:.6g} MW, {least - demand:.4g} MW more than the demand",
            hint="raise load_scale or lower the renewables, which are taken as they come",
            reason="must_run",
            excess_mw=least - demand,
        )


def check_lines(scenario: Scenario, pool: LinePool) -> None:
    """Raise `InfeasibleDispatch` if no dispatch keeps all lines within their limits; lines found on the way join the pool."""
    grid = scenario.network.grid
    while True:
        output, overload = _least_overload(scenario, pool)
        violated = overloaded_lines(scenario, output, pool)
        if len(violated) == 0:
            break
        pool.add(violated)
    bad = np.flatnonzero(overload > _NOTHING)
    if len(bad) == 0:
        return
    order = bad[np.argsort(-overload[bad])]
    worst = [(grid.lines[pool.lines[i]], float(overload[i]), float(scenario.limit[pool.lines[i]])) for i in order]
    shown = ", ".join(f"{line} by {over:.4g} MW above its {limit:.4g} MW" for line, over, limit in worst[:5])
    more = f" and {len(worst) - 5} more" if len(worst) > 5 else ""
    raise InfeasibleDispatch(
        f"no dispatch keeps all lines of {grid.name} within their limits: at best {shown}{more}",
        hint="lower load_scale, raise rating_scale, or take out fewer lines",
        reason="lines",
        lines=[line for line, _, _ in worst],
        overload_mw=sum(over for _, over, _ in worst),
    )


def overloaded_lines(scenario: Scenario, output: Float[ndarray, " g"], pool: LinePool) -> Int[ndarray, " j"]:
    """The lines outside the pool that this output overloads, beyond rounding."""
    over = np.abs(scenario.flows(output)) > scenario.limit * (1 + 1e-9)
    over[pool.lines] = False
    return np.flatnonzero(over)


def _least_overload(scenario: Scenario, pool: LinePool) -> tuple[Float[ndarray, " g"], Float[ndarray, " k"]]:
    """The output with the least total overload of the lines in the pool, and each line's overload [MW]."""
    programme = pool.programme(scenario)
    g, k = len(programme.low), len(programme.limit)
    found = propose(
        np.append(np.zeros(g), np.ones(k)),
        np.append(programme.low, np.zeros(k)),
        np.append(programme.high, np.full(k, np.inf)),
        np.block(
            [[np.ones((1, g)), np.zeros((1, k))], [programme.factors, -np.eye(k)], [programme.factors, np.eye(k)]]
        ),
        np.concatenate([[programme.total], np.full(k, -np.inf), -programme.limit - programme.idle_flow]),
        np.concatenate([[programme.total], programme.limit - programme.idle_flow, np.full(k, np.inf)]),
    )
    if found is None:  # cannot be: with enough overload every output within the generators' limits is allowed
        raise NoAnswer("the solver came to no answer, neither a dispatch nor a proof that there is none")
    return found.point[:g], found.point[g:]
