"""kill -9 at any moment, resume in another process: the same answer, the same ledger, no recorded call made again."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

KILLS = 100 if os.environ.get("BACKPROSE_THOROUGH") else 25
REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.agents.killed", str(folder), str(KILLS), "20"]
    done = subprocess.run(command, check=False, cwd=REPO, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_every_killed_run_ends_as_the_uninterrupted_one(report: dict[str, Any]) -> None:
    assert report["whole"]["status"] == "answered"
    assert report["whole"]["differences"] == []
    assert sum(len(run["kills"]) for run in report["runs"]) >= KILLS
    for run in report["runs"]:
        assert run["result"] == report["whole"]  # answer, graph hash, ledger, and a replay without differences


def test_a_call_on_record_is_never_made_again(report: dict[str, Any]) -> None:
    for run in report["runs"]:
        stages = [kill["calls"] for kill in run["kills"]] + [run["calls"]]
        for k, kill in enumerate(run["kills"]):
            later = Counter(
                line.removeprefix("asked ") for stage in stages[k + 1 :] for line in stage if "asked" in line
            )
            assert [call for call in kill["seen"]["recorded"] if call in later] == []


def test_only_calls_in_flight_at_a_kill_are_made_twice(report: dict[str, Any]) -> None:
    """At most the six that may be under way together, and in an uninterrupted run none."""
    assert max(Counter(report["calls"]).values()) == 1
    for run in report["runs"]:
        asked = Counter(line for stage in [*run["kills"], run] for line in stage["calls"] if line.startswith("asked"))
        assert sum(n - 1 for n in asked.values()) <= 6 * len(run["kills"])
        assert set(asked) == {line for line in report["calls"] if line.startswith("asked")}


def test_the_kills_fell_everywhere(report: dict[str, Any]) -> None:
    events = [kill["seen"]["events"] for run in report["runs"] for kill in run["kills"]]
    assert len(set(events)) > 8
    assert max(events) - min(events) > 40
    assert any(
        kill["seen"] and kill["seen"]["status"] == "interrupted" for run in report["runs"] for kill in run["kills"]
    )
