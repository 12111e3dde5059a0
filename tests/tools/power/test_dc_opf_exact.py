"""The optimum, its prices and its certificate."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.power.opf_reference import solve
from tools.power.dc_opf.batch import BadShape, solve_batch, with_costs
from tools.power.dc_opf.certificate import Scenario, certify
from tools.power.dc_opf.exact import Dispatch, Solver, Uncertified
from tools.power.dc_opf.grid import Grid, NonConvexCost
from tools.power.dc_opf.infeasible import InfeasibleDispatch
from tools.power.dc_opf.network import IslandedNetwork, Network
from tools.power.dc_opf.polish import polish
from tools.power.dc_opf.programme import Point
from tools.power.dc_opf.shipped import shipped_grid


def dispatch(grid: Grid, scale: float = 1.0) -> Dispatch:
    return Solver(Network(grid)).solve(scale * grid.load + grid.shunt, grid.limit)


def without(grid: Grid, line: int) -> Grid:
    return grid.without(np.arange(len(grid.lines)) == line, np.zeros(len(grid.generators), dtype=bool))


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        *[("case5", 1.0), ("case9", 1.3), ("case14", 1.0), ("case24_ieee_rts", 1.0), ("case39", 1.05)],
        *[("case30", 0.7), ("case30", 1.0), ("case30", 1.15), ("case30", 1.3), ("case_ieee30", 1.0)],
        *[("case118", 0.7), ("case118", 1.0), ("case118", 1.3), ("case300", 1.0), ("case_illinois200", 1.0)],
        *[("case89pegase", 1.0), ("case1354pegase", 0.95), ("case2869pegase", 1.0), ("case3120sp", 1.0)],
    ],
)
def test_the_cost_is_that_of_an_independent_solve_in_bus_angles(name: str, scale: float) -> None:
    grid = shipped_grid(name)
    ours, theirs = dispatch(grid, scale), solve(name, grid, scale)
    assert ours.certificate.cost == pytest.approx(theirs.cost, rel=1e-6)
    assert ours.certificate.gap_pct < 1e-8
    assert ours.certificate.kkt_residual < 1e-9


@pytest.mark.parametrize("scale", [0.7, 1.0])
def test_linear_costs_on_a_large_grid_are_solved_as_exactly(scale: float) -> None:
    grid = shipped_grid("case1354pegase")
    linear = with_costs(grid, grid.cost * [0, 1, 1])
    assert dispatch(linear, scale).certificate.cost == pytest.approx(solve(grid.name, linear, scale).cost, rel=1e-9)


@pytest.mark.parametrize("name", ["case30", "case118", "case300", "case1354pegase"])
def test_flows_are_those_of_an_independent_power_flow_and_within_limits(name: str) -> None:
    """Power out of each bus equals what is fed in there, and flows around each loop add to nothing but phase shifts."""
    grid = shipped_grid(name)
    found = dispatch(grid)
    fed_in = np.bincount(grid.at, found.output, minlength=len(grid.buses)) - grid.load - grid.shunt
    out = np.bincount(grid.start, found.flow, len(grid.buses)) - np.bincount(grid.end, found.flow, len(grid.buses))
    assert out == pytest.approx(fed_in, abs=1e-6)
    drop = found.flow / grid.susceptance + grid.shift
    angle = np.full(len(grid.buses), np.nan)
    angle[0] = 0
    tree = networkx.Graph()
    for line, (start, end) in enumerate(zip(grid.start.tolist(), grid.end.tolist(), strict=True)):
        tree.add_edge(start, end, line=line)
    for near, far in networkx.bfs_edges(tree, 0):
        line = tree[near][far]["line"]
        angle[far] = angle[near] - (drop[line] if grid.start[line] == near else -drop[line])
    assert angle[grid.start] - angle[grid.end] == pytest.approx(drop, abs=1e-9)
    assert np.all(np.abs(found.flow) <= grid.limit * (1 + 1e-9))
    assert found.certificate.balance_error < 1e-6
    assert found.certificate.limit_error <= 1e-9


@pytest.mark.parametrize(("name", "scale"), [("case30", 1.3), ("case118", 1.0), ("case300", 1.0)])
def test_the_price_at_a_bus_is_what_one_more_MW_there_costs(name: str, scale: float) -> None:  # noqa: N802
    grid = shipped_grid(name)
    solver, demand, step = Solver(Network(grid)), scale * grid.load + grid.shunt, 1e-3
    found = solver.solve(demand, grid.limit)
    for bus in (0, len(demand) // 2, len(demand) - 1):
        nudge = step * (np.arange(len(demand)) == bus)
        dearer, cheaper = (solver.solve(demand + sign * nudge, grid.limit).certificate.cost for sign in (1, -1))
        assert found.price[bus] == pytest.approx((dearer - cheaper) / (2 * step), rel=1e-5)


def test_a_shadow_price_is_what_one_more_MW_of_limit_saves() -> None:  # noqa: N802
    grid = shipped_grid("case118")
    solver, demand, step = Solver(Network(grid)), grid.load + grid.shunt, 1e-3
    found = solver.solve(demand, grid.limit)

    # the lines 8-9 and 9-10 lie in series, so a wider limit of one alone saves nothing
    single = [i for i in np.flatnonzero(found.line_price) if grid.lines[i] not in {"8-9", "9-10"}]
    for line in single:
        wider = grid.limit + step * (np.arange(len(grid.limit)) == line)
        saved = found.certificate.cost - solver.solve(demand, wider).certificate.cost
        assert abs(found.line_price[line]) == pytest.approx(saved / step, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", ["case118", "case1354pegase"])
def test_doubling_all_costs_doubles_the_cost_and_every_price(name: str) -> None:
    grid = shipped_grid(name)
    once, twice = dispatch(grid), dispatch(with_costs(grid, 2 * grid.cost))
    assert twice.certificate.cost == pytest.approx(2 * once.certificate.cost, rel=1e-9)
    assert twice.price == pytest.approx(2 * once.price, rel=1e-6)
    assert twice.output == pytest.approx(once.output, abs=1e-5)


def test_losing_a_line_shifts_flows_as_the_outage_factors_say() -> None:
    """The line outage distribution factors of J. Wood and B. Wollenberg give the flows that a rebuilt network has."""
    grid = shipped_grid("case118")
    network, line = Network(grid), grid.lines.index("65-68")
    found = dispatch(grid)
    fed_in = np.bincount(grid.at, found.output, minlength=len(grid.buses)) - grid.load - grid.shunt
    factors = network.distribution_factors(np.arange(len(grid.lines)))
    transfer = factors[:, grid.start[line]] - factors[:, grid.end[line]]
    after = found.flow + transfer / (1 - transfer[line]) * found.flow[line]
    rebuilt = Network(without(grid, line)).flows(fed_in)
    assert rebuilt == pytest.approx(np.delete(after, line), abs=1e-8)


def test_an_outage_costs_what_an_independent_solve_says() -> None:
    grid = shipped_grid("case30")  # its rows are pandapower's
    line = grid.lines.index("28-27")
    found = dispatch(without(grid, line), 1.15)
    assert found.certificate.cost == pytest.approx(solve("case30", grid, 1.15, out=line).cost, rel=1e-6)
    assert found.certificate.cost > dispatch(grid, 1.15).certificate.cost + 1


@pytest.mark.parametrize("name", ["case30", "case118", "case300"])
def test_an_outage_is_refused_exactly_where_it_cuts_a_bus_off(name: str) -> None:
    grid = shipped_grid(name)
    graph = networkx.MultiGraph()
    for line, (start, end) in enumerate(zip(grid.start.tolist(), grid.end.tolist(), strict=True)):
        graph.add_edge(start, end, key=line)
    cut_off = set()
    for line in range(len(grid.lines)):
        try:
            Network(without(grid, line))
        except IslandedNetwork as refused:
            cut_off.add(line)
            ends = grid.start[line], grid.end[line]
            graph.remove_edge(*map(int, ends), key=line)
            smaller = min(networkx.connected_components(graph), key=len)
            graph.add_edge(*map(int, ends), key=line)
            assert set(refused.facts["buses"]) == {int(grid.buses[bus]) for bus in smaller}
    simple = networkx.Graph(graph)
    bridges = {next(iter(graph[a][b])) for a, b in networkx.bridges(simple) if graph.number_of_edges(a, b) == 1}
    assert cut_off == bridges


@settings(max_examples=40, deadline=None)
@given(
    price=st.floats(-50, 150),
    line_prices=st.dictionaries(st.integers(0, 185), st.floats(-30, 30), max_size=6),
    share=st.floats(0, 1),
)
def test_the_bound_holds_whatever_the_prices_and_the_dispatch(
    price: float, line_prices: dict[int, float], share: float
) -> None:
    grid = shipped_grid("case118")
    scenario = Scenario(Network(grid), grid.load + grid.shunt, grid.limit)
    line_price = np.zeros(len(grid.lines))
    line_price[list(line_prices)] = list(line_prices.values())
    anywhere = grid.low + share * (grid.high - grid.low)
    bound = certify(scenario, anywhere, price, line_price).bound
    assert bound <= 127496.10244 * (1 + 1e-9)  # the optimum, which the test above proves


def test_tighter_limits_never_make_it_cheaper() -> None:
    grid = shipped_grid("case118")
    solver = Solver(Network(grid))
    costs = [solver.solve(grid.load, grid.limit * k).certificate.cost for k in (1.2, 1.0, 0.9, 0.8)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


@pytest.mark.parametrize("name", ["case30", "case118", "case1354pegase"])
def test_the_check_sees_a_dispatch_that_is_a_little_off(name: str) -> None:
    grid = shipped_grid(name)
    found = dispatch(grid)
    scenario = Scenario(Network(grid), grid.load + grid.shunt, grid.limit)
    free = np.flatnonzero((found.output > grid.low + 2) & (found.output < grid.high - 2))[:2]
    moved = found.output.copy()
    moved[free] += [1, -1]
    line_price, price = found.line_price, found.price[grid.reference]
    assert certify(scenario, found.output, price, line_price).kkt_residual < 1e-9
    assert certify(scenario, moved, price, line_price).kkt_residual > 1e-6
    assert certify(scenario, found.output + (np.arange(len(moved)) == free[0]), price, line_price).balance_error > 0.9
    assert certify(scenario, found.output, price + 1, line_price).kkt_residual > 1e-4
    assert certify(scenario, found.output, price + 1, line_price).gap_pct > 0


def test_nothing_uncertified_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.power.dc_opf.exact.TOLERANCE", -1.0)  # which no dispatch can meet
    with pytest.raises(Uncertified, match="misses the optimality conditions"):
        dispatch(shipped_grid("case30"))


def test_finer_pieces_alone_come_as_close_as_one_likes() -> None:
    grid = shipped_grid("case118")
    solver = Solver(Network(grid))
    found = solver.solve(grid.load, grid.limit)
    programme = solver._pool.programme(Scenario(solver.network, grid.load, grid.limit))
    breaks, errors = programme.first_breaks(), []
    for _ in range(12):
        proposal = programme.propose(breaks)
        assert proposal is not None
        errors.append(float(np.max(np.abs(proposal.output - found.output))))
        breaks = programme.more_breaks(breaks, proposal.output)
    assert errors[0] > 10
    assert errors[-1] < 0.5


def test_a_poor_proposal_is_polished_to_the_optimum() -> None:
    grid = shipped_grid("case118")
    solver = Solver(Network(grid))
    found = solver.solve(grid.load, grid.limit)
    programme = solver._pool.programme(Scenario(solver.network, grid.load, grid.limit))
    poor = np.clip(found.output + np.random.default_rng(0).normal(0, 20, len(found.output)), grid.low, grid.high)
    point = polish(programme, Point(poor, 30.0, np.zeros(len(programme.limit))))
    assert point.output == pytest.approx(found.output, abs=1e-7)


@pytest.mark.parametrize("name", ["case14", "case30", "case118", "case_illinois200"])
def test_any_mix_of_curved_straight_and_equal_costs_is_solved_or_refused_for_a_reason(name: str) -> None:
    """On such mixes HiGHS's own quadratic method may never come to an end."""
    random, whole, solved = np.random.default_rng(1), shipped_grid(name), 0
    for _ in range(25):
        curved = random.integers(0, 2, len(whole.cost))[:, None]
        rounded = np.round(whole.cost, -1) if random.random() < 0.5 else whole.cost
        grid = with_costs(whole, rounded * np.hstack([curved, np.ones((len(curved), 2))]))
        if random.random() < 0.5:
            grid = without(grid, int(random.integers(len(grid.lines))))
        load = grid.load * random.uniform(0.6, 1.2) * random.uniform(0.8, 1.2, len(grid.load))
        try:
            found = Solver(Network(grid)).solve(load + grid.shunt, grid.limit)
        except (InfeasibleDispatch, IslandedNetwork):
            continue
        solved += 1
        assert found.certificate.gap_pct < 1e-8
        assert found.certificate.kkt_residual < 1e-9
    assert solved >= 10


def test_a_batch_gives_what_each_scenario_gives_alone() -> None:
    grid = shipped_grid("case118")
    loads = grid.load * np.linspace(0.7, 1.3, 8)[:, None]
    together = solve_batch(grid, loads)
    for load, found in zip(loads, together, strict=True):
        assert isinstance(found, Dispatch)
        alone = Solver(Network(grid)).solve(load + grid.shunt, grid.limit)
        assert found.certificate.cost == pytest.approx(alone.certificate.cost, rel=1e-12)
        assert found.output == pytest.approx(alone.output, abs=1e-6)


def test_a_batch_says_which_scenarios_have_no_dispatch() -> None:
    grid = shipped_grid("case300")
    good, bad = solve_batch(grid, grid.load * np.array([[1.0], [1.3]]))
    assert isinstance(good, Dispatch)
    assert isinstance(bad, InfeasibleDispatch)


def test_arrays_that_do_not_fit_the_grid_are_refused() -> None:
    grid = shipped_grid("case30")
    for loads in (grid.load, grid.load[None, :-1], np.full((2, 30), np.nan)):
        with pytest.raises(BadShape):
            solve_batch(grid, loads)
    with pytest.raises(BadShape):
        with_costs(grid, grid.cost[:-1])
    with pytest.raises(NonConvexCost):
        with_costs(grid, grid.cost * [-1, 1, 1])


def test_an_overloaded_set_of_lines_is_named_with_its_least_overload() -> None:
    """Relieved by what the refusal says, the same lines admit a dispatch; relieved by less, they do not."""
    grid = shipped_grid("case300")
    solver = Solver(Network(grid))
    with pytest.raises(InfeasibleDispatch) as refused:
        solver.solve(1.3 * grid.load + grid.shunt, grid.limit)
    lines, overload = refused.value.facts["lines"], refused.value.facts["overload_mw"]
    assert lines == ["7049-49"]
    relief = (np.array(grid.lines) == lines[0]) * overload
    solver.solve(1.3 * grid.load + grid.shunt, grid.limit + relief * 1.0001)
    with pytest.raises(InfeasibleDispatch):
        solver.solve(1.3 * grid.load + grid.shunt, grid.limit + relief * 0.999)
