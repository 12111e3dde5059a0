"""The schema's version: what the database has, what this program needs, and the way from one to the other.

A new version is a file in migrations/versions, numbered one higher, with `schema.VERSION` raised to its number.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.database import Database
from store.errors import SchemaMismatch
from store.schema import VERSION

if TYPE_CHECKING:
    from alembic.config import Config


@dataclass(frozen=True)
class SchemaStatus:
    """`found` is the database's version, None while it is empty; `expected` is the version this program knows."""

    url: str
    found: str | None
    expected: str

    @property
    def state(self) -> Literal["empty", "older", "current", "newer"]:
        if self.found is None:
            return "empty"
        if self.found == self.expected:
            return "current"
        return "older" if self.found < self.expected else "newer"


def schema_status(url: str | None = None) -> SchemaStatus:
    """Where a database's schema stands. Takes what `Store.open` takes; raises `Unavailable`."""
    database = Database(url)
    try:
        database.check()
        return status_of(database)
    finally:
        database.close()


def upgrade(url: str | None = None) -> SchemaStatus:
    """Bring a database's schema to this program's version and return where it stands now.

    Raises:
        SchemaMismatch: The database is newer than this program.
        Unavailable: It cannot be opened.
    """
    database = Database(url)
    try:
        database.check()
        upgrade_database(database)
        return status_of(database)
    finally:
        database.close()


def status_of(database: Database) -> SchemaStatus:
    with database.reading() as connection:
        found = _found(connection)
    return SchemaStatus(database.url.render_as_string(hide_password=True), found, VERSION)


def make_ready(database: Database) -> None:
    """Give an empty database its tables; refuse one of another version with `SchemaMismatch`."""
    status = status_of(database)
    if status.state == "empty":
        upgrade_database(database)
    elif status.found is not None and status.state != "current":
        raise SchemaMismatch(status.found, status.expected)


def upgrade_database(database: Database) -> None:
    from alembic import command

    with database.migrating() as connection:  # so a second process that opens it finds the work done
        found = _found(connection)
        if found is not None and found > VERSION:
            raise SchemaMismatch(found, VERSION)
        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection) -> "Config":
    """Alembic's settings for work on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _found(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
