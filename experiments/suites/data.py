"""Where the files of public benchmarks are: in a folder of the user, or in the cache, fetched from their public home.

Benchmarks are never shipped with this package, and never fetched unasked; `experiments.suites.fetch` does it.
"""

import gzip
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
Rows = list[dict[str, Any]]
Home = Callable[[Path], None]
"""Fetches a benchmark from its public home into an empty folder."""


class MissingData(Exception):
    """A benchmark's files are not here, or its home cannot be reached. `hint` says what to do."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"{reason}; {hint}")
        self.reason, self.hint = reason, hint


def find_folder(suite: str) -> Path:
    """The folder of a benchmark's files.

    It is looked for in `$BACKPROSE_DATA` (with or without a folder `benchmarks` in between), in `shared/data` beside this
    project, and in the cache.

    Raises:
        MissingData: It is in none of them.
    """
    for place in _places():
        for folder in (place / suite, place / "benchmarks" / suite):
            if (folder / "test.jsonl").is_file():
                return folder
    chosen = os.environ.get("BACKPROSE_DATA")
    raise MissingData(
        f"the files of the benchmark {suite} are not here" + (f", nor in BACKPROSE_DATA={chosen}" if chosen else ""),
        f"set BACKPROSE_DATA to a folder with {suite}/test.jsonl, or fetch them: python -m experiments.suites.fetch {suite}",
    )


def read_rows(file: Path) -> Rows:
    """The objects of a file of JSON lines, which may be gzipped.

    Raises:
        MissingData: A line is no JSON object.
    """
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return parse_rows(text, str(file))


def parse_rows(text: bytes, source: str) -> Rows:
    """The objects of JSON lines from `source`."""
    rows = []
    for number, line in enumerate(text.decode("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise MissingData(f"line {number} of {source} is no JSON: {error}", "fetch the file again") from None
        if not isinstance(row, dict):
            raise MissingData(f"line {number} of {source} is no JSON object", "fetch the file again")
        rows.append(row)
    return rows


def write_rows(rows: Rows, file: Path) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def download(url: str) -> bytes:
    """The content at an address, unpacked if it is gzipped.

    Raises:
        MissingData: It cannot be reached.
    """
    try:
        with urlopen(quote(url, safe=":/?=&%"), timeout=60) as answer:
            content: bytes = answer.read()
    except (URLError, OSError) as error:
        raise MissingData(
            f"{url} cannot be reached ({error})", "fetch it where there is a network, then copy it"
        ) from None
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def from_files(files: Mapping[str, str]) -> Home:
    """A home whose files are taken as they are: file name -> address."""

    def fetch(folder: Path) -> None:
        for name, url in files.items():
            write_rows(parse_rows(download(url), url), folder / name)

    return fetch


def _places() -> list[Path]:
    chosen = os.environ.get("BACKPROSE_DATA")
    return [*([Path(chosen).expanduser()] if chosen else []), BESIDE, cache_folder()]


def cache_folder() -> Path:
    import platformdirs

    return Path(os.environ.get("BACKPROSE_CACHE") or platformdirs.user_cache_dir("backprose")) / "benchmarks"
