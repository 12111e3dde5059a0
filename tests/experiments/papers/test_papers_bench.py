import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from experiments.papers import (
    Line,
    UnknownPaper,
    all_results,
    as_text,
    bench,
    find_results,
    load_results,
    run_paper,
    slugs,
)

Say = Callable[[str], None]


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An experiment `toy_paper` on paper 7; its part `broken` fails as long as `fails` is true."""
    module = ModuleType("experiments.papers.toy_paper")

    def quick(say: Say) -> Sequence[Line]:
        say("measuring")
        return [Line("accuracy", 0.8, target=0.75, paper=0.78, others={"peer": 0.7}), Line("seconds", 3, "s")]

    def broken(say: Say) -> Sequence[Line]:
        if module.fails:  # type: ignore[attr-defined]
            raise RuntimeError("the power went off")
        return [Line.over_seeds("error", [0.1, 0.3], target=0.1, at_most=True, note="too few seeds")]

    module.PAPER, module.PARTS, module.fails = 7, {"quick": quick, "broken": broken}, True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(bench, "slugs", lambda: {"toy_paper": 7})
    return module


def test_a_part_is_kept_as_soon_as_it_is_measured(experiment: ModuleType, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(RuntimeError):
        run_paper("toy-paper", say=said.append, folder=tmp_path)
    assert list(load_results("toy_paper", tmp_path)) == ["quick"]
    assert said == ["toy_paper: quick", "measuring", "toy_paper: broken"]
    experiment.fails = False  # type: ignore[attr-defined]
    kept = run_paper("toy_paper", parts=["broken"], folder=tmp_path)
    assert list(kept) == ["quick", "broken"]
    assert kept["quick"].lines[0] == Line("accuracy", 0.8, target=0.75, paper=0.78, others={"peer": 0.7})
    assert kept["broken"].made_with["torch"]
    assert json.loads((tmp_path / "toy_paper.json").read_text())["command"] == "backprose papers run toy_paper"
    assert all_results(tmp_path) == {7: kept}


def test_a_line_knows_whether_its_target_is_met() -> None:
    assert [Line("x", v, target=1).met for v in (0.9, 1.0, 1.1)] == [False, True, True]
    assert [Line("x", v, target=1, at_most=True).met for v in (0.9, 1.0, 1.1)] == [True, True, False]
    assert Line("x", 5).met is None


def test_seeds_give_a_mean_and_a_spread() -> None:
    line = Line.over_seeds("x", [1.0, 2.0, 3.0], target=1.5)
    assert (line.ours, line.spread, line.seeds, line.met) == (2, 1, 3, True)
    assert Line.over_seeds("x", [1.0]).spread is None


def test_a_table_names_misses_and_their_reasons() -> None:
    shown = as_text(
        [Line("error", 0.2, target=0.1, at_most=True, note="two seeds only"), Line("speed", 9, "x", target=5)]
    )
    assert "<= 0.1  MISSED" in shown
    assert "9 x" in shown
    assert "* error: two seeds only" in shown


def test_wrong_names_are_refused_with_the_right_ones(experiment: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UnknownPaper, match="did you mean toy_paper"):
        run_paper("toy_papr", folder=tmp_path)
    with pytest.raises(UnknownPaper, match="toy_paper has no part quik; did you mean quick"):
        run_paper("toy_paper", parts=["quik"], folder=tmp_path)
    with pytest.raises(UnknownPaper, match="was not run yet"):
        find_results("toy_paper", tmp_path)


def test_every_experiment_names_its_paper_and_its_stored_results_are_of_its_parts() -> None:
    found = slugs()
    assert len(set(found.values())) == len(found)
    for slug, number in found.items():
        assert 1 <= number <= 42
        parts = load_results(slug)
        assert set(parts) <= set(bench._module(slug).PARTS)
        for name, part in parts.items():
            assert part.lines, name
            for line in part.lines:
                assert line.note or line.met is not False, f"{slug}, {name}: a miss without a reason: {line.what}"
