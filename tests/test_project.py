"""The project as it is installed: what it imports is declared, and what it reads at run time is in the wheel."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from typing import Any

import pytest

from backprose import PACKAGES
from tools import all_tools

REPO = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
DISTRIBUTIONS = packages_distributions()  # by top-level module
OURS = {*PACKAGES, "backprose", "tests"}
MADE_UP = {"no_such_solver"}  # a toy tool imports it in order to fail


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared(*groups: list[str]) -> set[str]:
    """The distributions that lists of requirements name."""
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for group in groups for requirement in group}


def modules(file: Path) -> Iterator[str]:
    """The top-level modules that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def foreign(folder: str) -> dict[str, set[str]]:
    """The modules of others that a folder imports, each with the files that do."""
    found: dict[str, set[str]] = {}
    for file in (REPO / folder).rglob("*.py"):
        for module in set(modules(file)) - sys.stdlib_module_names - OURS - MADE_UP:
            found.setdefault(module, set()).add(file.relative_to(REPO).as_posix())
    return found


def owners(module: str) -> set[str]:
    """The distributions that bring a module; several may share a namespace."""
    return {normal(owner) for owner in DISTRIBUTIONS.get(module, [module])}


@pytest.mark.parametrize("folder", [*PACKAGES, "tests"])
def test_whatever_is_imported_is_declared(folder: str) -> None:
    extras = [requirements for name, requirements in EXTRAS.items() if name != "dev" or folder == "tests"]
    known = declared(PROJECT["dependencies"], *extras)
    assert {module: files for module, files in foreign(folder).items() if not owners(module) & known} == {}


def test_a_domain_s_libraries_are_imported_by_that_domain_and_its_judges_only() -> None:
    of_power = declared(EXTRAS["power"])
    users = {f for folder in PACKAGES for m, files in foreign(folder).items() if owners(m) & of_power for f in files}
    assert users
    assert {file for file in users if not file.startswith(("tools/power/", "experiments/"))} == set()


def test_a_tool_names_an_extra_that_exists() -> None:
    assert {tool.extra for tool in all_tools().values()} <= {"", *EXTRAS}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel of this tree, built without a network."""
    source, built, unpacked = (tmp_path_factory.mktemp(name) for name in ("source", "built", "unpacked"))
    for package in PACKAGES:
        copytree(REPO / package, source / package, ignore=ignore_patterns("__pycache__"))
    for file in ("backprose.py", "pyproject.toml", "README.md", "LICENSE"):
        copy(REPO / file, source / file)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", built]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, source], check=True, timeout=120)
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    def files(home: Path) -> set[str]:
        found = (file for package in PACKAGES for file in (home / package).rglob("*") if file.is_file())
        return {file.relative_to(home).as_posix() for file in found if "__pycache__" not in file.parts}

    assert files(REPO) - files(wheel) == set()
    assert (wheel / "backprose.py").exists()


READS_ALL_KINDS_OF_DATA = """
import json, sys
import agents, backprose, experiments, store, tools, ui
from experiments.suites.grid_questions import suite
from tools.power.dc_opf.shipped import shipped_grid
from ui.export import export_html
from ui.view.papers import papers
from ui.view.story import tell

with store.Store.open(sys.argv[1]) as opened:  # by the migrations
    run = opened.start_run(task="ship it")
    run.finish("answered")
    opened.flush()
    page = export_html(tell(opened, run.run_id))
print(json.dumps({
    "home": str(backprose.HOME),
    "page": "ship it" in page and "<style>" in page,
    "papers": len(papers()),
    "questions": len(suite.items()),
    "buses": len(shipped_grid("case30").buses),
}))
"""


def test_the_wheel_works_away_from_its_source(wheel: Path, tmp_path: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(wheel), "BACKPROSE_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", READS_ALL_KINDS_OF_DATA, str(tmp_path / "runs.db")]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("questions") >= 60
    assert told == {"home": str(wheel), "page": True, "papers": 42, "buses": 30}
