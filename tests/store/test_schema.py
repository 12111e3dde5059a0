"""A database has this program's tables, gets them, or is refused in clear words."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from store import SchemaMismatch, Store, Unavailable, get_events, list_runs, schema_status, upgrade
from store.database import Database, database_url
from store.events import AgentStarted
from store.migrate import alembic_config
from store.schema import VERSION


def stamp(place: str, version: str) -> None:
    database = Database(place)
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    database.close()


def test_the_migrations_lead_to_exactly_the_tables_of_the_program(place: str) -> None:
    from alembic import command

    upgrade(place)
    database = Database(place)
    with database.migrating() as connection:
        command.check(alembic_config(connection))  # raises if an upgrade is missing
    database.close()


def test_the_program_names_the_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    database = Database("sqlite://")
    with database.reading() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_current_head() == VERSION


def test_an_empty_database_gets_its_tables_on_opening(place: str) -> None:
    assert schema_status(place).state == "empty"
    Store.open(place).close()
    assert schema_status(place).state == "current"


def test_an_older_schema_is_refused_until_upgraded(place: str) -> None:
    upgrade(place)
    stamp(place, "0000")
    assert schema_status(place).state == "older"
    with pytest.raises(SchemaMismatch, match="run `backprose db upgrade`") as refused:
        Store.open(place)
    assert (refused.value.found, refused.value.expected) == ("0000", VERSION)


def test_a_newer_schema_is_refused_by_opening_and_by_upgrading(place: str) -> None:
    upgrade(place)
    stamp(place, "9999")
    assert schema_status(place).state == "newer"
    with pytest.raises(SchemaMismatch, match="newer than this program's"):
        Store.open(place)
    with pytest.raises(SchemaMismatch, match="update Backprose"):
        upgrade(place)


def test_processes_that_open_an_empty_database_at_once_all_succeed(place: str) -> None:
    program = f"from store import Store; Store.open({place!r}).close()"
    openers = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(4)]
    complaints = [opener.communicate(timeout=60)[1].decode() for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * 4, complaints
    assert schema_status(place).state == "current"


def test_a_store_in_memory_works_and_leaves_nothing() -> None:
    for _ in range(2):
        with Store.open("sqlite://") as store:
            assert list_runs(store).total == 0
            log = store.start_run(task="think")
            for i in range(500):  # read here while the writer's thread writes
                log.emit(f"{i}", AgentStarted(layer="l", agent="a", inputs=(log.put(f"{i}"),)))
                assert log.memo(f"{i}") is None
            store.flush()
            assert len(get_events(store, log.run_id)) == 500
            assert list_runs(store).total == 1


def test_the_place_is_an_argument_or_the_environment_or_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROSE_DB", "/somewhere/a.db")
    assert database_url().database == "/somewhere/a.db"
    assert database_url("/elsewhere/b.db").database == "/elsewhere/b.db"
    assert database_url("postgres://me@there/runs").drivername == "postgresql+psycopg"
    monkeypatch.delenv("BACKPROSE_DB")
    assert str(database_url().database).endswith("backprose/runs.db")


@pytest.mark.parametrize("place", ["postgresql://nobody@127.0.0.1:1/runs", "nosuch://here", "://", "/dev/null/runs.db"])
def test_a_database_that_cannot_be_opened_says_so(place: str) -> None:
    with pytest.raises(Unavailable):
        Store.open(place)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("dear diary, " * 100)
    with pytest.raises(Unavailable, match="not a database"):
        Store.open(str(tmp_path / "note.txt"))
