"""kill -9 at any moment of a training, resume in another process: the same graph, the same ledger, the same events."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 25 if os.environ.get("BACKPROSE_THOROUGH") else 6
REPO = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.agents.backward.killed", str(folder), str(KILLS), "11"]
    done = subprocess.run(command, check=False, cwd=REPO, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_every_killed_training_ends_as_the_uninterrupted_one(report: dict[str, Any]) -> None:
    whole = report["whole"]
    assert whole["status"] == "answered"
    assert len(whole["scores"]) > 20
    assert sum(len(t["seen"]) for t in report["trainings"]) >= KILLS
    for training in report["trainings"]:
        assert training["result"] == whole  # graph, ledger, events, scores, and each call paid exactly once


def test_the_kills_fell_everywhere(report: dict[str, Any]) -> None:
    events = [s["events"] for t in report["trainings"] for s in t["seen"]]
    assert max(events) - min(events) > 100
    assert any(s["status"] == "interrupted" for t in report["trainings"] for s in t["seen"])
