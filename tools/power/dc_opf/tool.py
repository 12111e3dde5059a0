"""What `solve_dc_opf` takes and gives."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

from tools.contract import Artifact, Frozen, Tool, quantity
from tools.power.dc_opf.names import GRIDS, grid_name
from tools.power.dc_opf.worked import WORKED


def _named(said: object) -> object:
    return grid_name(said) if isinstance(said, str) else said


class Injection(Frozen):
    bus: int = quantity("1", "Bus number", ge=0)
    p_mw: float = quantity("MW", "Power fed in, taken as it comes at no cost", ge=0, le=1e6)


_METHODS = {
    "exact": ("exact ",),
    "neural": ("neural", "flow matching", "flow-matching", "graph network", "trained network", "gnn"),
}


class DcOpfInput(Frozen):
    grid: Annotated[str, BeforeValidator(_named)] = quantity(
        "",
        "Grid, in the words of the question; or a MATPOWER .m or pandapower .json file in the workspace folder",
        json_schema_extra={"enum": list(GRIDS)},
        copied=True,
    )
    load_scale: float = quantity(
        "1", "Load as a share of nominal: 1.15 is 115 %, 0.9 is 10 % less", 1.0, ge=0.5, le=1.5
    )
    outages: list[str] = quantity(
        "",
        "Lines out of service, each by its two buses such as 6-8",
        [],
        max_length=5,
        examples=["6-8"],
        copied="numbers",
    )
    generator_outages: list[str] = quantity(
        "",
        "Generators out of service, each by its bus such as 13",
        [],
        max_length=5,
        examples=["13"],
        copied="numbers",
    )
    renewables: list[Injection] = quantity("", "Wind or solar power fed in at buses", [], max_length=100)
    rating_scale: float = quantity("1", "All line limits times this", 1.0, ge=0.01, le=2)
    watch_bus: int | None = quantity("1", "Bus whose price is asked for", None)
    watch_line: str | None = quantity("", "Line whose flow is asked for, such as 6-8", None, examples=["6-8"])
    watch_generator: str | None = quantity(
        "", "Generator whose output is asked for, by its bus such as 13", None, examples=["13"]
    )
    method: Literal["exact", "neural"] = quantity("", "How it is solved", "exact", named_by=_METHODS)
    plots: bool = quantity(
        "",
        "Also draw the dispatch and the line loading",
        False,
        named_by=("plot", "draw it", "draw the", "draw a ", "picture", "chart", "figure", "graph of", "show me"),
    )


class BindingLine(Frozen):
    line: str = quantity("", "Name, from-to")
    flow_mw: float = quantity("MW", "Flow, positive in the direction of the name")
    limit_mw: float = quantity("MW", "Limit")
    shadow_price: float = quantity("$/MWh", "What one more MW of limit would save")


class UnitOutput(Frozen):
    generator: str = quantity("", "Name")
    output_mw: float = quantity("MW", "Output")
    min_mw: float = quantity("MW", "Least output")
    max_mw: float = quantity("MW", "Largest output")
    price: float = quantity("$/MWh", "Price at its bus")


class NeuralReport(Frozen):
    certified_gap_pct: float = quantity("%", "The nets' own dispatch is at most this much above the optimum", ge=0)
    fell_back: bool = quantity("", "The nets' dispatch could not be used, and this is the exact method's answer")


class GridData(Frozen):
    lines_checked: int = quantity("1", "Lines whose limit was checked by an independent power flow")
    lines_unlimited: int = quantity("1", "Lines in service that have no limit")
    distinct_costs: int = quantity("1", "Number of different generator costs")


class DcOpfOutput(Frozen):
    cost: float = quantity("$/h", "Cost of the cheapest dispatch")
    load_mw: float = quantity("MW", "Load")
    generation_mw: float = quantity("MW", "Generation without the renewables given")
    renewables_mw: float = quantity("MW", "Renewables given")
    binding_line_names: str = quantity("", "Lines at their limit")
    binding_line_count: int = quantity("1", "Number of lines at their limit")
    binding_lines: list[BindingLine] = quantity("", "Lines at their limit, dearest first, at most 12")
    price_mean: float = quantity("$/MWh", "Mean price over the buses")
    price_min: float = quantity("$/MWh", "Lowest price")
    price_min_bus: int = quantity("1", "Bus with the lowest price")
    price_max: float = quantity("$/MWh", "Highest price")
    price_max_bus: int = quantity("1", "Bus with the highest price")
    watched_price: float | None = quantity("$/MWh", "Price at watch_bus", None)
    watched_flow_mw: float | None = quantity("MW", "Flow of watch_line, positive from the bus named first", None)
    watched_loading_pct: float | None = quantity("%", "Flow of watch_line as a share of its limit, if it has one", None)
    watched_output_mw: float | None = quantity("MW", "Output of watch_generator", None)
    max_line_loading_pct: float = quantity("%", "Loading of the most loaded line")
    max_loaded_line: str = quantity("", "The most loaded line, or all that are at their limit")
    generation: list[UnitOutput] = quantity("", "Generators, largest output first, at most 12")
    certified_gap_pct: float = quantity("%", "The true optimum is at most this much below the cost", ge=0)
    kkt_residual: float = quantity("1", "Largest violation of the optimality conditions, relative", ge=0)
    data: GridData = quantity("", "What the answer stands on")
    neural: NeuralReport | None = quantity("", "What the trained nets did, if method is neural", None)
    notes: list[str] = quantity("", "What to know about the data behind this answer")
    dispatch_table: Artifact = quantity("", "Every generator: output, limits, cost, price (CSV)")
    line_table: Artifact = quantity("", "Every line: flow, limit, loading, shadow price (CSV)")
    bus_table: Artifact = quantity("", "Every bus: load, price (CSV)")
    plots: list[Artifact] = quantity("", "Pictures, if asked for")


class SolveDcOpf(Tool[DcOpfInput, DcOpfOutput]):
    """Finds the cheapest dispatch of a transmission grid (DC optimal power flow) for a load level, outages and renewables,
    with prices and the lines at their limit, and proves that it is optimal."""

    name = "solve_dc_opf"
    source = "K. Khanal, Refining GNN predictions using flow matching for optimal power flow, arXiv 2512.11127 (2025)"
    paper = 2
    examples = (
        {"grid": "case30", "load_scale": 1.15},
        {"grid": "case30", "load_scale": 1.15, "outages": ["27-28"], "watch_line": "8-28"},
        {"grid": "case118", "renewables": [{"bus": 59, "p_mw": 150}], "watch_bus": 59},
    )
    worked = WORKED
    keywords = (
        *("optimal power flow", "opf", "economic dispatch", "cheapest dispatch", "electricity", "transmission", "grid"),
        *("ieee", "case", "bus", "matpower", "pandapower", "pegase", "line limit", "congestion", "binding", "outage"),
        *(
            "n-1",
            "locational marginal price",
            "lmp",
            "nodal price",
            "generator",
            "load",
            "wind",
            "solar",
            "renewable",
            "MW",
        ),
    )
    asks = {  # noqa: RUF012
        "watch_bus": ("watched_price",),
        "watch_line": ("watched_flow_mw", "watched_loading_pct"),
        "watch_generator": ("watched_output_mw",),
    }
    certificate = {"certified_gap_pct": 1e-4, "kkt_residual": 1e-6}  # noqa: RUF012
    headline = ("cost", "binding_line_names", "max_line_loading_pct", "price_mean")
    extra = "power"

    def __call__(self, inp: DcOpfInput) -> DcOpfOutput:
        from tools.power.dc_opf.answer import answer

        return answer(inp)
