"""What a test needs of the machine: where it is missing the test is skipped, but in CI it fails, since there it is installed."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from agents.models import WEIGHTS

DEFAULT = "qwen2.5-coder-1.5b"
TINY = "smollm2-135m"
TINY_FILE = WEIGHTS[TINY].path()  # as long as no test has chosen another cache


def lacking(what: str, remedy: str) -> NoReturn:
    """Skip the test that needs `what`, or fail it where CI=true."""
    words = f"{what}: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


def local_model(name: str) -> str:
    """The full name of a local model whose weights are here."""
    if not WEIGHTS[name].ready():
        lacking(f"the weights of local/{name} are missing", f"run `backprose model fetch local/{name}`")
    return f"local/{name}"


def lend_tiny(cache: Path) -> None:
    """Put the smallest local model into a cache that has nothing else."""
    if not TINY_FILE.is_file():
        lacking(f"the weights of local/{TINY} are missing", f"run `backprose model fetch local/{TINY}`")
    (cache / "models").mkdir(exist_ok=True)
    (cache / "models" / TINY_FILE.name).symlink_to(TINY_FILE)
