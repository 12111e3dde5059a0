from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def grid_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Grids are built anew by this test run, and kept for it alone."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("BACKPROSE_CACHE", str(folder))
        yield folder
