"""An evaluation that is killed with kill -9 twice on the way ends as the uninterrupted one: scores, answers, tokens, dollars."""

import json
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parents[2]


def test_killed_twice_the_result_equals_the_uninterrupted_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.experiments.killed", str(tmp_path), "self_consistency@3", "1"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert len(told["whole"]) == 12
    assert {r["score"] for r in told["whole"]} == {0.0, 1.0}
    assert told["killed"] == told["whole"]
    assert [death["survived"] for death in told["deaths"]] == [False, False]
    assert 0 < told["deaths"][0]["asked"] < told["deaths"][1]["asked"] < len(told["asked"][1])  # it was under way
    whole, killed = told["asked"]
    assert set(killed) == set(whole)
    assert len(killed) - len(whole) <= 2 * 9  # only calls in flight at a kill: three items of three calls each
    assert (told["again"], told["asked_again"]) == (told["whole"], 0)  # a finished one is read, not made again
