"""Each test of a face has a database and a configuration of its own, never the user's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.ui.stage import ModelServer
from ui.cli import app


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database that commands use."""
    monkeypatch.setenv("BACKPROSE_DB", str(tmp_path / "runs.db"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("BACKPROSE_MODEL", "BACKPROSE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return str(tmp_path / "runs.db")


@pytest.fixture
def cli(place: str) -> Callable[..., Result]:
    """Call a command line in this process."""
    return lambda *words, **more: CliRunner().invoke(app, list(words), **more)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    running = ModelServer()
    yield running
    running.close()
