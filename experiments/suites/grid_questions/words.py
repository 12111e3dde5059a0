"""Read answers about grids: numbers with their units, and names of lines and buses."""

import re
from dataclasses import dataclass

NAMES = re.compile(
    r"case[\w-]*|\b\d+[- ]?bus\b|\b(?:bus(?:es)?|nodes?|lines?|rows?|generators?|ieee|illinois|pegase)\s*#?\s*\d+(?:#\d+)?",
    re.IGNORECASE,
)
LINE = re.compile(r"(?<![\w.#])(\d+)\s*[-–—]\s*(\d+)(?:\s*#\s*(\d+))?(?!\w)(?!\.\d)")
BUS = re.compile(r"\b(?:bus|node)\s*#?\s*(\d+)(?!\s*[-–—]\s*\d)(?!\w)", re.IGNORECASE)
NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[$€]?)\s*(?P<digits>[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?!\d)"
)
UNIT_AFTER = re.compile(
    r"\s*(?P<unit>%|per\s?cent\w*(?: points?)?|pct|[kMG]W\b|megawatts?|times\b|x\b"
    r"|(?:[kM]?(?:\$|€|USD|EUR|dollars?|euros?|currency))?\s*(?:/|\bper\b|\ban?\b)\s*(?:MWh|megawatt.?hours?|h(?:ou)?r?)\b"
    r"|[kM]?(?:\$|€|USD|EUR|dollars?|euros?))",
    re.IGNORECASE,
)

Line = tuple[int, int, int]  # the lower bus, the higher bus, the circuit


@dataclass(frozen=True)
class Unit:
    """A multiple of a unit that questions ask in. An empty `base` contradicts nothing; "$" is money of any kind."""

    base: str
    factor: float = 1.0


@dataclass(frozen=True)
class Number:
    value: float
    unit: Unit | None  # None for one that no question asks in


SPELLINGS = (
    (r"(?:[a-z]+ )*(?:lines?|branch(?:es)?)(?: at .*)?", "lines"),
    (r"usd|euros?|eur|dollars?|currency|€", "$"),
    (r"per\s?cent\w*(?: points?)?|pct", "%"),
    (r"\s*(?:/|\bper\b|\ban?\b)\s*", "/"),
    (r"megawatt.?hours?", "mwh"),
    (r"megawatts?", "mw"),
    (r"/(?:hours?|hr)", "/h"),
    (r"\s+", ""),
)
UNITS = {
    "": Unit(""),
    "1": Unit(""),
    "times": Unit("1"),
    "x": Unit("1"),
    "%": Unit("%"),
    "$": Unit("$"),
    "/h": Unit("$/h"),
    "$/h": Unit("$/h"),
    "k$/h": Unit("$/h", 1e3),
    "m$/h": Unit("$/h", 1e6),
    "/mwh": Unit("$/MWh"),
    "$/mwh": Unit("$/MWh"),
    "kw": Unit("MW", 1e-3),
    "mw": Unit("MW"),
    "gw": Unit("MW", 1e3),
    "lines": Unit("lines"),
}


def unit_of(text: str) -> Unit | None:
    """The unit that a text names; None for one that no question asks in."""
    plain = text.strip().lower()
    for spelling, standard in SPELLINGS:
        plain = re.sub(spelling, standard, plain)
    return UNITS.get(plain)


def numbers(text: str) -> list[Number]:
    """The numbers of a text that are not part of a name, with the units before and after them, in order."""
    bare = NAMES.sub(" ", LINE.sub(" ", text))
    found = []
    for match in NUMBER.finditer(bare):
        after = UNIT_AFTER.match(bare, match.end())
        said = after["unit"] if after else ""
        unit = unit_of(said if "$" in said or "€" in said else match["sign"] + said)
        found.append(Number(float(match["digits"].replace(",", "").replace("−", "-")), unit))
    return found


def lines(text: str) -> set[Line]:
    """The lines that a text names, without direction: 8-6 is 6-8, and 6-8#1 is 6-8."""
    return {(min(int(a), int(b)), max(int(a), int(b)), int(circuit or 1)) for a, b, circuit in LINE.findall(text)}


def buses(text: str) -> list[int]:
    """The buses that a text names, in order."""
    return [int(number) for number in BUS.findall(text)]
