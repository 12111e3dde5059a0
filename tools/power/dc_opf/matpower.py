"""Read the tables of a MATPOWER case file (.m) without running it.

Source: MATPOWER 8 user's manual, appendix B (case format, version 2).
Differs from it: a case that computes its tables with statements, as some distribution grids do, is refused.
"""

import re
from typing import Any

from tools.contract import BadInput

_TABLE = re.compile(r"mpc\.(\w+)\s*=\s*\[(.*?)\]\s*;?", re.DOTALL)
_NUMBER = re.compile(r"mpc\.(\w+)\s*=\s*([-+.\deE]+)\s*;")
_STATEMENT = re.compile(r"^\s*mpc\.\w+\s*\(.*?=(?!=)", re.MULTILINE)
_CELL = re.compile(r"mpc\.\w+\s*=\s*\{.*?\}\s*;?", re.DOTALL)


def read_matpower(text: str) -> dict[str, Any]:
    """The tables `bus`, `gen`, `branch`, `gencost`, ... as arrays [rows, columns], and the number `baseMVA`.

    Raises:
        BadInput: If the text is no version-2 case, a table is ragged, or tables are changed by statements.
    """
    import numpy as np

    code = _CELL.sub("", re.sub(r"%.*", "", text))
    if statement := _STATEMENT.search(code):
        raise BadInput(
            f"the case computes its data: {statement.group().strip()} ...",
            hint="run savecase in MATPOWER and give the saved file, which holds only numbers",
        )
    case: dict[str, Any] = {name: float(value) for name, value in _NUMBER.findall(code)}
    for name, body in _TABLE.findall(code):
        rows = [row.replace(",", " ").split() for row in re.split(r"[;\n]", body)]
        rows = [row for row in rows if row]
        if len({len(row) for row in rows}) > 1:
            raise BadInput(f"the rows of mpc.{name} have different lengths", hint="each row needs the same columns")
        try:
            case[name] = np.array(rows, dtype=float)
        except ValueError as error:
            raise BadInput(f"mpc.{name} holds something that is no number: {error}") from None
    if missing := {"bus", "gen", "branch", "gencost", "baseMVA"} - set(case):
        raise BadInput(
            f"no MATPOWER case: it lacks mpc.{', mpc.'.join(sorted(missing))}", hint="give a version 2 case file"
        )
    return case
