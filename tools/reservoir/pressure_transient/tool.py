"""What `analyze_pressure_transient` takes and gives."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, model_validator

from tools.contract import Artifact, BadInput, Frozen, NoAnswer, Tool, quantity
from tools.reservoir.pressure_transient.worked import WORKED


class UnitMismatch(BadInput):
    """A property was given that the chosen units do not have, or one is missing that they need."""


class NonMonotoneTime(BadInput):
    """The times of one gauge or piezometer do not ascend."""


class TooFewObservations(BadInput):
    """A record has fewer than eight rows."""


class NonPositiveProperty(BadInput):
    """A time or radius of the record is zero or negative."""


class OutsideWorkspace(BadInput):
    """The record's file is not in the folder from which files may be read."""


class UnidentifiableParameters(NoAnswer):
    """The record does not tell the unknowns apart."""


class FlowRegimeNotReached(NoAnswer):
    """A boundary is asked for, but the record ends before it is felt."""


class DivergedTraining(NoAnswer):
    """The networks did not learn the equation."""


# What may be left out is shown as a plain number without a default, so that a model leaves it out rather than writes null.
Given = Annotated[float | None, WithJsonSchema({"type": "number"})]
Text = Annotated[str | None, WithJsonSchema({"type": "string"})]
Row = Annotated[
    list[float], WithJsonSchema({"type": "array", "items": {"type": "number"}}), Field(min_length=2, max_length=3)
]


def optional(unit: str, meaning: str, *named_by: str, **limits: Any) -> Any:
    """A quantity that is None unless it is given."""
    return quantity(unit, meaning, default_factory=lambda: None, named_by=named_by, **limits)


def setting(meaning: str, default: Any, *named_by: str, **limits: Any) -> Any:
    """How the networks are built or trained."""
    return quantity("" if isinstance(default, str | bool) else "1", meaning, default, named_by=named_by, **limits)


_SHAPES = {"linear": ("linear", "strip", "core"), "radial_bounded": ("circ", "bounded"), "sealing_fault": ("fault",)}
_SYSTEMS = {
    "field": ("oil", "psi", "stb", "md", "ft"),
    "metric": ("aquifer", "piezo", "water", "drawdown", "m3", "m2"),
}
_BOUND = ("circ", "bounded", "outer", "strip", "length")


class PressureTransientInput(Frozen):
    mode: Literal["forward", "inverse"] = quantity("", "inverse interprets a record", "forward")
    geometry: Literal["linear", "radial_bounded", "radial_infinite", "sealing_fault"] = quantity(
        "", "Strip, sealed circle, endless, one fault", "radial_infinite", named_by=_SHAPES
    )
    units: Literal["field", "metric"] = quantity("", "field: oil well; metric: aquifer", "field", named_by=_SYSTEMS)
    k: Given = optional("mD or m^2/d", "Permeability; aquifer: transmissivity", gt=0)
    storativity: Given = optional("1", "Storativity S", "storativ", "storage", "s ", "s=", gt=0, le=1)
    phi: Given = optional("1", "Porosity, a fraction", "poros", "phi", ge=0.01, le=0.6)
    mu: Given = optional("cp", "Viscosity", "viscos", "cp", "mu ", "mu=", ge=0.1, le=100)
    ct: Given = optional("1/psi", "Compressibility", "compress", "ct ", "ct=", ge=1e-7, le=1e-3)
    h: Given = optional("ft", "Thickness", "thick", "layer", "pay", "h ", "h=", gt=0)
    B: float = setting("Formation volume factor", 1.0, "formation volume", "b ", "b=", ge=0.5, le=5)
    q: Given = optional("STB/d or m^3/d", "Rate", gt=0)
    rw: Given = optional("ft or m", "Well radius; else 0.3 ft, 0.1 m", "radius", "rw", gt=0)
    re: Given = optional("ft or m", "Outer radius, strip length", *_BOUND, gt=0)
    distance: Given = optional("ft or m", "Distance to the fault", "fault", gt=0)
    skin_radius: Given = optional("ft or m", "Damaged zone: radius", "skin", "damage", gt=0)
    skin_ratio: float = setting("Its permeability by k", 1.0, "skin", "damage", ge=0.02, le=50)
    step: Given = optional("psi or m", "Held at the strip's face", "held", "step", "face", gt=0)
    radius: Given = optional("ft or m", "Where, from the well", ge=0)
    time: Given = optional("time_unit", "When", gt=0)
    time_unit: Literal["s", "min", "h", "d"] = quantity("", "Of all times", "h")
    observations: list[Row] = quantity("as above", "Record: time, value, radius of each row", [], max_length=2000)
    record: Text = optional("", "Or a CSV file of it", "csv", "file")
    unknowns: list[Literal["k", "S", "h", "skin_zone", "distance"]] = quantity("", "To find", [], max_length=5)
    noise_sigma: Given = optional("psi or m", "Noise; else estimated", "noise", "sigma", "error", gt=0)
    subdomains: int = setting("Networks", 3, "subdomain", ge=1, le=6)
    layers: int = setting("Layers", 2, "layers", ge=2, le=8)
    width: int = setting("Width", 12, "width", ge=8, le=128)
    optimizer: Literal["gauss_newton", "adam", "lbfgs"] = setting(
        "Optimizer", "gauss_newton", "gauss", "adam", "lbfgs", "optimi"
    )
    steps: int = setting("Its steps", 90, "steps", ge=1, le=50_000)
    seed: int = setting("Seed", 0, "seed", ge=0)
    plots: bool = setting("Pictures", False, "plot", "draw ", "picture", "chart", "figure", "show me")

    @model_validator(mode="before")
    @classmethod
    def _a_record_is_to_be_interpreted(cls, given: Any) -> Any:
        """Who gives a record and no mode means inverse."""
        recorded = isinstance(given, dict) and (given.get("observations") or given.get("record"))
        return {"mode": "inverse", **given} if recorded else given


class PressureTransientOutput(Frozen):
    change_psi: float | None = quantity("psi", "Drop at radius and time", None)
    drawdown: float | None = quantity("m", "Drawdown there and then", None)
    permeability: float | None = quantity("mD", "Permeability", None)
    transmissivity: float | None = quantity("m^2/d", "Transmissivity", None)
    storativity: float | None = quantity("1", "Storativity", None)
    k_low: float | None = quantity(
        "mD or m^2/d", "Lower end of the 95 % interval of permeability or transmissivity", None
    )
    k_high: float | None = quantity("mD or m^2/d", "Upper end of that interval", None)
    skin_ratio: float | None = quantity("1", "Permeability of the damaged zone relative to the rest, found", None)
    distance: float | None = quantity("ft or m", "Fault distance", None)
    rel_l2_pct: float | None = quantity("%", "Error of the whole field against an independent solution", None)
    well_error_pct: float | None = quantity("%", "Largest error at the well against that solution", None)
    mass_balance_pct: float | None = quantity("%", "Largest gap between fluid released and fluid produced", None)
    residual: float = quantity("1", "Root of the sum of mean squares left of equation, edges and balance", ge=0)
    rmse_obs: float | None = quantity("psi or m", "Root mean square misfit to the record", None)
    intervals: dict[str, tuple[float, float]] = quantity("of the unknown", "95 % interval of every unknown found", {})
    condition: float | None = quantity("1", "Condition number of the unknowns' Hessian", None)
    seconds: float = quantity("s", "Time the networks took to learn")
    score: float = quantity(
        "1", "-log10 of the relative error, or -(misfit in sigmas + log10 of the interval's relative width)"
    )
    parameters: int = quantity("1", "Weights of the networks")
    notes: list[str] = quantity("", "What to know about this answer")
    curve: Artifact = quantity("", "Change and Bourdet derivative over time (CSV)")
    field: Artifact | None = quantity("", "Change over radius and time (CSV)", None)
    plots: list[Artifact] = quantity("", "Pictures, if asked for")


class AnalyzePressureTransient(Tool[PressureTransientInput, PressureTransientOutput]):
    """Simulates or interprets a well test or pumping test with physics-informed networks: pressure drop or drawdown;
    permeability, transmissivity, storativity or fault distance, with uncertainty."""

    name = "analyze_pressure_transient"
    source = "D. Badawi, E. Gildin, PINN for the transient diffusivity equation, arXiv 2309.17345 (2023)"
    paper = 4
    examples = (
        {
            "units": "metric",
            "k": 460,
            "storativity": 2e-4,
            "q": 788,
            "radius": 30,
            "time": 60,
            "time_unit": "min",
            "width": 8,
            "steps": 30,
        },
    )
    worked = WORKED
    changes = ("change_psi", "drawdown")
    keywords = (
        *("well test", "pumping test", "drawdown", "aquifer", "permeability", "transmissivity", "storativity", "theis"),
        *("pressure", "reservoir", "build-up", "diffusivity", "piezometer", "sealing fault", "skin", "bottom-hole"),
        *("flowing", "oil well", "groundwater", "hydrogeologist", "mD", "psi", "STB/d", "porosity", "viscosity"),
    )
    refinable = ("subdomains", "layers", "width", "optimizer", "steps", "seed")
    score = "score"
    headline = (*("change_psi", "drawdown", "permeability", "transmissivity", "storativity", "distance"),)
    certificate = {"residual": 0.05}  # noqa: RUF012
    timings = ("seconds",)
    time_limit = 600.0

    def __call__(self, inp: PressureTransientInput) -> PressureTransientOutput:
        from tools.reservoir.pressure_transient.answer import answer

        return answer(inp)
