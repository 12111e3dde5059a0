"""What people call grids, buses, lines and generators, and what these are called here.

Buses carry their published MATPOWER numbers. A line is named by its ends, "6-8"; a second circuit beside it is "6-8#2".
A generator is named by its bus, "13"; a second unit at that bus is "13#2".
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from tools.contract import BadInput
from tools.suggest import did_you_mean

GRIDS = (
    "case5",
    "case6ww",
    "case9",
    "case14",
    "case24_ieee_rts",
    "case30",
    "case_ieee30",
    "case39",
    "case57",
    "case89pegase",
    "case118",
    "case_illinois200",
    "case300",
    "case1354pegase",
    "case2869pegase",
    "case3120sp",
)
FILE_ENDINGS = (".m", ".json")

_BY_SIZE = {re.sub(r"\D", "", name): name for name in GRIDS if name != "case_ieee30"}  # "30" is case30, see `grid_name`
_OWN = {  # words that belong to the names of certain grids
    "case5": "pjm",
    "case6ww": "ww wood wollenberg",
    "case9": "wscc western",
    "case24_ieee_rts": "rts reliability",
    "case39": "new england",
    "case89pegase": "pegase european",
    "case_illinois200": "illinois",
    "case1354pegase": "pegase european",
    "case2869pegase": "pegase european",
    "case3120sp": "polish poland sp summer peak",
}
_ALONE = {
    "illinois": "case_illinois200",
    "polish": "case3120sp",
    "new england": "case39",
}  # families with one shipped grid
_SAYS_NOTHING = """a an and benchmark bus buses case classic data electric example for good grid ieee in large matpower model
    net network node nodes of old older our pandapower power sample set small standard synthetic system test the this
    transmission version with"""  # about which grid
_ANY = frozenset(_SAYS_NOTHING.split())
_SPOKEN = {
    **{
        w: n
        for n, w in enumerate(
            ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 1
        )
    },
    **{
        w: n
        for n, w in enumerate(["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"], 13)
    },
    **{
        w: 10 * n
        for n, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
    },
}


class UnknownGrid(BadInput):
    """No grid has this name."""


class UnknownBus(BadInput):
    """The grid has no bus of this number."""


class UnknownLine(BadInput):
    """The grid has no line of this name."""


class UnknownGenerator(BadInput):
    """The grid has no generator of this name."""


def grid_name(said: str) -> str:
    """The shipped grid that `said` means, such as "IEEE 118-bus" or "118", or `said` itself where it names a file.

    It is known by its size; a word that belongs to no name of that grid, such as a country's, makes it another one.

    "IEEE 30-bus" is case30, which has line limits; the older case_ieee30, which has none, is meant only by its own name.

    Raises:
        UnknownGrid: If it is neither; the hint lists the grids.
    """
    word = said.strip()
    if word in GRIDS or word.lower().endswith(FILE_ENDINGS):
        return word
    parts = re.findall(r"[a-z]+|\d+", _in_digits(re.sub(r"(?<=\d),(?=\d{3})|['’]s\b", "", word.lower())))
    sizes = [part for part in parts if part.isdigit()]
    words = {part for part in parts if not part.isdigit()}
    families = [grid for family, grid in _ALONE.items() if words >= set(family.split())]
    named = _BY_SIZE.get(sizes[0]) if len(sizes) == 1 else families[0] if not sizes and families else None
    if named and words <= _ANY | set(_OWN.get(named, "").split()):
        return named
    raise UnknownGrid(
        f"no grid named {word}{did_you_mean(word, GRIDS)}", hint=f"grids: {', '.join(GRIDS)}", fields=["grid"]
    )


def _in_digits(said: str) -> str:
    """The same words with "thirty" as 30 and "one hundred and eighteen" as 118."""
    kept: list[str] = []
    total = 0
    for word in re.findall(r"[a-z]+|[^a-z]+", said):
        if word in _SPOKEN:
            total += _SPOKEN[word]
        elif word == "hundred":
            total = 100 * (total or 1)
        elif total and (word == "and" or word.isspace() or word == "-"):
            continue
        else:
            kept += [str(total)] * bool(total) + [word]
            total = 0
    return "".join(kept + [str(total)] * bool(total))


def find_bus(number: int, buses: Iterable[int]) -> int:
    """The position of the bus with this published number.

    Raises:
        UnknownBus: If there is none; names the nearest numbers.
    """
    known = [int(bus) for bus in buses]
    if number in known:
        return known.index(number)
    near = sorted(sorted(known, key=lambda bus: abs(bus - number))[:3])
    raise UnknownBus(
        f"there is no bus {number}; the nearest are {', '.join(map(str, near))}",
        hint=f"the {len(known)} buses are numbered from {min(known)} to {max(known)}",
        bus=number,
    )


def _numbers(said: str) -> list[str]:
    """The numbers in the name of an element; a path names none, whatever numbers its folders bear."""
    return [] if set("/\\") & set(said) else re.findall(r"\d+", said)


def find_line(said: str, lines: Iterable[str], rows: Iterable[int]) -> int:
    """The position of the line that `said` means: its ends in either order, "6-8#2", or its published row, "12".

    Raises:
        UnknownLine: If there is none; names the nearest.
    """
    names, numbers = list(lines), list(rows)
    digits = _numbers(said)
    circuit = digits[2:] or ["1"]
    if len(digits) == 1 and int(digits[0]) in numbers:
        return numbers.index(int(digits[0]))
    if len(digits) in {2, 3}:
        tail = "" if circuit == ["1"] else f"#{circuit[0]}"
        for name in (f"{digits[0]}-{digits[1]}{tail}", f"{digits[1]}-{digits[0]}{tail}"):
            if name in names:
                return names.index(name)
    raise UnknownLine(
        f"there is no line {said}{_nearest_line(digits, names)}",
        hint=f'name a line by its two buses, such as "{names[0]}", or by its row, 1 to {max(numbers)}',
        line=said,
    )


def _nearest_line(digits: list[str], names: list[str]) -> str:
    if len(digits) < 2:
        return ""
    touching = [name for name in names if set(digits[:2]) & set(re.findall(r"\d+", name)[:2])]
    near = get_close_matches("-".join(digits[:2]), touching or names, n=4, cutoff=0.3)
    return f"; near it are {', '.join(near)}" if near else ""


def find_generator(said: str, generators: Iterable[str]) -> int:
    """The position of the generator that `said` means: its bus, "13", or a unit at that bus, "13#2".

    Raises:
        UnknownGenerator: If there is none; names the nearest.
    """
    names = list(generators)
    bus, *unit = _numbers(said) or [""]
    name = bus if unit in ([], ["1"]) else "#".join([bus, *unit])
    if name in names:
        return names.index(name)
    near = sorted(names, key=lambda other: abs(int(other.split("#")[0]) - int(bus or 0)))[:4]
    raise UnknownGenerator(
        f"there is no generator {said}; near it are {', '.join(near)}",
        hint='name a generator by its bus, such as "13", or "13#2" for the second unit there',
        generator=said,
    )


def with_circuits(names: list[str], keys: list[str] | None = None) -> list[str]:
    """The same names, the second and later of equal ones marked "#2", "#3", ...; `keys` says which are equal."""
    seen: dict[str, int] = {}
    marked = []
    for name, key in zip(names, keys or names, strict=True):
        seen[key] = seen.get(key, 0) + 1
        marked.append(name if seen[key] == 1 else f"{name}#{seen[key]}")
    return marked
