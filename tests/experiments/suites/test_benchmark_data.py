"""Benchmarks are found in a folder, fetched only when asked to, and a missing one says what to do."""

import gzip
import importlib
import json
from pathlib import Path

import pytest

from experiments.suites.data import MissingData, cache_folder, find_folder, from_files, read_rows
from experiments.suites.fetch import fetch_benchmark, main


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No benchmark is on this machine."""
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BACKPROSE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("experiments.suites.data.BESIDE", tmp_path / "shared")


def test_a_missing_benchmark_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingData) as caught:
        find_folder("gsm8k")
    assert str(caught.value) == (
        f"the files of the benchmark gsm8k are not here, nor in BACKPROSE_DATA={tmp_path / 'data'}; set BACKPROSE_DATA"
        " to a folder with gsm8k/test.jsonl, or fetch them: python -m experiments.suites.fetch gsm8k"
    )


@pytest.mark.parametrize(
    "place", ["data/gsm8k", "data/benchmarks/gsm8k", "cache/benchmarks/gsm8k", "shared/benchmarks/gsm8k"]
)
def test_a_benchmark_is_found_in_each_place(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "test.jsonl").touch()
    assert find_folder("gsm8k") == tmp_path / place


def test_a_benchmark_is_fetched_into_the_cache_and_replaced_by_a_newer_one(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    home.mkdir()
    packed = home / "x.jsonl.gz"
    for number in (1, 2):
        packed.write_bytes(gzip.compress(f'{{"n": {number}}}\n\n'.encode()))
        folder = fetch_benchmark("some", from_files({"test.jsonl": f"file://{packed}"}))
        assert folder == cache_folder() / "some" == find_folder("some")
        assert read_rows(folder / "test.jsonl") == [{"n": number}]
    assert [p.name for p in cache_folder().iterdir()] == ["some"]


def test_a_home_that_cannot_be_reached_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="cannot be reached"):
        fetch_benchmark("some", from_files({"test.jsonl": f"file://{tmp_path}/none"}))
    assert list(cache_folder().iterdir()) == []


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n{"a"\n')
    with pytest.raises(MissingData, match=r"line 2 of .*x\.jsonl is no JSON"):
        read_rows(tmp_path / "x.jsonl")


def test_dabench_is_put_together_from_questions_answers_and_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {
        "id": 3,
        "question": "How many?",
        "constraints": "-",
        "format": "@n[n]",
        "file_name": "a b.csv",
        "level": "easy",
    }
    (tmp_path / "da-dev-tables").mkdir()
    (tmp_path / "da-dev-tables" / "a b.csv").write_text("x\n1\n2\n")
    (tmp_path / "da-dev-questions.jsonl").write_text(json.dumps(question))
    (tmp_path / "da-dev-labels.jsonl").write_text('{"id": 3, "common_answers": [["n", "2"]]}')
    dabench = importlib.import_module("experiments.suites.dabench.suite")
    monkeypatch.setattr(dabench, "_RAW", f"file://{tmp_path}")
    fetch_benchmark("dabench", dabench.HOME)
    (item,) = dabench.load()
    assert item.id == "dabench/3" and item.expected == {"answers": {"n": "2"}, "table": "a b.csv"}
    assert "x\n1\n2" in item.prompt and "How many?" in item.prompt


def test_only_benchmarks_can_be_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grid_questions"]) == 2
    assert capsys.readouterr().err == "grid_questions is no benchmark with a public home\n"
