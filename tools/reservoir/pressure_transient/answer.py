"""One call: from the question in its units to networks and back, with tables, pictures and what to know about the numbers."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from tools.contract import Artifact, BadInput, save_artifact
from tools.reservoir.pressure_transient.case import STRIP_SPAN, Case, Record, make_case, make_record, wanted_unknowns
from tools.reservoir.pressure_transient.forward import Settings, rate, solve, truth_of
from tools.reservoir.pressure_transient.inverse import Found, invert, look
from tools.reservoir.pressure_transient.model import Pressure
from tools.reservoir.pressure_transient.physics import UNKNOWNS, Data
from tools.reservoir.pressure_transient.pictures import draw, draw_fit
from tools.reservoir.pressure_transient.problem import Problem, evenly
from tools.reservoir.pressure_transient.tool import (
    FlowRegimeNotReached,
    PressureTransientInput,
    PressureTransientOutput,
    UnidentifiableParameters,
)

FAR = 6.0  # an endless medium is cut off where the change is exp(-9) of what it is at the well, in sqrt(diffusivity * time)
WRONG_START = 30.0  # how far a starting value may be off
ROUGH = Settings(width=8, steps=30, points=150)  # networks for the first look
NEAR = 10.0  # how far the diffusivity may still be off after it
LONGEST = 1e4  # latest time of a solution by its earliest
ILL = 1e8  # condition number from which unknowns cannot be told apart
FELT = 16.0  # gain of a fit by a fault, in squared sigmas, from which the fault is believed
VAGUE = math.log(1e4)  # width of an interval, in logarithms, from which a number says nothing
SURE = 1.96  # sigmas of a 95 % interval


def answer(inp: PressureTransientInput) -> PressureTransientOutput:
    """Answer one question. Raises subclasses of `BadInput` and `NoAnswer`."""
    if inp.record:  # a file that may not be read is refused whatever is asked
        make_record(inp, rw=0.0)
    return _interpret(inp) if inp.mode == "inverse" else _predict(inp)


def _predict(inp: PressureTransientInput) -> PressureTransientOutput:
    case = make_case(inp)
    if inp.time is None:
        raise BadInput("time is missing", hint="say when the pressure is asked for")
    tested = inp.unknowns or inp.observations
    if tested:
        raise BadInput("a record or unknowns are given in mode forward", hint="choose mode inverse")
    x, image = _places(inp, case)
    time = case.dimensionless_time(np.array([inp.time]))[0]
    problem, zone = forward_problem(inp, case, time)
    if x > problem.cuts[-1] and inp.geometry in {"linear", "radial_bounded"}:
        raise BadInput(f"radius {inp.radius:g} lies beyond re {inp.re:g}", hint="give a radius inside")
    solved = solve(problem, settings_of(inp))
    model = solved.model
    first = problem.ramp * 30
    at = np.geomspace(first, problem.latest, 61)
    places = np.linspace(0, problem.cuts[-1], 41)
    truth = truth_of(problem, inp.geometry, places, at, zone)
    dense = np.geomspace(first, problem.latest, 401)
    slope = np.interp(
        np.log(at),
        np.log(dense),
        np.gradient(truth_of(problem, inp.geometry, np.zeros(1), dense, zone)[0], np.log(dense)),
    )
    quality = rate(model, truth, places, at, slope)
    now = torch.tensor([time])
    change = sum(float(_value(model, place, now)[0][0]) for place in (x, *image)) * case.scale
    known = sum(
        float(truth_of(problem, inp.geometry, np.array([place]), np.array([time]), zone)[0, 0])
        for place in (x, *image)
        if place <= problem.cuts[-1]
    )
    unit = "m" if inp.units == "metric" else "psi"
    both = [_value(model, place, torch.from_numpy(at)) for place in (x, *image)]
    curve = [np.sum([one[k].numpy() for one in both], axis=0) for k in (0, 1)]
    when = at / time * inp.time
    field = np.array([model.at(float(place), torch.from_numpy(at))[0].numpy() for place in places])
    radii = (np.exp(places) - (1 if inp.geometry == "linear" else 0)) * case.rw
    other = f"An independent solution ({_other(inp, zone)})"
    notes = [f"{other}, which takes a fraction of a second, gives {known * case.scale:.6g} {unit}."]
    if inp.rw is None and inp.geometry != "linear":
        notes.append(f"The well radius is taken as {case.rw:g}.")
    if image and x > 0:
        notes.append("The place asked for is taken to be as far from the well's image as the well itself.")
    return PressureTransientOutput(
        change_psi=None if unit == "m" else change,
        drawdown=change if unit == "m" else None,
        rel_l2_pct=100 * quality.rel_l2,
        well_error_pct=100 * quality.well_error,
        mass_balance_pct=None if quality.balance is None else 100 * quality.balance,
        residual=solved.loss[-1] ** 0.5,
        seconds=solved.seconds,
        score=-math.log10(max(quality.rel_l2, 1e-12)),
        parameters=sum(p.numel() for p in model.parameters()),
        notes=notes,
        curve=_table(
            "curve.csv",
            [f"time [{inp.time_unit}]", f"change [{unit}]", f"Bourdet derivative [{unit}]"],
            zip(when, case.scale * curve[0], case.scale * curve[1], strict=True),
        ),
        field=_table(
            "field.csv",
            [f"time [{inp.time_unit}]", "radius", f"change [{unit}]"],
            ((h, r, case.scale * field[i, j]) for j, h in enumerate(when) for i, r in enumerate(radii)),
        ),
        plots=draw(
            model,
            case.scale,
            unit,
            inp.time_unit,
            when,
            curve,
            solved.loss,
            truth=truth[0] if not image and x == 0 else None,
        )
        if inp.plots
        else [],
    )


def settings_of(inp: PressureTransientInput) -> Settings:
    """Sizes and training as the input says."""
    return Settings(inp.layers, inp.width, inp.optimizer, inp.steps, seed=inp.seed)


def forward_problem(inp: PressureTransientInput, case: Case, time: float) -> tuple[Problem, tuple[float, float] | None]:
    """The dimensionless problem of a prediction up to a dimensionless time, and its zone: radius and mobility.

    The latest time is rounded up to the next half decade, so that questions about the same medium share their networks.
    """
    latest = 10 ** (math.ceil(2 * math.log10(time) - 1e-9) / 2)
    first = latest / LONGEST
    if inp.geometry == "linear":
        cuts = evenly(math.log(1 + _given(inp.re) / case.rw), inp.subdomains)
        return Problem(cuts, latest, latest / STRIP_SPAN / 30, inner="pressure", drift=1), None
    bounded = inp.geometry == "radial_bounded"
    edge = math.log(_given(inp.re) / case.rw if bounded else FAR * math.sqrt(latest) + 1)
    if bounded and edge <= 0:
        raise BadInput(f"re {inp.re:g} is not outside the well of {case.rw:g}", hint="give a larger re")
    if inp.skin_radius is None or inp.skin_ratio == 1:
        return Problem(evenly(edge, inp.subdomains), latest, first / 30), None
    cuts = zone_cuts(inp, case, edge)
    mobility = (inp.skin_ratio, *[1.0] * (inp.subdomains - 1))
    return Problem(cuts, latest, first / 30, mobility=mobility), (_given(inp.skin_radius) / case.rw, inp.skin_ratio)


def zone_cuts(inp: PressureTransientInput, case: Case, edge: float) -> tuple[float, ...]:
    """Subdomains, the first of which is the damaged zone."""
    border = math.log(_given(inp.skin_radius) / case.rw)
    if not 0 < border < edge:
        raise BadInput(f"skin_radius {inp.skin_radius:g} lies not between the well and the edge", hint="give another")
    if inp.subdomains < 2:
        raise BadInput("a damaged zone needs subdomains of at least 2", hint="give subdomains 3")
    rest = evenly(edge - border, inp.subdomains - 1)
    return (0.0, *(border + cut for cut in rest))


def _given(value: float | None) -> float:
    assert value is not None  # make_case and wanted_unknowns have seen to it
    return value


def _places(inp: PressureTransientInput, case: Case) -> tuple[float, list[float]]:
    """Where in x the change is asked for, and where the well's image stands seen from there."""
    if inp.geometry == "linear":
        return math.log(1 + (inp.radius or 0.0) / case.rw), []
    x = math.log(max(inp.radius or case.rw, case.rw) / case.rw)
    if inp.geometry != "sealing_fault":
        return x, []
    away = 2 * _given(inp.distance)
    if away <= 2 * case.rw:
        raise BadInput(f"the fault at {inp.distance:g} is inside the well", hint="give a larger distance")
    return x, [math.log(away / case.rw)]


def _value(model: Pressure, x: float, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As `Pressure.at`; nothing beyond the place up to which an endless medium is computed."""
    return model.at(x, t) if x <= model.problem.cuts[-1] else (torch.zeros_like(t), torch.zeros_like(t))


def _other(inp: PressureTransientInput, zone: tuple[float, float] | None) -> str:
    if inp.geometry == "linear":
        return "Fourier series"
    return "finite volumes in ln r" if zone else "Laplace transform, inverted numerically"


def _interpret(inp: PressureTransientInput) -> PressureTransientOutput:
    names = wanted_unknowns(inp)
    inp = _with_start(inp, names)
    free = tuple(UNKNOWNS.index(name) for name in names)
    settings = settings_of(inp)
    if inp.optimizer != "gauss_newton":
        raise BadInput(f"optimizer {inp.optimizer} cannot invert", hint="choose gauss_newton, or leave optimizer out")
    case = make_case(inp)
    record = make_record(inp, case.rw)
    wide = WRONG_START ** sum(name in names for name in ("k", "S"))
    roughly = look(*inverse_problem(inp, case, record, wide, free), ROUGH, "a first look")
    inp = _moved(inp, case, roughly, names)
    case = make_case(inp)
    problem, data, start, _ = inverse_problem(inp, case, record, NEAR, free)
    found = invert(problem, data, start, free, settings, "the record")
    rmse = float(np.sqrt(np.mean(found.misfit**2))) * case.scale
    freedom = max(len(record.value) - len(names), 1)
    scatter = rmse * math.sqrt(len(record.value) / freedom)
    sigma = max(inp.noise_sigma or 0.0, scatter)  # a misfit beyond the noise is an error too
    spread = SURE * np.sqrt(np.maximum(np.diag(found.covariance), 0)) * sigma / (data.sigma * case.scale)
    spread += np.abs(_shift(inp, case, record, found, names, data.sigma))
    _refuse_the_unknowable(inp, found, names, spread, sigma, case, data)
    low, high = (dict(zip(names, found.theta[list(free)] + sign * spread, strict=True)) for sign in (-1, 1))
    back = _in_units(inp, case)
    best = {name: back[name](found.theta[UNKNOWNS.index(name)]) for name in names}
    ends = {name: (back[name](low[name]), back[name](high[name])) for name in names}
    metric = inp.units == "metric"
    wide = (ends["k"][1] - ends["k"][0]) / best["k"] if "k" in names else float(2 * spread.mean())
    unit = "m" if metric else "psi"
    order = np.lexsort((record.time, record.radius))
    computed = record.value + found.misfit * case.scale
    return PressureTransientOutput(
        permeability=None if metric else best.get("k"),
        transmissivity=best.get("k") if metric else None,
        storativity=best.get("S"),
        k_low=ends["k"][0] if "k" in ends else None,
        k_high=ends["k"][1] if "k" in ends else None,
        skin_ratio=best.get("skin_zone"),
        distance=best.get("distance"),
        rmse_obs=rmse,
        intervals=ends,
        condition=found.condition,
        residual=found.residual,
        seconds=found.seconds,
        score=-(rmse / sigma + math.log10(max(wide, 1e-12))),
        parameters=sum(p.numel() for p in found.model.parameters()),
        notes=[f"Intervals are for a noise of {sigma:.3g} {unit}{', from the misfit' if sigma == scatter else ''}."],
        curve=_table(
            "fit.csv",
            [f"time [{inp.time_unit}]", "radius", f"observed [{unit}]", f"computed [{unit}]"],
            zip(record.time[order], record.radius[order], record.value[order], computed[order], strict=True),
        ),
        plots=draw_fit(found, record, computed, names, unit, inp.time_unit) if inp.plots else [],
    )


def inverse_problem(
    inp: PressureTransientInput, case: Case, record: Record, margin: float, free: tuple[int, ...]
) -> tuple[Problem, Data, torch.Tensor, tuple[int, ...]]:
    """The dimensionless problem whose reference is the start, the record in it, the four unknowns at the start, and `free`.

    Args:
        margin: Factor by which the diffusivity may be off, to either side.
    """
    t = case.dimensionless_time(record.time)
    latest, first = float(t.max()) * margin, float(t.min()) / margin
    bounded = inp.geometry == "radial_bounded"
    edge = math.log(_given(inp.re) / case.rw if bounded else FAR * math.sqrt(latest) + 1)
    zone = UNKNOWNS.index("skin_zone") in free or (inp.skin_radius is not None and inp.skin_ratio != 1)
    cuts = zone_cuts(inp, case, edge) if zone else evenly(edge, inp.subdomains)
    problem = Problem(cuts, latest, first / 30)
    x = np.log(record.radius / case.rw)
    if x.max() >= edge:
        raise BadInput(f"a row is at radius {record.radius.max():g}, beyond the edge", hint="give a larger re")
    fault = inp.geometry == "sealing_fault"
    sigma = inp.noise_sigma or 0.01 * float(record.value.max())
    if record.value.max() <= 0:
        raise BadInput("no value of the record is above 0", hint="give drops of pressure or level as positive numbers")
    data = Data(
        torch.from_numpy(x),
        torch.from_numpy(t),
        torch.from_numpy(record.value / case.scale),
        sigma / case.scale,
        image=fault,
    )
    start = torch.zeros(len(UNKNOWNS), dtype=torch.float64)
    if zone:
        start[2] = math.log(inp.skin_ratio)
    if fault:
        start[3] = math.log(2 * _given(inp.distance) / case.rw)
    return problem, data, start, free


def _shift(
    inp: PressureTransientInput, case: Case, record: Record, found: Found, names: Sequence[str], sigma: float
) -> Float[ndarray, " q"]:
    """How far the networks' own error along the record, against an independent solution, moves the unknowns, to first order.

    Where the noise is small beside the drop of pressure, this is the larger part of the error.
    """
    best = _moved(inp, case, found, names)
    there = make_case(best)
    zone = None
    if inp.skin_radius is not None:
        zone = inp.skin_radius / case.rw, math.exp(found.theta[UNKNOWNS.index("skin_zone")])
    problem, at, _, _ = inverse_problem(best, there, record, 1.0, ())
    t, x = at.t.numpy(), at.x.numpy()
    when, places = np.unique(t), np.unique(x)
    known = truth_of(problem, inp.geometry, places, when, zone)[np.searchsorted(places, x), np.searchsorted(when, t)]
    if at.image:
        image = np.array([math.log(2 * _given(best.distance) / case.rw)])
        if image[0] <= problem.cuts[-1]:
            known = known + truth_of(problem, inp.geometry, image, when, zone)[0, np.searchsorted(when, t)]
    off = (record.value + found.misfit * case.scale - known * there.scale) / (sigma * case.scale)
    out: Float[ndarray, " q"] = np.linalg.lstsq(found.slopes, off, rcond=None)[0]
    return out


def _moved(inp: PressureTransientInput, case: Case, found: Found, names: Sequence[str]) -> PressureTransientInput:
    """The input with what was found as its start."""
    fields = {"k": "k", "S": "storativity", "distance": "distance"}
    back = _in_units(inp, case)
    new = {fields[n]: back[n](found.theta[UNKNOWNS.index(n)]) for n in names if n in fields}
    return inp.model_copy(update=new)


def _with_start(inp: PressureTransientInput, names: Sequence[str]) -> PressureTransientInput:
    """The input with a value to start from wherever an unknown has none: what a straight line through the late record says."""
    guess: dict[str, Any] = {}
    metric = inp.units == "metric"
    if inp.q is None:
        raise BadInput("q is missing", hint="give the rate of the test")
    if "S" in names and not metric:
        raise BadInput("S is asked for in field units", hint="give phi, ct and h, or use metric units")
    if inp.k is None and "k" in names:
        if not metric and (inp.mu is None or inp.h is None):
            raise BadInput("mu, h missing", hint="field units need phi, mu, ct, h")
        probe = inp.model_copy(update={"k": 1.0, "storativity": 1e-4 if metric else None})
        case = make_case(probe.model_copy(update={"distance": inp.distance or 1.0}))
        record = make_record(inp, case.rw)
        near = record.radius == record.radius.min()
        late = near & (record.time >= np.median(record.time[near]))
        slope, _ = np.polyfit(np.log(record.time[late]), record.value[late], 1)
        guess["k"] = 0.5 * case.scale / max(slope, 1e-3 * record.value.max())
        if metric and inp.storativity is None:
            t, p, r = record.time[late][-1], record.value[late][-1], record.radius[late][-1]
            reach = r**2 / (2.25 * t * case.hours) * math.exp(min(p / max(slope, 1e-9), 40.0))
            guess["storativity"] = float(np.clip(guess["k"] / 24 / reach, 1e-7, 0.5))
    if inp.storativity is None and metric and "storativity" not in guess:
        if "S" not in names:
            raise BadInput("storativity is missing", hint="give it, or ask for S")
        guess["storativity"] = 1e-4
    if "distance" in names and inp.distance is None:
        case = make_case(inp.model_copy(update={**guess, "distance": 1.0}))
        last = make_record(inp, case.rw).time.max()
        guess["distance"] = 0.5 * math.sqrt(case.dimensionless_time(np.array([last]))[0]) * case.rw
    return inp.model_copy(update=guess)


def _in_units(inp: PressureTransientInput, case: Case) -> dict[str, Any]:
    """How the logarithm of each unknown becomes a number of the question."""
    return {
        "k": lambda v: _given(inp.k) * math.exp(v),
        "S": lambda v: _given(inp.storativity) * math.exp(v),
        "skin_zone": math.exp,
        "distance": lambda v: case.rw * math.exp(v) / 2,
    }


def _refuse_the_unknowable(
    inp: PressureTransientInput,
    found: Found,
    names: Sequence[str],
    spread: Float[ndarray, " q"],
    sigma: float,
    case: Case,
    data: Data,
) -> None:
    gain = found.image_gain * (data.sigma * case.scale / sigma) ** 2
    if gain < FELT:
        raise FlowRegimeNotReached(
            f"the record ends before the fault is felt: it lowers the squared misfit by {gain:.2g} sigma^2, not {FELT:g}",
            hint="give a longer record, or ask for k alone with geometry radial_infinite",
        )
    if found.condition > ILL or float(spread.max()) * 2 > VAGUE:
        worst = names[int(np.argmax(spread))]
        raise UnidentifiableParameters(
            f"the record does not tell {' and '.join(names)} apart (condition number {found.condition:.1e}, "
            f"{worst} uncertain by a factor of {math.exp(min(float(spread.max()), 50)):.2g})",
            hint="ask for fewer unknowns, or give a record that covers early and late times, or more radii",
        )


def _table(name: str, header: Sequence[str], rows: Iterable[Sequence[float]]) -> Artifact:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{value:.6g}" for value in row] for row in rows)
    return save_artifact(name, "text/csv", text.getvalue().encode())
