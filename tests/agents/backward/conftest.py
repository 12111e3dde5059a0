"""What tests of training share: a school on a store of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from tests.agents.backward.school import School


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with Store.open(f"{tmp_path}/runs.db") as store:
        opened = School(store)
        yield opened
        opened.runner.close()
