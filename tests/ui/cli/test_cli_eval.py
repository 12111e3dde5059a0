"""`backprose eval`: the leaderboard, going on, budgets, comparisons, the report, and what a mistake is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.ui.stage import ModelServer, squeezed

Cli = Callable[..., Result]
SUITE = """
from experiments.suites.listed import ListedSuite, make_item
from experiments.suites.protocol import Score

suite = ListedSuite(
    "energies", "CC0-1.0", "Energies in words",
    lambda: [make_item(f"{k} MW over 1 h?", k, id=f"e{k}", split="test") for k in range(1, 13)],
    lambda item, answer: Score(float(f"{item.expected} MWh" in answer.text), "compared"),
)
"""


@pytest.fixture
def suite(tmp_path: Path) -> str:
    (tmp_path / "energies.py").write_text(SUITE)
    return str(tmp_path / "energies.py")


def test_suites_and_systems_give_a_leaderboard_and_progress(cli: Cli, server: ModelServer, suite: str) -> None:
    done = cli("eval", suite, "--system", "one_call", "--system", "debate", "--limit", "6", "--model", server.model)
    assert done.exit_code == 0, done.output
    out = squeezed(done.stdout)
    assert out.startswith("energies test: 6 items, http://127.0.0.1:")
    assert "one_call 90 " in out  # six items of 15 tokens each, and one is right
    assert "debate 540 " in out
    assert "the baseline" in out
    assert "16.7 %" in out
    assert "energies, debate, seed 0: 6/6, 1 solved, 540 tokens; left about " in squeezed(done.stderr)
    assert server.asked == 6 + 36


def test_the_same_command_asks_nothing_and_prints_the_same(cli: Cli, server: ModelServer, suite: str) -> None:
    words = ("eval", suite, "--model", server.model, "--seeds", "2", "--json")
    first, asked = cli(*words), server.asked
    assert cli(*words).stdout == first.stdout
    assert server.asked == asked == 24
    (board,) = json.loads(first.stdout)
    (entry,) = board["entries"]
    assert (board["items"], entry["seeds"], entry["validity"]["share"]) == (12, [0, 1], 1.0)
    assert entry["score"]["estimate"] == pytest.approx(1 / 12)


def test_a_spent_budget_stops_and_a_larger_one_goes_on(cli: Cli, server: ModelServer, suite: str) -> None:
    words = ("eval", suite, "--limit", "4", "--model", server.model)
    stopped = cli(*words, "--budget-calls", "2")
    assert stopped.exit_code == 4
    assert "2 of 4 items could not be measured: the budget is spent" in squeezed(stopped.stderr)
    assert "raise the budget and give the same command again" in squeezed(stopped.stderr)
    assert server.asked == 2
    assert cli(*words).exit_code == 0
    assert server.asked == 4


def test_what_was_measured_is_compared_listed_reported_and_exported(
    cli: Cli, server: ModelServer, suite: str, tmp_path: Path
) -> None:
    for system in ("one_call", "chain_of_thought", "handmade_team"):
        cli("eval", suite, "--system", system, "--model", server.model)
    compared = squeezed(cli("eval", "compare", "energies", "--baseline", "chain_of_thought").stdout)
    assert compared.count("cannot tell") == 2
    (board,) = json.loads(cli("eval", "compare", "--json").stdout)
    assert board["verdicts"]["handmade_team"]["cost"] == "dearer"
    listed = cli("eval", "list")
    assert squeezed(listed.stdout).count("energies test ") == 3
    made = json.loads(cli("eval", "list", "--json").stdout)
    assert {s["name"] for s in made["suites"]} >= {"grid_questions", "gsm8k", "humaneval"}
    report = tmp_path / "report.html"
    assert cli("eval", "report", "-o", str(report)).stdout.strip() == str(report)
    assert "energies test: 12 items" in report.read_text()
    log = tmp_path / "log.eval"
    assert cli("eval", "export", made["evaluations"][0]["evaluation"], "-o", str(log)).exit_code == 0
    again = cli("eval", "compare", "--inspect", str(log), "--json")
    assert json.loads(again.stdout) == [board]


def test_systems_that_learn_are_taught_and_take_their_place_among_the_others(
    cli: Cli, server: ModelServer, tmp_path: Path
) -> None:
    school = tmp_path / "school.py"
    school.write_text(
        SUITE.replace("for k in", 'for split in ("train", "val", "test") for k in').replace(
            'f"{k} MW over 1 h?", k, id=f"e{k}", split="test"',
            'f"{k} MW over 1 h, {split}?", k, id=f"{split}{k}", split=split',
        )
    )
    systems = ("trained", "gepa", "dspy", "textgrad", "chain_of_thought", "self_consistency")
    named = [word for system in systems for word in ("--system", system)]
    words = ("eval", str(school), *named, "--model", server.model, "--val", "12", "--train-tokens", "9000")
    broke = cli(*words, "--budget-tokens", "8000")
    assert (broke.exit_code, server.asked) == (4, 0)
    assert "teaching trained may take 9,000 tokens, and the budget has 8,000 left" in squeezed(broke.stderr)
    done = cli(*words)
    assert done.exit_code == 0, done.output
    asked, lines = server.asked, squeezed(done.stderr)
    for system in systems[:4]:
        assert f"energies, {system}, seed 0: taught with " in lines
        assert f"energies, {system}, seed 0: 12/12, 1 solved" in lines
    assert all(f"{system} " in squeezed(done.stdout) for system in systems)
    again = cli(*words)
    assert (again.stdout, server.asked) == (done.stdout, asked)
    assert "taught with" not in again.stderr
    learning = cli(*words, "--split", "val")
    assert learning.exit_code == 2
    assert "trained learns from train and val" in squeezed(learning.stderr)


def test_mistakes_are_told_what_would_be_right(cli: Cli, server: ModelServer, suite: str) -> None:
    for words, said in (
        (("eval", "energis"), "no suite named energis"),
        (("eval", suite, "--system", "debat"), "no system named debat; did you mean debate?"),
        (("eval", suite, "--split", "train"), "energies has no items in its train split"),
        (("eval", "compare"), "there are no such evaluations"),
        (("eval", "export", "none", "-o", "x.eval"), "no run none"),
    ):
        failed = cli(*words, "--model", server.model) if words[1] == suite else cli(*words)
        assert failed.exit_code == 2, failed.output
        assert said in squeezed(failed.stderr)
    assert cli("eval").exit_code == 2
    assert "SUITE" in cli("eval", "run", "--help").stdout
