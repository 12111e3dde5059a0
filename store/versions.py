"""Graph versions that trainings made: which there are, what each one came from, and what admitted it."""

from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa

from store.errors import StoreError
from store.events import KINDS, RolledOut, VersionMade, from_json
from store.queries import get_events
from store.schema import events, runs
from store.store import Store

SHORTEST = 4  # digits of a version that a person must type


class UnknownVersion(StoreError):
    """No graph version, or more than one, begins like this."""


@dataclass(frozen=True)
class GraphVersion:
    """One version in one training.

    Attributes:
        run_id: The training.
        created: When it was made, in seconds since 1970.
        made: All else, with references to the graph, the edits, the critique that caused them and the scores.
    """

    run_id: str
    training: str
    created: float
    made: VersionMade

    @property
    def version(self) -> str:
        return self.made.version


def list_versions(store: Store, *, run_id: str | None = None, begins: str = "", limit: int = 200) -> list[GraphVersion]:
    """Versions, the latest first.

    Args:
        run_id: Only those of this training.
        begins: Only those whose hash begins like this.
        limit: At most so many.
    """
    found = (
        sa.select(runs.c.id, runs.c.title, events.c.ended, events.c.kind, events.c.payload)
        .join(runs, runs.c.run == events.c.run)
        .where(events.c.kind == KINDS[VersionMade])
        .order_by(events.c.run.desc(), events.c.seq.desc())
        .limit(limit)
    )
    if run_id is not None:
        found = found.where(runs.c.id == run_id)
    if begins:
        found = found.where(events.c.payload.startswith(f'{{"version":"{begins}', autoescape=True))
    with store.database.reading() as connection:
        rows = connection.execute(found).all()
    versions = []
    for row in rows:
        made = from_json(row.kind, row.payload)
        assert isinstance(made, VersionMade)  # asked for by kind
        versions.append(GraphVersion(row.id, row.title, row.ended, made))
    return versions


def get_version(store: Store, name: str) -> GraphVersion:
    """The version whose hash is, or begins like, `name`; of several trainings that made it, the latest.

    Raises:
        UnknownVersion: There is none, or several different ones begin like this.
    """
    found = list_versions(store, begins=name) if len(name) >= SHORTEST else []
    names = sorted({v.version for v in found})
    if len(names) > 1:
        raise UnknownVersion(f"several versions begin with {name}: {', '.join(names[:5])}", hint="give more characters")
    if not found:
        raise UnknownVersion(f"no version {name}", hint="`backprose network list` shows all versions")
    return found[0]


def seconds_by_graph(store: Store, run_id: str) -> dict[str, float]:
    """What a case takes in a training, as the median over the rollouts of each graph [s], by graph hash."""
    took: dict[str, list[float]] = {}
    for record in get_events(store, run_id, kind=RolledOut):
        if isinstance(record.event, RolledOut):
            took.setdefault(record.event.graph_hash, []).append(record.seconds)
    return {name: median(seconds) for name, seconds in took.items()}


def lineage(store: Store, version: GraphVersion) -> list[GraphVersion]:
    """The version and all it came from in its training, the latest first."""
    made = {v.version: v for v in list_versions(store, run_id=version.run_id, limit=100_000)}
    line = [version]
    while (parent := made.get(line[-1].made.parent)) and parent not in line:
        line.append(parent)
    return line
