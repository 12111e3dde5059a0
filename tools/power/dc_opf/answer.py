"""From a question about a grid to the answer: what is in service, what is fed in, the dispatch, and how it is told."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from tools.contract import Artifact, progress, save_artifact
from tools.power.dc_opf.exact import Dispatch, Solver
from tools.power.dc_opf.files import grid_from_file
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.names import GRIDS, find_bus, find_generator, find_line
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.shipped import shipped_grid
from tools.power.dc_opf.tool import BindingLine, DcOpfInput, DcOpfOutput, GridData, Injection, NeuralReport, UnitOutput

_AT_LIMIT = 1 - 1e-6  # loading from which a line counts as at its limit
_NO_PRICE = 1e-6  # $/MWh
_SHOWN = 12  # lines and generators told one by one; the tables have all


def answer(inp: DcOpfInput) -> DcOpfOutput:
    """Solve what `inp` asks; see `SolveDcOpf`."""
    progress(0, f"reading {inp.grid}")
    whole = shipped_grid(inp.grid) if inp.grid in GRIDS else grid_from_file(inp.grid)
    lines_out = _marked(len(whole.lines), (find_line(said, whole.lines, whole.rows) for said in inp.outages))
    units_out = _marked(
        len(whole.generators), (find_generator(said, whole.generators) for said in inp.generator_outages)
    )
    grid = whole.without(lines_out, units_out)
    renewables = _fed_in(grid, inp.renewables)
    limit = grid.limit * inp.rating_scale

    progress(0.3, f"dispatching {len(grid.generators)} generators over {len(grid.lines)} lines")
    demand = inp.load_scale * grid.load + grid.shunt - renewables
    dispatch, neural = _dispatch(inp, whole, grid, demand, limit)

    progress(0.9, "writing tables")
    loading = np.abs(dispatch.flow) / limit
    output = grid.output_of(dispatch.output)
    lowest, highest = int(np.argmin(dispatch.price)), int(np.argmax(dispatch.price))
    most = int(np.argmax(loading)) if np.isfinite(limit).any() else None
    binding = [i for i in np.argsort(-np.abs(dispatch.line_price), kind="stable") if loading[i] >= _AT_LIMIT]
    full = ", ".join(grid.lines[i] for i in sorted(binding))
    tables = _tables(grid, inp.load_scale * grid.load, limit, dispatch)
    return DcOpfOutput(
        cost=_told(dispatch.certificate.cost),
        load_mw=_told(inp.load_scale * grid.load.sum()),
        generation_mw=_told(output.sum()),
        renewables_mw=_told(renewables.sum()),
        binding_line_names=full or "none",
        binding_line_count=len(binding),
        binding_lines=[_binding_line(grid, limit, dispatch, i) for i in binding[:_SHOWN]],
        price_mean=_told(dispatch.price.mean()),
        price_min=_told(dispatch.price[lowest]),
        price_min_bus=int(grid.buses[lowest]),
        price_max=_told(dispatch.price[highest]),
        price_max_bus=int(grid.buses[highest]),
        **_watched(inp, whole, grid, limit, dispatch),
        max_line_loading_pct=_told(100 * loading[most]) if most is not None else 0.0,
        max_loaded_line=full or (grid.lines[most] if most is not None else "none"),
        generation=_largest_units(grid, dispatch),
        certified_gap_pct=float(f"{dispatch.certificate.gap_pct:.3g}"),
        kkt_residual=float(f"{dispatch.certificate.kkt_residual:.3g}"),
        data=GridData(
            lines_checked=int(np.isfinite(limit).sum()),
            lines_unlimited=int(np.isinf(limit).sum()),
            distinct_costs=len(np.unique(grid.cost[:, :2], axis=0)),
        ),
        neural=neural,
        notes=[*whole.notes, *_changes(whole, lines_out, units_out), *_ties(grid, dispatch, binding)],
        **tables,
        plots=_pictures(grid, limit, dispatch) if inp.plots else [],
    )


def _dispatch(
    inp: DcOpfInput, whole: Grid, grid: Grid, demand: Float[ndarray, " n"], limit: Float[ndarray, " m"]
) -> tuple[Dispatch, NeuralReport | None]:
    network = Network(grid)
    if inp.method == "exact":
        return Solver(network).solve(demand, limit), None
    from tools.power.dc_opf.learn import nets_for
    from tools.power.dc_opf.neural import solve_one

    nets, _ = nets_for(whole)
    dispatch, proposal = solve_one(nets, whole, network, demand, limit)
    return dispatch, NeuralReport(certified_gap_pct=float(f"{proposal.gap_pct:.3g}"), fell_back=not proposal.used)


def _told(value: Any) -> float:
    """Six decimals, which is more than any question asks for, and no negative zero."""
    return round(float(value), 6) + 0.0


def _marked(size: int, places: Iterable[int]) -> Bool[ndarray, " size"]:
    marked = np.zeros(size, dtype=bool)
    marked[list(places)] = True
    return marked


def _fed_in(grid: Grid, renewables: Sequence[Injection]) -> Float[ndarray, " n"]:
    power = np.zeros(len(grid.buses))
    for injection in renewables:
        power[find_bus(injection.bus, grid.buses)] += injection.p_mw
    return power


def _changes(grid: Grid, lines_out: Bool[ndarray, " m"], units_out: Bool[ndarray, " u"]) -> list[str]:
    """What was taken out of service; says so where a name fits several circuits or units, of which the first was meant."""
    said = []
    for what, names, out in (("line", grid.lines, lines_out), ("generator", grid.generators, units_out)):
        for i in np.flatnonzero(out):
            beside = sum(name.startswith(f"{names[i]}#") for name in names)
            several = f", one of {beside + 1} side by side" if beside else ""
            said.append(f"{what} {names[i]} is out of service{several}")
    return said


def _ties(grid: Grid, dispatch: Dispatch, binding: list[int]) -> list[str]:
    """Where a line at its limit sets no price, as of two in series, other prices would be as right."""
    idle = [grid.lines[i] for i in binding if abs(dispatch.line_price[i]) < _NO_PRICE]
    return [f"line {name} is at its limit without a price, so some prices are not unique" for name in idle]


def _binding_line(grid: Grid, limit: Float[ndarray, " m"], dispatch: Dispatch, i: int) -> BindingLine:
    return BindingLine(
        line=grid.lines[i],
        flow_mw=_told(dispatch.flow[i]),
        limit_mw=_told(limit[i]),
        shadow_price=_told(abs(dispatch.line_price[i])),
    )


def _largest_units(grid: Grid, dispatch: Dispatch) -> list[UnitOutput]:
    rows = _unit_rows(grid, dispatch)
    return [UnitOutput(**row) for row in sorted(rows, key=lambda row: -row["output_mw"])[:_SHOWN]]


def _unit_rows(grid: Grid, dispatch: Dispatch) -> list[dict[str, Any]]:
    columns = zip(
        grid.generators,
        grid.output_of(dispatch.output),
        grid.output_of(grid.low),
        grid.output_of(grid.high),
        dispatch.price[grid.unit_at],
        strict=True,
    )
    return [
        {
            "generator": name,
            "output_mw": _told(output),
            "min_mw": _told(low),
            "max_mw": _told(high),
            "price": _told(price),
        }
        for name, output, low, high, price in columns
    ]


def _watched(
    inp: DcOpfInput, whole: Grid, grid: Grid, limit: Float[ndarray, " m"], dispatch: Dispatch
) -> dict[str, float | None]:
    """What was asked for by name. What is out of service carries and puts out nothing."""
    watched: dict[str, float | None] = {}
    if inp.watch_bus is not None:
        watched["watched_price"] = _told(dispatch.price[find_bus(inp.watch_bus, grid.buses)])
    if inp.watch_generator is not None:
        name = whole.generators[find_generator(inp.watch_generator, whole.generators)]
        output = dict(zip(grid.generators, grid.output_of(dispatch.output), strict=True))
        watched["watched_output_mw"] = _told(output.get(name, 0))
    if inp.watch_line is not None:
        row = find_line(inp.watch_line, whole.lines, whole.rows)
        flow, capacity = dict(zip(grid.lines, zip(dispatch.flow, limit, strict=True), strict=True)).get(
            whole.lines[row], (0.0, np.inf)
        )
        ends = re.findall(r"\d+", inp.watch_line)
        backwards = len(ends) > 1 and ends[0] != str(whole.buses[whole.start[row]])
        watched["watched_flow_mw"] = _told(-flow if backwards else flow)
        watched["watched_loading_pct"] = _told(100 * abs(flow) / capacity) if np.isfinite(capacity) else None
    return watched


def _tables(
    grid: Grid, load: Float[ndarray, " n"], limit: Float[ndarray, " m"], dispatch: Dispatch
) -> dict[str, Artifact]:
    units = [list(row.values()) for row in _unit_rows(grid, dispatch)]
    lines = [
        [name, _told(flow), _told(most) if np.isfinite(most) else "", _told(100 * abs(flow) / most), _told(abs(price))]
        for name, flow, most, price in zip(grid.lines, dispatch.flow, limit, dispatch.line_price, strict=True)
    ]
    buses = [
        [int(bus), _told(drawn), _told(price)]
        for bus, drawn, price in zip(grid.buses, load, dispatch.price, strict=True)
    ]
    unit_columns = ["generator", "output_mw", "min_mw", "max_mw", "price_usd_per_mwh"]
    line_columns = ["line", "flow_mw", "limit_mw", "loading_pct", "shadow_price_usd_per_mwh"]
    return {
        "dispatch_table": _csv("dispatch.csv", unit_columns, units, "Output of every generator"),
        "line_table": _csv("lines.csv", line_columns, lines, "Flow and limit of every line"),
        "bus_table": _csv("buses.csv", ["bus", "load_mw", "price_usd_per_mwh"], buses, "Load and price at every bus"),
    }


def _csv(name: str, columns: list[str], rows: list[list[Any]], caption: str) -> Artifact:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return save_artifact(name, "text/csv", text.getvalue().encode(), caption)


def _pictures(grid: Grid, limit: Float[ndarray, " m"], dispatch: Dispatch) -> list[Artifact]:
    from tools.power.dc_opf.plots import draw_dispatch, draw_loading

    outputs = grid.output_of(dispatch.output)
    bars = draw_dispatch(grid.generators, outputs, grid.output_of(grid.high))
    loading = draw_loading(grid.lines, np.abs(dispatch.flow) / limit)
    return [
        save_artifact("dispatch.png", "image/png", bars, "Output of the largest generators"),
        save_artifact("loading.png", "image/png", loading, "Loading of all lines that have a limit"),
    ]
