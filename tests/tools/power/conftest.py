from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def grid_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def grid_cache(grid_folder: Path) -> Iterator[Path]:
    """Grids are built anew by this test run, and kept for the tests in this folder alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKPROSE_CACHE", str(grid_folder))
        yield grid_folder
