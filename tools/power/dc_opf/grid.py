"""A transmission grid as arrays, and how it is made from published tables: here every trap in the data is handled.

Source: MATPOWER 8 user's manual, appendix B (what the columns mean) and section 3 (the DC model of a branch).
Differs from it: a limit of 0 or of 9900 MVA and more counts as none, and a reactance of 0 as a very short line.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from tools.contract import BadInput
from tools.power.dc_opf.names import with_circuits

NO_LIMIT = 9899.0  # MVA; 9900 and more stands for "none" in old cases, less a rounding error
SHORTEST = 1e-5  # p.u., reactance that stands for a published 0
_ROUNDED = 1e-5  # share by which slopes may fall, as they do where published points are rounded

# columns of the published tables
_BUS, _BUS_TYPE, _LOAD, _SHUNT = 0, 1, 2, 4
_FROM, _TO, _REACTANCE, _RATING, _TAP, _SHIFT, _LINE_ON = 0, 1, 3, 5, 8, 9, 10
_GENERATOR_BUS, _GENERATOR_ON, _MAX, _MIN = 0, 7, 8, 9
_MODEL, _TERMS, _FIRST_TERM = 0, 3, 4
_ISOLATED, _REFERENCE, _PIECEWISE, _POLYNOMIAL = 4, 3, 1, 2


class NonConvexCost(BadInput):
    """A generator's cost grows ever more slowly with its output, so that a local optimum may not be the cheapest."""


@dataclass(frozen=True)
class Grid:
    """n buses, m lines (transformers count as lines), u generators, whose cost curves have g >= u convex blocks.

    A generator with a polynomial cost is one block; one with a piecewise linear cost is a block for each piece, and its
    output is the sum of its blocks. Bus and generator indices are positions in these arrays.
    """

    name: str
    reference: int  # bus whose voltage angle is zero
    buses: Int[ndarray, " n"]  # published numbers
    load: Float[ndarray, " n"]  # MW, what `load_scale` scales; negative where a bus feeds in a fixed power
    shunt: Float[ndarray, " n"]  # MW drawn by shunt conductances, which a load level leaves alone
    start: Int[ndarray, " m"]  # bus index
    end: Int[ndarray, " m"]  # bus index
    susceptance: Float[ndarray, " m"]  # MW per radian, 1 / (reactance * tap); negative for a series capacitor
    shift: Float[ndarray, " m"]  # radian, of a phase-shifting transformer
    limit: Float[ndarray, " m"]  # MW, infinite where there is none
    lines: tuple[str, ...]  # names
    rows: Int[ndarray, " m"]  # rows of the published branch table, from 1
    generators: tuple[str, ...]  # names of the u generators
    unit: Int[ndarray, " g"]  # generator that a block belongs to
    at: Int[ndarray, " g"]  # bus index of a block
    low: Float[ndarray, " g"]  # MW
    high: Float[ndarray, " g"]  # MW
    cost: Float[ndarray, "g 3"]  # c2 [$/MW^2h], c1 [$/MWh], c0 [$/h] of c2 p^2 + c1 p + c0
    notes: tuple[str, ...] = field(default=())

    def without(self, lines: Bool[ndarray, " m"], generators: Bool[ndarray, " u"]) -> "Grid":
        """The same grid with these lines and generators out of service."""
        keep, blocks = ~lines, ~generators[self.unit]
        place = np.cumsum(~generators) - 1
        return replace(
            self,
            **{name: getattr(self, name)[keep] for name in ("start", "end", "susceptance", "shift", "limit", "rows")},
            lines=tuple(name for name, kept in zip(self.lines, keep, strict=True) if kept),
            generators=tuple(name for name, gone in zip(self.generators, generators, strict=True) if not gone),
            unit=place[self.unit[blocks]],
            **{name: getattr(self, name)[blocks] for name in ("at", "low", "high", "cost")},
        )

    @property
    def unit_at(self) -> Int[ndarray, " u"]:
        """Bus index of each generator."""
        return self.at[np.searchsorted(self.unit, np.arange(len(self.generators)))]

    def output_of(self, blocks: Float[ndarray, " g"]) -> Float[ndarray, " u"]:
        """What each generator puts out [MW], given its blocks."""
        return np.bincount(self.unit, blocks, minlength=len(self.generators))


def grid_from_tables(name: str, case: dict[str, Any], rows: Int[ndarray, " m"], notes: tuple[str, ...] = ()) -> Grid:
    """A grid from MATPOWER tables with published bus numbers.

    Args:
        name: What the grid is called.
        case: `bus`, `branch`, `gen`, `gencost` in MATPOWER's columns, and `baseMVA`.
        rows: The published row, from 1, of each row of `branch`.
        notes: What is already known to be special about the data.

    Raises:
        BadInput: If the tables name buses that do not exist or have other faults.
        NonConvexCost: If a cost is not convex.
    """
    said = list(notes)
    bus = case["bus"][case["bus"][:, _BUS_TYPE] != _ISOLATED]
    if isolated := len(case["bus"]) - len(bus):
        said.append(f"{isolated} isolated buses are left out")
    _check_ends(case)
    place = {int(number): i for i, number in enumerate(bus[:, _BUS])}
    if len(place) < len(bus):
        raise BadInput("two buses have the same number", hint="each row of the bus table needs its own number")
    branch, rows = _in_service(case["branch"], rows, place, said)
    start, end = _places(branch[:, _FROM], place), _places(branch[:, _TO], place)
    generator, cost_rows = _generators(case, place, said)
    bus_names = [str(int(number)) for number in generator[:, _GENERATOR_BUS]]
    reference = np.flatnonzero(bus[:, _BUS_TYPE] == _REFERENCE)
    if (fed := int(np.sum(bus[:, _LOAD] < 0))) > 0:
        said.append(f"{fed} buses feed in a fixed power (negative load), which load_scale scales like any load")
    return Grid(
        name=name,
        reference=int(reference[0]) if len(reference) else 0,
        buses=bus[:, _BUS].astype(int),
        load=bus[:, _LOAD],
        shunt=bus[:, _SHUNT],
        start=start,
        end=end,
        susceptance=case["baseMVA"] / (_reactance(branch, said) * _tap(branch)),
        shift=np.deg2rad(branch[:, _SHIFT]),
        limit=_limit(branch[:, _RATING], said),
        lines=_line_names(bus[start, _BUS], bus[end, _BUS]),
        rows=rows,
        generators=tuple(with_circuits(bus_names)),
        **_blocks(generator, cost_rows, bus_names, place),
        notes=tuple(said),
    )


def _places(numbers: Float[ndarray, " k"], place: dict[int, int]) -> Int[ndarray, " k"]:
    return np.array([place[int(number)] for number in numbers], dtype=int)


def _check_ends(case: dict[str, Any]) -> None:
    known = set(case["bus"][:, _BUS].astype(int).tolist())
    for table, columns in (("branch", [_FROM, _TO]), ("gen", [_GENERATOR_BUS])):
        if unknown := set(case[table][:, columns].astype(int).ravel().tolist()) - known:
            raise BadInput(f"the {table} table names bus {min(unknown)}, which the bus table lacks")


def _in_service(
    branch: Float[ndarray, "all c"], rows: Int[ndarray, " all"], place: dict[int, int], said: list[str]
) -> tuple[Float[ndarray, "m c"], Int[ndarray, " m"]]:
    """The branches that are on and whose ends are, in published order."""
    linked = np.array([int(a) in place and int(b) in place for a, b in branch[:, [_FROM, _TO]]], dtype=bool)
    on = (branch[:, _LINE_ON] > 0) & linked
    if off := int(np.sum(~on)):
        said.append(f"{off} lines are out of service in the data")
    order = np.argsort(rows[on], kind="stable")
    return branch[on][order], rows[on][order]


def _generators(
    case: dict[str, Any], place: dict[int, int], said: list[str]
) -> tuple[Float[ndarray, "u c"], Float[ndarray, "u k"]]:
    """The generators that are on, and their cost rows, in published order."""
    generator, cost = case["gen"], case["gencost"]
    if len(cost) < len(generator):
        raise BadInput(
            f"{len(generator)} generators have only {len(cost)} costs", hint="the gencost table needs a row for each"
        )
    on = (generator[:, _GENERATOR_ON] > 0) & np.array([int(b) in place for b in generator[:, _GENERATOR_BUS]])
    if off := int(np.sum(~on)):
        said.append(f"{off} generators are out of service in the data, and their costs do not count")
    on_rows = np.flatnonzero(on)
    generator = generator[on_rows]
    if sinks := int(np.sum((generator[:, _MIN] < 0) & (generator[:, _MAX] <= 0))):
        said.append(f"{sinks} generators are dispatchable loads (output at most 0), which load_scale leaves alone")
    if both := int(np.sum((generator[:, _MIN] < 0) & (generator[:, _MAX] > 0))):
        said.append(f"{both} generators may also draw power (least output below 0)")
    if not np.isfinite(generator[:, [_MIN, _MAX]]).all():
        raise BadInput("a generator has no finite limit of output", hint="give Pmin and Pmax in MW for each")
    if crossed := np.flatnonzero(generator[:, _MIN] > generator[:, _MAX]).tolist():
        raise BadInput(f"the generator at bus {int(generator[crossed[0], 0])} has a least output above its largest")
    return generator, cost[on_rows]


def _reactance(branch: Float[ndarray, "m c"], said: list[str]) -> Float[ndarray, " m"]:
    reactance = branch[:, _REACTANCE]
    if zero := int(np.sum(reactance == 0)):
        said.append(f"{zero} {_lines(zero)} no reactance, taken as {SHORTEST} p.u.")
    if negative := int(np.sum(reactance < 0)):
        said.append(f"{negative} {_lines(negative)} a negative reactance (series capacitor), kept as published")
    return np.where(reactance == 0, SHORTEST, reactance)


def _lines(count: int) -> str:
    return "line has" if count == 1 else "lines have"


def _tap(branch: Float[ndarray, "m c"]) -> Float[ndarray, " m"]:
    return np.where(branch[:, _TAP] == 0, 1.0, branch[:, _TAP])


def _limit(rating: Float[ndarray, " m"], said: list[str]) -> Float[ndarray, " m"]:
    limit = np.where((rating <= 0) | (rating >= NO_LIMIT), np.inf, rating)
    if (missing := int(np.sum(np.isinf(limit)))) > 0:
        said.append(f"{missing} of {len(limit)} lines have no limit in the data")
    return limit


def _line_names(start: Float[ndarray, " m"], end: Float[ndarray, " m"]) -> tuple[str, ...]:
    pairs = [(int(a), int(b)) for a, b in zip(start, end, strict=True)]
    same = [f"{min(pair)}-{max(pair)}" for pair in pairs]
    return tuple(with_circuits([f"{a}-{b}" for a, b in pairs], same))


def _blocks(
    generator: Float[ndarray, "u c"], cost_rows: Float[ndarray, "u k"], names: list[str], place: dict[int, int]
) -> dict[str, Any]:
    """The fields of `Grid` that describe cost blocks."""
    blocks = []
    for i, (low, high, row) in enumerate(zip(generator[:, _MIN], generator[:, _MAX], cost_rows, strict=True)):
        make = {_POLYNOMIAL: _polynomial, _PIECEWISE: _pieces}.get(int(row[_MODEL]))
        if make is None:
            raise BadInput(
                f"the generator at bus {names[i]} has a cost of unknown model {row[_MODEL]:g}", hint="1 or 2"
            )
        blocks += [(i, place[int(names[i])], *block) for block in make(low, high, row, names[i])]
    table = np.array(blocks, dtype=float).reshape(-1, 7)
    return {
        "unit": table[:, 0].astype(int),
        "at": table[:, 1].astype(int),
        "low": table[:, 2],
        "high": table[:, 3],
        "cost": table[:, 4:],
    }


Block = tuple[float, float, float, float, float]  # least and largest output [MW], c2, c1, c0


def _polynomial(low: float, high: float, row: Float[ndarray, " k"], bus: str) -> list[Block]:
    terms = row[_FIRST_TERM : _FIRST_TERM + int(row[_TERMS])]
    if np.any(terms[:-3]):
        raise BadInput(f"the cost of the generator at bus {bus} has terms above the square", hint="at most c2 p^2")
    square, linear, fixed = np.concatenate([np.zeros(3), terms])[-3:]
    if square < 0:
        raise NonConvexCost(
            f"the generator at bus {bus} has the cost {square:g} p^2 + {linear:g} p, which is not convex",
            hint="give a quadratic term of at least 0",
            bus=bus,
        )
    return [(low, high, square, linear, fixed)]


def _pieces(low: float, high: float, row: Float[ndarray, " k"], bus: str) -> list[Block]:
    """The first block starts at the least output and carries the cost there; each later one is the next piece alone."""
    points = row[_FIRST_TERM : _FIRST_TERM + 2 * int(row[_TERMS])].reshape(-1, 2)
    if len(points) < 2 or np.any(np.diff(points[:, 0]) <= 0):
        raise BadInput(f"the cost curve of the generator at bus {bus} needs two points or more with growing output")
    slopes = np.diff(points[:, 1]) / np.diff(points[:, 0])
    if np.any(np.diff(slopes) < -_ROUNDED * np.abs(slopes[1:])):
        raise NonConvexCost(
            f"the cost curve of the generator at bus {bus} has slopes that fall: {', '.join(f'{s:g}' for s in slopes)}",
            hint="give points on a convex curve",
            bus=bus,
        )
    inner = [x for x in points[1:-1, 0] if low < x < high]
    edges = [low, *inner, high]
    blocks: list[Block] = []
    for left, right in pairwise(edges):
        piece = min(int(np.searchsorted(points[1:, 0], left, side="right")), len(slopes) - 1)
        slope = float(slopes[piece])
        at_left = float(points[piece, 1] + slope * (left - points[piece, 0]))
        first = not blocks
        blocks.append(
            (left, right, 0.0, slope, at_left - slope * left) if first else (0.0, right - left, 0.0, slope, 0.0)
        )
    return blocks
