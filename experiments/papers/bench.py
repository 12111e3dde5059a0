"""Run a paper's experiment part by part and keep each part's lines as soon as they are there.

An experiment is a module of this folder, named by its slug, with `PAPER` (the row in `backprose papers`) and `PARTS`: functions
by name that measure and return lines. A part should take a few minutes at most, so that little is lost when it is stopped.
"""

import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from types import ModuleType

from experiments.papers.lines import Line
from tools import BadInput
from tools.suggest import did_you_mean

Say = Callable[[str], None]
Part = Callable[[Say], Sequence[Line]]

_HERE = Path(__file__).parent
_NO_EXPERIMENT = {"__init__", "bench", "lines"}
_LIBRARIES = ("torch", "numpy", "scipy", "pennylane", "scikit-learn", "highspy", "transformers", "peft")


class UnknownPaper(BadInput):
    """No experiment, or no part of one, has this name."""


@dataclass(frozen=True)
class PartResult:
    """What one part found, when, where and at what cost."""

    lines: tuple[Line, ...]
    date: str
    minutes: float
    cpu_minutes: float
    made_with: Mapping[str, str]


def slugs() -> dict[str, int]:
    """The experiments there are, with the number of their paper; found without running them."""
    found = sorted(path.stem for path in _HERE.glob("*.py") if path.stem not in _NO_EXPERIMENT)
    return {slug: _module(slug).PAPER for slug in found}


def results_folder() -> Path:
    """Where results are kept: beside the experiments, so that they ship with them."""
    return _HERE / "results"


def load_results(slug: str, folder: Path | None = None) -> dict[str, PartResult]:
    """The parts that were run, by name; empty if none was."""
    path = (folder or results_folder()) / f"{slug}.json"
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: PartResult(**{**part, "lines": tuple(Line(**line) for line in part["lines"])})
        for name, part in kept["parts"].items()
    }


def all_results(folder: Path | None = None) -> dict[int, dict[str, PartResult]]:
    """What was measured, by number of the paper; no experiment is loaded for it."""
    found = {}
    for path in sorted((folder or results_folder()).glob("*.json")):
        found[int(json.loads(path.read_text(encoding="utf-8"))["paper"])] = load_results(path.stem, folder)
    return found


def run_paper(
    slug: str, *, parts: Sequence[str] = (), say: Say = lambda words: None, folder: Path | None = None
) -> dict[str, PartResult]:
    """Run an experiment, or some of its parts, and keep each part's result; the other parts keep theirs.

    Args:
        slug: The experiment, such as `hamiltonian_reuploading`; hyphens do as well.
        parts: Names of parts; empty for all.
        say: Told what is being done.
        folder: Where to keep the results, instead of beside the experiments.

    Returns:
        What is now kept, of all parts.

    Raises:
        UnknownPaper: There is no such experiment or part; says which may have been meant.
    """
    slug, known = _known(slug), slugs()
    all_parts: Mapping[str, Part] = _module(slug).PARTS
    for name in parts:
        if name not in all_parts:
            raise UnknownPaper(
                f"{slug} has no part {name}{did_you_mean(name, all_parts)}", hint=f"parts: {', '.join(all_parts)}"
            )
    for name in parts or all_parts:
        say(f"{slug}: {name}")
        started, cpu = perf_counter(), process_time()
        lines = tuple(all_parts[name](say))
        minutes, cpu_minutes = (perf_counter() - started) / 60, (process_time() - cpu) / 60
        result = PartResult(
            lines, f"{datetime.now(UTC):%Y-%m-%d}", round(minutes, 2), round(cpu_minutes, 2), _made_with()
        )
        _keep(slug, known[slug], {**load_results(slug, folder), name: result}, list(all_parts), folder)
    return load_results(slug, folder)


def find_results(slug: str, folder: Path | None = None) -> dict[str, PartResult]:
    """The parts of an experiment that were run.

    Raises:
        UnknownPaper: There is no such experiment, or none of its parts was run.
    """
    slug = _known(slug)
    if found := load_results(slug, folder):
        return found
    raise UnknownPaper(f"{slug} was not run yet", hint=f"backprose papers run {slug}")


def _known(slug: str) -> str:
    slug, known = slug.replace("-", "_"), slugs()
    if slug not in known:
        raise UnknownPaper(
            f"no experiment named {slug}{did_you_mean(slug, known)}", hint=f"experiments: {', '.join(known)}"
        )
    return slug


def _module(slug: str) -> ModuleType:
    return import_module(f"experiments.papers.{slug}")


def _keep(slug: str, paper: int, results: Mapping[str, PartResult], order: list[str], folder: Path | None) -> None:
    place = folder or results_folder()
    place.mkdir(parents=True, exist_ok=True)
    parts = {name: asdict(results[name]) for name in order if name in results}
    text = json.dumps({"paper": paper, "command": f"backprose papers run {slug}", "parts": parts}, indent=1)
    unfinished = place / f".{slug}.{os.getpid()}"
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(place / f"{slug}.json")


def _made_with() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError

    found = {"python": platform.python_version(), "machine": f"{_processor()}, {os.cpu_count()} cores"}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@contextmanager
def one_thread() -> Iterator[None]:
    """Measure on one core, as the tables say."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
