"""The floors: who may import whom, and one door to language models."""

import subprocess
import sys
from pathlib import Path


def test_no_floor_knows_what_stands_on_it() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
