"""A grid of the user's own: a MATPOWER or pandapower file in the workspace folder, and nowhere else.

The workspace is the folder that the environment variable BACKPROSE_WORKSPACE names, or else the current one.
"""

import os
from pathlib import Path

import numpy as np

from tools.contract import BadInput
from tools.power.dc_opf.grid import Grid, grid_from_tables
from tools.power.dc_opf.matpower import read_matpower
from tools.power.dc_opf.names import UnknownGrid
from tools.power.dc_opf.shipped import quiet, tables_of

_LARGEST = 100_000_000  # bytes


class OutsideWorkspace(BadInput):
    """The file is not in the folder from which grids may be read."""


def grid_from_file(said: str) -> Grid:
    """The grid in this file, given relative to the workspace or as an absolute path inside it.

    Raises:
        OutsideWorkspace: If the file, links followed, lies elsewhere.
        UnknownGrid: If there is no such file.
        BadInput, NonConvexCost: If it cannot be read as a grid.
    """
    workspace = Path(os.environ.get("BACKPROSE_WORKSPACE") or Path.cwd()).resolve()
    path = (workspace / said).resolve()
    if not path.is_relative_to(workspace):
        raise OutsideWorkspace(
            f"{said} is outside the workspace folder",
            hint="copy the file into the workspace, or start in its folder; BACKPROSE_WORKSPACE names another",
        )
    if not path.is_file():
        raise UnknownGrid(f"there is no file {said} in the workspace folder", hint="give its path from there")
    if path.stat().st_size > _LARGEST:
        raise BadInput(f"{said} is larger than {_LARGEST // 10**6} MB", hint="give a smaller case")
    return _from_matpower(path) if path.suffix.lower() == ".m" else _from_pandapower(path)


def _from_matpower(path: Path) -> Grid:
    case = read_matpower(path.read_text(errors="replace"))
    if "dcline" in case and np.any(case["dcline"][:, 2] > 0):
        raise BadInput(f"{path.name} has DC lines, which are not modelled", hint="put their flow into the loads")
    return grid_from_tables(path.stem, case, np.arange(1, len(case["branch"]) + 1))


def _from_pandapower(path: Path) -> Grid:
    """Buses carry the net's own index; lines come in the order of pandapower's converter, lines before transformers."""
    import pandapower

    with quiet():
        try:
            net = pandapower.from_json(str(path))
            if len(net.dcline) and net.dcline.in_service.any():
                raise BadInput(
                    f"{path.name} has DC lines, which are not modelled", hint="put their flow into the loads"
                )
            if not len(net.poly_cost) + len(net.pwl_cost):
                raise BadInput(f"{path.name} has no costs", hint="add them with pandapower.create_poly_cost")
            case = tables_of(net, [int(index) for index in net.bus.index])
        except (AttributeError, KeyError, TypeError, ValueError, UserWarning) as error:
            raise BadInput(f"{path.name} cannot be read as a pandapower net: {error}") from None
    return grid_from_tables(path.stem, case, np.arange(1, len(case["branch"]) + 1))
