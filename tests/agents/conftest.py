"""What tests of the engine share: a laboratory with a store of its own, and a tool that is registered for the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from tests.agents.lab import Kiln, Lab
from tools import registry


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"{tmp_path}/runs.db") as opened:
        yield opened


@pytest.fixture
def lab(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A laboratory in which the tool `kiln` is found."""
    monkeypatch.setitem(registry._found(), "kiln", Kiln)
    opened = Lab(store)
    yield opened
    opened.runner.close()
