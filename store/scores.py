"""What scored runs of one graph say: the ground on which routing and weighted votes learn from the log."""

import sqlalchemy as sa

from store.events import KINDS, Event, Scored, from_json
from store.schema import events, runs
from store.store import Store


def scored_runs(store: Store, graph_hash: str, *, limit: int = 200) -> list[list[tuple[str, Event]]]:
    """Key and event of everything that happened in the newest scored runs of a graph, run by run."""
    scored = (
        sa.select(events.c.run)
        .distinct()  # a run may have been scored more than once
        .join(runs, runs.c.run == events.c.run)
        .where(runs.c.graph_hash == graph_hash, events.c.kind == KINDS[Scored])
        .order_by(events.c.run.desc())
        .limit(limit)
    )
    found: dict[int, list[tuple[str, Event]]] = {}
    with store.database.reading() as connection:
        rows = connection.execute(
            sa.select(events.c.run, events.c.key, events.c.kind, events.c.payload)
            .where(events.c.run.in_(scored.scalar_subquery()))
            .order_by(events.c.run, events.c.seq)
        )
        for row in rows:
            found.setdefault(row.run, []).append((row.key, from_json(row.kind, row.payload)))
    return list(found.values())
