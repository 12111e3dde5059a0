"""What happened, in SQL: typed events, content-addressed blobs, and the queries over them.

What needs SQLAlchemy is imported on first use, so that a module which only names events or logs stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import backprose as _house  # says clearly when another distribution shadows this package
from store.content import content_hash
from store.errors import (
    AmbiguousRun,
    RunAlive,
    SchemaMismatch,
    StoreClosed,
    StoreError,
    Unavailable,
    UnknownBlob,
    UnknownRun,
    WriteFailed,
)
from store.ledger import Ledger, Totals
from store.log import RunLog

if TYPE_CHECKING:
    from store.live import LiveLog
    from store.migrate import SchemaStatus, schema_status, upgrade
    from store.queries import (
        Census,
        Run,
        RunPage,
        count_runs,
        delete_run,
        get_events,
        get_ledger,
        get_parts,
        get_run,
        list_runs,
        neighbours,
    )
    from store.replay import Difference, ReplayLog
    from store.scores import scored_runs
    from store.store import Store

__all__ = [
    "AmbiguousRun",
    "Census",
    "Difference",
    "Ledger",
    "LiveLog",
    "ReplayLog",
    "Run",
    "RunAlive",
    "RunLog",
    "RunPage",
    "SchemaMismatch",
    "SchemaStatus",
    "Store",
    "StoreClosed",
    "StoreError",
    "Totals",
    "Unavailable",
    "UnknownBlob",
    "UnknownRun",
    "WriteFailed",
    "content_hash",
    "count_runs",
    "delete_run",
    "get_events",
    "get_ledger",
    "get_parts",
    "get_run",
    "list_runs",
    "neighbours",
    "schema_status",
    "scored_runs",
    "upgrade",
]

_HOMES = {
    "store.live": ("LiveLog",),
    "store.migrate": ("SchemaStatus", "schema_status", "upgrade"),
    "store.queries": (
        "Census",
        "Run",
        "RunPage",
        "count_runs",
        "delete_run",
        "get_events",
        "get_ledger",
        "get_parts",
        "get_run",
        "list_runs",
        "neighbours",
    ),
    "store.replay": ("Difference", "ReplayLog"),
    "store.scores": ("scored_runs",),
    "store.store": ("Store",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'store' has no attribute {name!r}")
