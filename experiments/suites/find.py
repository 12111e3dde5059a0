"""From what a person types to a suite: the name of one that is here, or a Python file of one's own."""

import importlib
import importlib.util
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from experiments.suites.protocol import Suite

HERE = Path(__file__).parent


class UnknownSuite(Exception):
    """No suite has this name; `hint` says which there are."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


def suite_names() -> list[str]:
    """The suites that are here: folders of this package that define one."""
    return sorted(p.name for p in HERE.iterdir() if (p / "__init__.py").exists() and _defines(p))


def find_suite(name: str) -> Suite:
    """A suite by its name, or `path/to/file.py` that defines `suite`. Raises `UnknownSuite`."""
    if name.endswith(".py"):
        return _from_file(Path(name))
    if name not in suite_names():
        close = get_close_matches(name, suite_names(), n=1)
        suggestion = f"; did you mean {close[0]}?" if close else ""
        raise UnknownSuite(
            f"no suite named {name}{suggestion}", f"suites are {', '.join(suite_names())}, or a Python file of your own"
        )
    return _suite_in(importlib.import_module(f"experiments.suites.{name}"), name)


def _defines(folder: Path) -> bool:
    return (folder / "suite.py").exists()


def _from_file(path: Path) -> Suite:
    spec = importlib.util.spec_from_file_location(f"suite_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UnknownSuite(f"there is no file {path}", "give a Python file that defines `suite`")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return _suite_in(module, str(path))


def _suite_in(module: object, name: str) -> Suite:
    suite: Any = getattr(module, "suite", None)
    if callable(getattr(suite, "items", None)) and callable(getattr(suite, "check", None)):
        found: Suite = suite
        return found
    raise UnknownSuite(f"{name} defines no `suite`", "write `suite = MySuite()` at its end")
