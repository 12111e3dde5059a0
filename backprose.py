"""The house of Backprose: its five packages, and the check that each of them is really ours.

The packages have plain names (`agents`, `tools`, ...), which another distribution may also use. Whoever imports one of ours
gets a clear word instead of a puzzling ImportError deep inside.
"""

import importlib.util
from pathlib import Path

PACKAGES = ("agents", "experiments", "store", "tools", "ui")
HOME = Path(__file__).resolve().parent


class ShadowedPackage(ImportError):
    """A package of another distribution stands where one of ours should."""


def check_house(home: Path = HOME) -> None:
    """Raise `ShadowedPackage` if any of the five packages would be imported from outside `home`."""
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origins = (spec.submodule_search_locations or [spec.origin or ""]) if spec else []
        places = [Path(origin).resolve() for origin in origins]
        if home / name not in places:
            found = f"is shadowed by {places[0]}" if places else "is missing"
            raise ShadowedPackage(
                f"the package `{name}` of Backprose {found}: use an environment of its own (`make run` makes .venv), "
                f"or put {home} first on PYTHONPATH"
            )


check_house()


def main() -> None:
    """Run the command line."""
    from ui.cli import app

    app()


if __name__ == "__main__":
    main()
