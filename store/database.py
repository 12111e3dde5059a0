"""The way to the database: which one, how it is set up, and one context manager each for reading and writing."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from typing import Any

import platformdirs
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from store.errors import Unavailable

PATIENCE = 30.0  # seconds to wait for another process that writes


def database_url(place: str | None = None) -> URL:
    """Which database a user means.

    Args:
        place: An SQLAlchemy URL or a file path; None takes `BACKPROSE_DB`, and without that the user's data folder.
    """
    place = place or os.environ.get("BACKPROSE_DB") or str(platformdirs.user_data_path("backprose", False) / "runs.db")
    if "://" not in place:
        return URL.create("sqlite", database=str(Path(place).expanduser().absolute()))
    try:
        url = make_url(place)
    except ArgumentError as error:
        raise Unavailable(f"{place!r} is no database URL", hint="such as postgresql://user@host/name") from error
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgresql", "postgres"} else url


class Database:
    """An SQLite file, an SQLite database in memory, or a PostgreSQL database."""

    def __init__(self, place: str | None = None) -> None:
        self.url = database_url(place)
        self.in_memory = self.url.get_backend_name() == "sqlite" and self.url.database in {None, "", ":memory:"}
        # In memory there is one connection, which all threads must take turns with.
        self._turn = RLock() if self.in_memory else nullcontext()
        self._engine = self._make_engine()
        self._readers = self._engine
        if self.sqlite:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._readers = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def _make_engine(self) -> sa.Engine:
        options: dict[str, Any] = {}
        if self.in_memory:
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        elif self.url.get_backend_name() == "sqlite":
            try:
                Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Unavailable(f"cannot make the folder of {self.url.database}: {error}") from error
        try:
            return sa.create_engine(self.url, **options)
        except NoSuchModuleError as error:
            raise Unavailable(f"no driver for {self.url.drivername}", hint="use sqlite or postgresql") from error
        except ModuleNotFoundError as error:
            hint = "pip install 'backprose[postgres]'"
            raise Unavailable(f"{self.url.drivername} needs {error.name}", hint=hint) from error

    def check(self) -> None:
        """Raise `Unavailable` unless the database answers."""
        with self.reading() as connection:
            connection.execute(sa.select(1))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose every SELECT sees what is committed now."""
        with self._typed_errors(), self._turn, self._readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at the end. On SQLite it holds the write lock from its beginning."""
        connect = self._engine.connect
        with (
            self._typed_errors(),
            self._turn,
            connect() as connection,
            connection.execution_options(writing=True).begin(),
        ):
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction that may rebuild tables: only one process is in it at a time, and SQLite cascades nothing."""
        with self._turn, self._engine.connect().execution_options(writing=True) as connection:
            driver: Any = connection.connection.driver_connection
            if self.sqlite:
                driver.execute("PRAGMA foreign_keys=OFF")  # it would have no effect inside the transaction
            try:
                with connection.begin():
                    if not self.sqlite:
                        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0x6261636B)))
                    yield connection
            finally:
                if self.sqlite:
                    driver.execute("PRAGMA foreign_keys=ON")

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        """Turn what the driver raises into `Unavailable`, except a broken constraint, which its cause understands."""
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            shown = self.url.render_as_string(hide_password=True)
            raise Unavailable(f"the database {shown} failed: {str(error.orig).strip()}") from error

    def shrink(self) -> None:
        """Give the space of deleted rows back. (PostgreSQL sees to that itself.)"""
        if self.sqlite:
            with self.reading() as connection:
                driver: Any = connection.connection.driver_connection
                driver.executescript("PRAGMA incremental_vacuum")  # `execute` would stop after one page

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(driver: Any, _record: Any) -> None:
    driver.isolation_level = None  # the driver opens no transactions of its own; `_begin_sqlite` does
    cursor = driver.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(PATIENCE * 1000)}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # takes effect in a new file only
    _switch_to_wal(cursor)
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:
    """Turn on the write-ahead log. While another process does the same, SQLite says "locked" without waiting."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a lock taken later could not wait its turn
