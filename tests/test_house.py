"""The house: five packages with plain names, which say clearly when something else stands in their place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import backprose

REPO = Path(__file__).parents[1]


def python(*code: str, path: list[Path]) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-c", "; ".join(code)]
    return subprocess.run(command, cwd=path[0], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("foreign", "wanted"), [("store", "agents"), ("tools", "agents"), ("ui", "store")])
def test_a_foreign_package_in_our_place_is_named_in_one_line(tmp_path: Path, foreign: str, wanted: str) -> None:
    (tmp_path / foreign).mkdir()
    (tmp_path / foreign / "__init__.py").write_text("")
    done = python(f"import {wanted}", path=[tmp_path, REPO])
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith(
        f"backprose.ShadowedPackage: the package `{foreign}` of Backprose is shadowed by {(tmp_path / foreign).resolve()}"
    )
    assert "use an environment of its own" in last


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backprose, "PACKAGES", ("agents", "nowhere_to_be_found"))
    with pytest.raises(backprose.ShadowedPackage, match="the package `nowhere_to_be_found` of Backprose is missing"):
        backprose.check_house()


def test_the_house_stands() -> None:
    backprose.check_house()
    assert python("import agents, experiments, store, tools, ui", path=[REPO]).returncode == 0
