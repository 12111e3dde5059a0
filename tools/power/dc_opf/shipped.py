"""The grids that come with pandapower, in published numbering and with what their data lack made good, kept in a cache.

Source: pandapower's `networks` (BSD-3), which follow the MATPOWER cases of the same names.
Differs from it: pandapower numbers buses anew and lists lines before transformers; here buses, rows and directions are the
published ones again. `transformer_rows.json` has the published row of each transformer in pandapower's order, negative
where pandapower turned the transformer round; all other rows are lines, in order.
"""

import hashlib
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.power.dc_opf.grid import Grid, grid_from_tables

_HERE = Path(__file__).parent
_SEED = 0


@dataclass(frozen=True)
class _Case:
    """What is special about a shipped case."""

    first_bus: int | None = None  # published number of the bus that pandapower calls 0; None where it kept the numbers
    invents_ratings: bool = False  # pandapower gave transformers without a rating 100 MVA
    rating_share: float = 1.0  # of the published 9900 MVA, so that lines may bind
    same_costs: bool = False  # all generators cost the same, so that any dispatch is optimal
    note: str = ""  # what may surprise whoever expects another grid of this size


_CASES = {
    "case5": _Case(first_bus=1),
    "case6ww": _Case(),
    "case9": _Case(),
    "case14": _Case(),
    "case24_ieee_rts": _Case(),
    "case30": _Case(note="this is MATPOWER's case30 with line limits; case_ieee30 has other data and no limits"),
    "case_ieee30": _Case(first_bus=1, invents_ratings=True, note="case30 is the 30-bus grid with line limits"),
    "case39": _Case(),
    "case57": _Case(),
    "case89pegase": _Case(first_bus=1, invents_ratings=True, same_costs=True),
    "case118": _Case(rating_share=0.02),
    "case_illinois200": _Case(first_bus=1, note="an earlier edition of ACTIVSg200, with more load"),
    "case300": _Case(rating_share=0.1),
    "case1354pegase": _Case(first_bus=1, invents_ratings=True, same_costs=True),
    "case2869pegase": _Case(first_bus=1, invents_ratings=True, same_costs=True),
    "case3120sp": _Case(first_bus=1),
}


def shipped_grid(name: str) -> Grid:
    """The grid of this name, from the cache where an earlier call left it."""
    file = _cache_file(name)
    with suppress(OSError, ValueError, KeyError):
        return _load(file)
    grid = _build(name)
    with suppress(OSError):  # a cache that cannot be written costs time, not the answer
        _save(grid, file)
    return grid


def _build(name: str) -> Grid:
    import pandapower.networks

    special = _CASES[name]
    notes = [special.note] if special.note else []
    with quiet():
        net = getattr(pandapower.networks, name)()
        case = tables_of(net, [int(number) + (special.first_bus or 0) for number in net.bus.name])
    rows = _to_published_order(name, case["branch"])
    rating = case["branch"][:, 5]
    if special.invents_ratings:
        transformer = np.arange(len(rating)) >= len(net.line)
        rating[transformer & (np.abs(rating - 100) < 0.01)] = 0
        notes.append("transformers that are rated exactly 100 MVA have no published rating and count as unlimited")
    if special.rating_share < 1:
        limit = 9900 * special.rating_share
        rating[:] = limit
        notes.append(f"the data rate every line 9900 MVA, which never binds; here every line has {limit:g} MW instead")
    if special.same_costs:
        case["gencost"] = _drawn_costs(case["gen"][:, 8])
        notes.append(f"all published costs are equal, so costs were drawn at random (seed {_SEED}): 10 to 40 $/MWh")
    return grid_from_tables(name, case, rows, tuple(notes))


def _to_published_order(name: str, branch: Float[ndarray, "m c"]) -> Int[ndarray, " m"]:
    """The published row of each branch; turns transformers back to their published direction."""
    transformers = json.loads((_HERE / "transformer_rows.json").read_text()).get(name)
    every = np.arange(1, len(branch) + 1)
    if transformers is None:
        return every
    signed = np.concatenate([np.setdiff1d(every, np.abs(transformers)), transformers])
    turned = signed < 0
    branch[turned, :2] = branch[turned, 1::-1]
    branch[turned, 9] *= -1
    return np.asarray(np.abs(signed))


def _drawn_costs(largest: Float[ndarray, " u"]) -> Float[ndarray, "u 7"]:
    """Cost rows with c1 ~ U(10, 40) $/MWh and c2 = U(0.5, 1.5) * 5 / largest output, as papers/02 proposes."""
    random = np.random.default_rng(_SEED)
    linear = random.uniform(10, 40, len(largest))
    square = random.uniform(0.5, 1.5, len(largest)) * 5 / np.maximum(largest, 10)
    rows = np.zeros((len(largest), 7))
    rows[:, 0], rows[:, 3], rows[:, 4], rows[:, 5] = 2, 3, square, linear
    return rows


def tables_of(net: Any, numbers: list[int]) -> dict[str, Any]:
    """MATPOWER tables of a pandapower net whose buses have these published numbers, generators in the order of buses."""
    from pandapower.converter.pypower import to_ppc

    case = to_ppc(net, init="flat", trafo_model="pi")
    number = _numbers_after_fusing(net, numbers, len(case["bus"]))
    tables = {name: np.asarray(case[name], dtype=float).copy() for name in ("bus", "branch", "gen", "gencost")}
    order = np.argsort(tables["gen"][:, 0], kind="stable")
    tables["gen"], tables["gencost"] = tables["gen"][order], tables["gencost"][order]
    tables["gen"][:, [8, 9]] = tables["gen"][:, [8, 9]].round(8) + 0.0  # pandapower widens limits by 1e-10
    tables["branch"][:, 5] = tables["branch"][:, 5].round(4)  # and keeps ratings as currents
    for name, columns in (("bus", [0]), ("branch", [0, 1]), ("gen", [0])):
        tables[name][:, columns] = number[tables[name][:, columns].astype(int)]
    return {**tables, "baseMVA": float(case["baseMVA"])}


def _numbers_after_fusing(net: Any, numbers: list[int], buses: int) -> Int[ndarray, " n"]:
    """The number of each converted bus: that of the first bus fused into it, or a new one where the conversion made it."""
    lookup = net["_pd2ppc_lookups"]["bus"]
    number = np.full(buses, -1)
    for index, said in reversed(list(zip(net.bus.index, numbers, strict=True))):
        if 0 <= lookup[index] < buses:
            number[lookup[index]] = said
    made = number < 0
    number[made] = max(numbers) + 1 + np.arange(made.sum())
    return number


@contextmanager
def quiet() -> Iterator[None]:
    """Without pandapower's remarks about voltages, which a DC model has none of."""
    logger = logging.getLogger("pandapower")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _cache_file(name: str) -> Path:
    """Named by all that determines the content: the case, pandapower's version, and the modules that read it."""
    import platformdirs

    folder = Path(os.environ.get("BACKPROSE_CACHE") or platformdirs.user_cache_dir("backprose"))
    parts = ("shipped.py", "grid.py", "names.py", "transformer_rows.json")
    made_by = hashlib.sha256(b"".join((_HERE / part).read_bytes() for part in parts))
    with suppress(ModuleNotFoundError):
        made_by.update(version("pandapower").encode())
    return folder / "grids" / f"{name}-{made_by.hexdigest()[:16]}.npz"


def _save(grid: Grid, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".npz", delete=False) as part:
        arrays: dict[str, Any] = {f.name: np.array(getattr(grid, f.name)) for f in fields(grid)}
        np.savez(part, **arrays)
    os.replace(part.name, file)


def _load(file: Path) -> Grid:
    with np.load(file, allow_pickle=False) as stored:
        values: dict[str, Any] = {f.name: stored[f.name] for f in fields(Grid)}
    for name in ("lines", "generators", "notes"):
        values[name] = tuple(values[name].tolist())
    values["name"], values["reference"] = str(values["name"]), int(values["reference"])
    return Grid(**values)
