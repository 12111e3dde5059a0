"""From what a person types to a system: its name, its name with a number, or the file of a network."""

from difflib import get_close_matches
from pathlib import Path

from agents import GraphSpec, Network
from experiments.systems.published import NUMBERED, PUBLISHED, numbered
from experiments.systems.teams import SYSTEMS as TEAMS
from experiments.systems.teams import System
from experiments.systems.trained import TRAINED

SYSTEMS: dict[str, System] = TEAMS | {s.name: s for s in (*PUBLISHED, *TRAINED)}


class UnknownSystem(Exception):
    """No system has this name; `hint` says which there are."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


def find_system(name: str) -> System:
    """A system by name (`debate`), name and number (`self_consistency@8`), or a network's JSON file (trained, or one's own).

    Raises:
        UnknownSystem: There is no such system.
        SpecError: The file holds no network.
    """
    if name in SYSTEMS:
        return SYSTEMS[name]
    base, _, number = name.partition("@")
    if base in NUMBERED and number.isdigit() and int(number) > 0:
        return numbered(base, int(number))
    if name.endswith(".json"):
        return _from_file(Path(name))
    close = get_close_matches(name, SYSTEMS, n=1)
    suggestion = f"; did you mean {close[0]}?" if close else ""
    raise UnknownSystem(
        f"no system named {name}{suggestion}", f"systems are {', '.join(SYSTEMS)}, or a network's JSON file"
    )


def _from_file(path: Path) -> System:
    if not path.is_file():
        raise UnknownSystem(f"there is no file {path}", "give a file that Network.save wrote")
    spec: GraphSpec = Network.load(path).spec
    return System(path.stem, f"the network in {path.name}", lambda task: spec)
