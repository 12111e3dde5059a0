"""The README is true: every example in it works, and what it says is where is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agents import Answer
from experiments.suites import find_suite
from tests.needs import DEFAULT, local_model

QUESTION = "What does the cheapest dispatch of the IEEE 30-bus grid cost at 115 % load, and which lines limit it?"
REPO = Path(__file__).parents[1]
README = (REPO / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


MAKES, COMMANDS = blocks("sh")
EXAMPLE, OWN_SUITE = blocks("python")


def do(command: list[str], cwd: Path, **more: str) -> str:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "TASK"}
    done = subprocess.run(command, cwd=cwd, env=outside | more, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("line", MAKES.splitlines())
def test_make_hands_the_question_over_as_it_is_and_knows_its_other_goals(line: str, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "backprose"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    program.chmod(0o755)
    program.with_name("python").touch()
    (tmp_path / ".installed").touch()
    command, _, _ = line.partition("#")
    if " run" not in command:
        assert do(["bash", "-c", f"{command} --dry-run"], REPO)
        return
    task = re.search(r'TASK="(.*)"', command)
    asked = task[1] if task else QUESTION
    assert do(["bash", "-c", f"{command} VENV={tmp_path}"], REPO) == f"run|{asked}|"


def test_the_commands_work_one_after_another(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    printed = do(["bash", "-ec", COMMANDS], tmp_path, BACKPROSE_DB=str(tmp_path / "runs.db"))
    for words in ("solve_dc_opf", '"text": "7000 kWh"', "run  status", "the engine itself"):
        assert words in re.sub(r" {2,}", "  ", printed)


@pytest.mark.local_model
def test_the_python_example_answers_on_the_real_local_model(tmp_path: Path) -> None:
    env = {"BACKPROSE_DB": str(tmp_path / "runs.db"), "BACKPROSE_MODEL": local_model(DEFAULT)}
    printed = do([sys.executable, "-c", EXAMPLE], tmp_path, **env)
    text, run_id, tokens = re.fullmatch(r"(.+) (\S+) (\d+)\n", printed, re.DOTALL).groups()  # type: ignore[union-attr]
    assert text
    assert int(tokens) > 0
    assert run_id in do([str(Path(sys.executable).with_name("backprose")), "runs", "list"], tmp_path, **env)


def test_every_folder_is_in_the_table_and_every_folder_of_the_table_is_there() -> None:
    listed = set(re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE))
    found = {folder.parent.name for folder in REPO.glob("[a-z]*/__init__.py")} | {"tests"}
    assert listed == found


def test_files_and_settings_that_are_named_exist() -> None:
    for file in re.findall(r"`([\w/]+\.md)`", README):
        assert (REPO / file).exists()
    product = "".join(file.read_text(encoding="utf-8") for file in (REPO / "store").rglob("*.py"))
    assert "BACKPROSE_DB" in product


def test_a_suite_of_ones_own_takes_twenty_lines(tmp_path: Path) -> None:
    file = tmp_path / "capitals.py"
    file.write_text(OWN_SUITE)
    assert len(OWN_SUITE.strip().splitlines()) <= 20
    suite = find_suite(str(file))
    peru = next(item for item in suite.items() if item.family == "Peru")
    assert suite.check(peru, Answer(text="It is Lima.")).score == 1
    assert suite.check(peru, Answer(text="Quito")).words == "Lima is right"
