"""Finding a run by what a person types: its id or an unambiguous beginning of it."""

from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from store.errors import AmbiguousRun, UnknownRun
from store.schema import runs

SHOWN = 5  # matches that an error names
RECENT = 2000  # runs among which a mistyped id is sought


def locate(connection: Connection, run_id: str, *, lock: bool = False) -> Row[Any]:
    """The row of a run.

    Args:
        run_id: Its id, or the beginning of it.
        lock: Keep others from changing the row until the transaction ends.

    Raises:
        UnknownRun, AmbiguousRun: There is not exactly one such run.
    """
    whole = sa.select(runs).with_for_update() if lock else sa.select(runs)
    if row := connection.execute(whole.where(runs.c.id == run_id)).first():
        return row
    begins = runs.c.id.startswith(run_id, autoescape=True)
    found = connection.execute(whole.where(begins).order_by(runs.c.run.desc()).limit(SHOWN)).all() if run_id else []
    if len(found) > 1:
        raise AmbiguousRun(run_id, tuple(row.id for row in found))
    if not found:
        recent = connection.execute(sa.select(runs.c.id).order_by(runs.c.run.desc()).limit(RECENT)).scalars().all()
        raise UnknownRun(run_id, tuple(get_close_matches(run_id, recent, n=3)))
    return found[0]
