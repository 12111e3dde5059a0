"""The comparison of dispatch solvers compares the same problem."""

import json
import math
from pathlib import Path

import pytest

from experiments.speed.dc_opf import compare, main
from tools.power.dc_opf.shipped import shipped_grid


@pytest.mark.parametrize(("name", "load"), [("case118", 1.0), ("case300", 0.85), ("case1354pegase", 0.9)])
def test_pandapower_finds_the_same_optimum_on_the_same_data(name: str, load: float) -> None:
    ours, again, highs, pandapower = compare(shipped_grid(name), [load])
    for row in (ours, again):
        assert row.cost_difference < 1e-12
        assert row.violation_mw < 1e-7
    assert highs.solved == 0 or highs.cost_difference < 1e-6
    assert pandapower.solved == 1
    assert pandapower.cost_difference < 1e-6


def test_the_table_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--grids", "case30", "--json", str(tmp_path / "rows.json")])
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert len(rows) == 4
    assert all(math.isfinite(row["ms"]) and row["solved"] == row["asked"] == 5 for row in rows)
    assert "pandapower.rundcopp" in capsys.readouterr().out
