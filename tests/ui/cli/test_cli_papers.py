import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from experiments.papers import load_results, slugs
from tests.ui.stage import squeezed
from ui.view.papers import papers

Cli = Callable[..., Result]
KEPT = {
    "paper": 9,
    "command": "backprose papers run hamiltonian_reuploading",
    "parts": {
        "digits": {
            "lines": [
                {"what": "accuracy", "ours": 0.95, "target": 0.944, "paper": 0.944, "others": {"QCNN": 0.7}},
                {"what": "seconds", "ours": 40, "unit": "s", "target": 30, "at_most": True, "note": "a slow machine"},
                {"what": "parameters", "ours": 465},
            ],
            "date": "2026-11-25",
            "minutes": 1.5,
            "cpu_minutes": 1.4,
            "made_with": {"machine": "abacus, 2 cores"},
        }
    },
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "hamiltonian_reuploading.json").write_text(json.dumps(KEPT))
    return tmp_path


def test_the_list_counts_the_lines_that_meet_their_target(results: Path) -> None:
    row = papers(results)[8]
    assert (row.number, row.met, row.measured, row.standing) == (9, 1, 2, "ready, 1 of 2 met")
    assert all(other.measured == 0 for other in papers(results) if other.number != 9)


def test_a_stored_table_is_shown_with_targets_and_reasons(cli: Cli, results: Path) -> None:
    shown = squeezed(cli("papers", "show", "hamiltonian-reuploading", "--results", str(results)).stdout)
    assert "digits: 2026-11-25, 1.5 min, abacus, 2 cores" in shown
    assert "accuracy 0.95 >= 0.944 met 0.944 QCNN 0.7" in shown
    assert "seconds 40 s <= 30 MISSED" in shown
    assert "* seconds: a slow machine" in shown
    told = json.loads(cli("papers", "show", "hamiltonian-reuploading", "--results", str(results), "--json").stdout)
    assert [line["met"] for line in told["digits"]["lines"]] == [True, False, None]


def test_a_part_can_be_run_alone_and_is_kept(cli: Cli, tmp_path: Path) -> None:
    words = ("papers", "run", "hamiltonian-reuploading", "--part", "correctness", "--results", str(tmp_path))
    assert "state against PennyLane, float64" in cli(*words).stdout
    kept = load_results("hamiltonian_reuploading", tmp_path)
    assert list(kept) == ["correctness"]
    assert [line.met for line in kept["correctness"].lines if line.target is not None] == [True] * 4


def test_an_unknown_experiment_is_named_with_those_there_are(cli: Cli) -> None:
    done = cli("papers", "run", "hamiltonian-reupload")
    assert done.exit_code != 0
    said = squeezed(done.output)
    assert "did you mean hamiltonian_reuploading?" in said
    assert all(slug in said for slug in slugs())
