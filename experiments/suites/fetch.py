"""Fetch benchmarks from their public homes into the cache.

python -m experiments.suites.fetch gsm8k math
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from experiments.suites.data import Home, MissingData, cache_folder


def fetch_benchmark(suite: str, home: Home) -> Path:
    """Fetch a benchmark into the cache, all of it or nothing; return its folder."""
    final = cache_folder() / suite
    final.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=final.parent) as scratch:
        folder = Path(scratch) / suite
        folder.mkdir()
        home(folder)
        if final.exists():
            final.rename(Path(scratch) / "old")
        folder.rename(final)
    return final


def main(names: Sequence[str]) -> int:
    for name in names:
        try:
            home = importlib.import_module(f"experiments.suites.{name}.suite").HOME
        except (ModuleNotFoundError, AttributeError):
            print(f"{name} is no benchmark with a public home", file=sys.stderr)
            return 2
        try:
            print(fetch_benchmark(name, home))
        except MissingData as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
