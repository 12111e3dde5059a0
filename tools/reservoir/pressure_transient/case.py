"""From an engineer's case to the dimensionless problem: units, scales, what must be given, and the record.

Field units are those of the well-testing books (mD, ft, cp, psi, STB/d, h), metric ones those of hydrogeology (m, m^2/d, m^3/d).
Dimensionless: pressure change by `scale`, time by rw^2 / diffusivity, radius by rw.
"""

import csv
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from tools.contract import BadInput
from tools.reservoir.pressure_transient.tool import (
    NonMonotoneTime,
    NonPositiveProperty,
    OutsideWorkspace,
    PressureTransientInput,
    TooFewObservations,
    UnidentifiableParameters,
    UnitMismatch,
)

DARCY = 141.2  # psi of one dimensionless unit at 1 STB/d, 1 cp, 1 mD, 1 ft
DIFFUSION = 0.0002637  # ft^2/h of diffusivity of 1 mD, 1 cp, 1/psi
HOURS = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}
FEWEST = 8
STRIP_SPAN = 1e3  # latest time in a strip by its earliest
EARLIEST, LATEST = 1e-3, 1e14  # dimensionless times
_LARGEST = 1_000_000  # bytes of a record


@dataclass(frozen=True)
class Case:
    """A case in the units of its question, with what makes it dimensionless."""

    scale: float  # psi or m of one dimensionless unit of pressure change
    diffusivity: float  # ft^2/h or m^2/h
    rw: float  # of a well; of a strip, the grain of x = ln(1 + r / grain)
    hours: float  # of the question's unit of time

    def dimensionless_time(self, t: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
        """Time by that of diffusion across the well.

        Raises:
            BadInput: If it is so short or long that no well and no rock can be meant.
        """
        out: Float[ndarray, " n"] = t * self.hours * self.diffusivity / self.rw**2
        if not (out.min() > EARLIEST and out.max() < LATEST):
            raise BadInput(
                f"dimensionless times are {out.min():.2g} to {out.max():.2g}, must lie between {EARLIEST:g} and {LATEST:g}",
                hint="check the units of k, time and radii",
            )
        return out


def make_case(inp: PressureTransientInput) -> Case:
    """The case of an input that says all that its geometry and units need.

    Raises:
        UnitMismatch: If a property of the other system of units is given.
        BadInput: If something is missing.
    """
    metric = inp.units == "metric"
    theirs = ("phi", "mu", "ct", "h") if metric else ("storativity",)
    if foreign := [name for name in theirs if getattr(inp, name) is not None]:
        raise UnitMismatch(
            f"{', '.join(foreign)} given, but {inp.units} units have no such property",
            hint="an aquifer in metric units has k (transmissivity) and storativity; "
            "a reservoir in field units has k, phi, mu, ct, h",
        )
    linear = inp.geometry == "linear"
    wanted = [
        "k",
        *(("storativity",) if metric else ("phi", "mu", "ct")),
        *(("step", "re", "time") if linear else ("q",)),
    ]
    if not linear and not metric:
        wanted.append("h")
    if inp.geometry == "radial_bounded":
        wanted.append("re")
    if inp.geometry == "sealing_fault":
        wanted.append("distance")
    if missing := [name for name in wanted if getattr(inp, name) is None]:
        raise BadInput(
            f"{', '.join(missing)} missing: {inp.geometry} in {inp.units} units needs {', '.join(wanted)}",
            hint=f"give {', '.join(missing)}",
        )
    k, hours = _known(inp.k), HOURS[inp.time_unit]
    if metric:
        diffusivity = k / _known(inp.storativity) / 24
        scale = _known(inp.step) if linear else _known(inp.q) / (2 * math.pi * k)
    else:
        diffusivity = DIFFUSION * k / (_known(inp.phi) * _known(inp.mu) * _known(inp.ct))
        scale = _known(inp.step) if linear else DARCY * _known(inp.q) * inp.B * _known(inp.mu) / (k * _known(inp.h))
    rw = inp.rw or (0.1 if metric else 0.3)
    if linear:  # as far as the change has come when it is first looked at
        rw = min(math.sqrt(diffusivity * hours * _known(inp.time) / STRIP_SPAN), _known(inp.re) / 3)
    return Case(scale, diffusivity, rw, hours)


def _known(value: float | None) -> float:
    assert value is not None  # make_case has seen to it
    return value


@dataclass(frozen=True)
class Record:
    """Observed changes in the units of the question."""

    time: Float[ndarray, " n"]
    value: Float[ndarray, " n"]
    radius: Float[ndarray, " n"]


def make_record(inp: PressureTransientInput, rw: float) -> Record:
    """The record, from the input or from its file, with the well's radius where none is given.

    Raises:
        TooFewObservations, NonMonotoneTime, NonPositiveProperty, OutsideWorkspace, BadInput
    """
    rows = _read(inp.record) if inp.record else [list(row) for row in inp.observations]
    if len(rows) < FEWEST:
        raise TooFewObservations(
            f"the record has {len(rows)} rows, must have at least {FEWEST}",
            hint="give more rows of time, value, radius" if rows else "give observations, or the file of a record",
        )
    table = np.array([(row[0], row[1], row[2] if len(row) > 2 else rw) for row in rows], dtype=float)
    for k, (time, _, radius) in enumerate(table):
        if time <= 0 or radius <= 0:
            name, value = ("time", time) if time <= 0 else ("radius", radius)
            raise NonPositiveProperty(
                f"row {k + 1} has {name} {value:g}, must be more than 0", hint="leave that row out"
            )
        if radius < rw:
            raise BadInput(
                f"row {k + 1} is at radius {radius:g}, inside the well of {rw:g}", hint="give rw or the radius"
            )
    for radius in np.unique(table[:, 2]):
        times = table[table[:, 2] == radius, 0]
        if (late := np.flatnonzero(np.diff(times) <= 0)).size:
            k = int(late[0])
            raise NonMonotoneTime(
                f"at radius {radius:g} time {times[k + 1]:g} follows {times[k]:g}, times must ascend",
                hint="sort the rows of each radius by time and leave out repeated ones",
            )
    return Record(*table.T)


def _read(said: str) -> list[list[float]]:
    workspace = Path(os.environ.get("BACKPROSE_WORKSPACE") or Path.cwd()).resolve()
    if len(said) > 1000 or "\0" in said:
        raise BadInput("record is no file name", hint="give the name of a CSV file in the workspace folder")
    path = (workspace / said).resolve()
    if not path.is_relative_to(workspace):
        raise OutsideWorkspace(f"{said} is outside the workspace folder", hint="copy the file into the workspace")
    if not path.is_file():
        raise BadInput(f"there is no file {said} in the workspace folder", hint="give its path from there")
    if path.stat().st_size > _LARGEST:
        raise BadInput(f"{said} is larger than {_LARGEST // 10**6} MB", hint="thin the record out")
    rows: list[list[float]] = []
    with path.open(newline="", errors="replace") as file:
        for k, row in enumerate(csv.reader(file)):
            try:
                rows.append([float(cell) for cell in row if cell.strip()])
            except ValueError:
                if k:
                    raise BadInput(
                        f"line {k + 1} of {said} is {row}, must be numbers", hint="time,value,radius"
                    ) from None
    rows = [row for row in rows if row]
    if wrong := [k for k, row in enumerate(rows) if len(row) not in (2, 3) or not all(map(math.isfinite, row))]:
        raise BadInput(f"row {wrong[0] + 1} of {said} is {rows[wrong[0]]}, must be time,value or time,value,radius")
    return rows


def wanted_unknowns(inp: PressureTransientInput) -> tuple[str, ...]:
    """What an inversion looks for, in the solver's order.

    Raises:
        UnidentifiableParameters, BadInput
    """
    asked = set(inp.unknowns) or ({"k", "S"} if inp.units == "metric" else {"k"})
    if "h" in asked:
        raise UnidentifiableParameters(
            "thickness h cannot be told from the pressure: it enters as k h and as phi ct h only",
            hint="give h, and ask for k; or ask for k in metric units, which is k h",
        )
    if "distance" in asked and inp.geometry != "sealing_fault":
        raise BadInput(f"distance is asked for, but {inp.geometry} has no fault", hint="choose geometry sealing_fault")
    if "skin_zone" in asked and inp.skin_radius is None:
        raise BadInput("skin_zone is asked for without its radius", hint="give skin_radius")
    if inp.geometry == "linear":
        raise BadInput("a strip cannot be inverted", hint="choose another geometry, or mode forward")
    from tools.reservoir.pressure_transient.physics import UNKNOWNS

    return tuple(name for name in UNKNOWNS if name in asked)
