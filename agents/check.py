"""Deterministic checks of what a model wrote: are its numbers the task's numbers, and are all of them used?

A small model's commonest faults are an invented number, a forgotten condition and a mistyped result. Each check returns
complaints in words that go back to the model; an empty tuple means that the check found nothing.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

COUNTS = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
    ),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
UNITS = {word: float(n) for n, word in enumerate(COUNTS)}
TENS = {
    w: 10.0 * k for k, w in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
PARTS = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "fifth": 1 / 5, "tenth": 1 / 10, "twentieth": 1 / 20}
TIMES = {"double": 2.0, "doubles": 2.0, "doubled": 2.0, "twice": 2.0, "triple": 3.0}
NUMERAL = re.compile(  # 1,354 has a thousands separator, 112,5 % a decimal comma
    r"\d+(?:,\d{3})+(?:\.\d+)?|\d+,\d{1,2}(?=\s*(?:%|per ?cent|MW))|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
)
LOOSE = re.compile(
    r"\s*-?\s*(decimals?|digits?|places|sentences?|words?|lines? of text|[ap]\.?m\b|o'clock)", re.IGNORECASE
)
WORD = re.compile(r"[A-Za-z]+")
PERCENT = r"(?:%|per ?cent)"
OF_A_SERIES = rf"\s*(?:to|and|or|versus|vs\.?|than|than at|against|from|,)\s*\d+(?:\.\d+)?\s*{PERCENT}"  # 92 to 107 %
AT_BEST = re.compile(
    r"\b(?:at|with) (?:the )?(?:least|lowest|minim\w+|smallest)(?: \w+)? \w+|\bleast-\w+"
)  # least-cost
FACTOR = re.compile(
    r"(?<![A-Za-z0-9_])[x×](?=\d)|(?<=\d)(?:[x×]|-?\s?fold|-?\s?times)(?![A-Za-z0-9_])"
)  # x1.3, 1.3x, 1.3-fold
SYSTEM = re.compile(r"\b\d+[- ](?:bus|node)\b|\bcase\w*\d\w*", re.IGNORECASE)  # 118-bus, case30, case24_ieee_rts
BOTH = UPWARDS, DOWNWARDS = 1, -1
_TO_A_SHARE = r"(?: +by)?(?: +an?)? +$"  # climbs by a quarter
_OF_A_SHARE = rf"\s*{PERCENT}?(?: +of)? *"  # 8 % above
RISING, FALLING = "ris|grow|increas|climb|jump|swell", "fall|drop|shrink|reduc|declin|decreas"  # stems of verbs
RISEN = re.compile(rf"\b(?:up|(?:{RISING})\w*|rose|grew){_TO_A_SHARE}", re.IGNORECASE)
RISES = re.compile(rf"{_OF_A_SHARE}(?:more|higher|greater|up|above|over|extra)\b", re.IGNORECASE)
FALLEN = re.compile(rf"\b(?:down|(?:{FALLING})\w*|fell|shrank){_TO_A_SHARE}", re.IGNORECASE)
FALLS = re.compile(rf"{_OF_A_SHARE}(?:less|lower|smaller|fewer|down|below|under|short|off)\b", re.IGNORECASE)
PAIR = re.compile(r"\b\d+-\d+\b")  # 6-8
OF_A_UNIT = re.compile(  # m3/d, 1/psi; and 8x8 is a size
    r"\b(?:[kcdm]?m|ft|in|yd|s)\^?-?[2-4]\b|(?<![\d.])1(?=/[a-z]+)|\b\d+ ?[x×] ?\d+\b"
)
NAME = re.compile(
    r"\b(?:[A-Za-z_]+\d[\w-]*|\d+-[A-Za-z]\w*|\d+(?:-\d+)+)"
)  # case30, 118-bus, 6-8: digits that are no quantity


@dataclass(frozen=True)
class Mention:
    """A number as a text says it. `firm` numbers carry a condition; small counts in words ("one hour") need not."""

    words: str
    value: float
    firm: bool
    condition: bool = True  # False where the unit behind it says that it sets none: 2 decimals

    def readings(self) -> tuple[float, ...]:
        """What the number may become in an argument: itself, as a share, as a change of 100 % up or down."""
        n = self.value
        return (
            n,
            -n,
            n / 100,
            100 * n,
            100 + n,
            100 - n,
            1 + n / 100,
            1 - n / 100,
            100 + 100 * n,
            100 - 100 * n,
            1 + n,
            1 - n,
        )


def mentions(text: str) -> tuple[Mention, ...]:
    """All numbers of a text, in digits and in words, in the order of digits first."""
    text = _without_units(text)
    digits = [
        Mention(m[0], float(_with_point(m[0])), firm=True, condition=not LOOSE.match(text, m.end()))
        for m in NUMERAL.finditer(text)
    ]
    return (*digits, *_spoken([w.lower() for w in WORD.findall(text)]))


def named(text: str, words: Iterable[str]) -> list[re.Match[str]]:
    """Where one of some words, or of beginnings of words, stands in a text."""
    return [m for w in words for m in re.finditer(rf"(?<![a-z'’]){re.escape(w)}", text, re.IGNORECASE)]


def beside(text: str, words: Iterable[str]) -> str:
    """What stands around words in a text: from the number before each to the second number behind it."""
    numerals = [m.span() for m in NUMERAL.finditer(_without_units(text))]
    found = []
    for at in named(text, words):
        first = max((start for start, end in numerals if end <= at.start()), default=at.start())
        last = max([end for start, end in numerals if start >= at.start()][:2], default=at.end())
        found.append(text[first:last])
    return "; ".join(found)


def _without_units(text: str) -> str:
    """A text in which no digit belongs to a unit or a size; everything else stands where it stood."""
    return OF_A_UNIT.sub(lambda m: " " * len(m[0]), text)


def shares(text: str, low: float, high: float) -> list[float]:
    """What the numbers of a text may become in an argument that is a pure number between `low` and `high`.

    8 % may be 0.08, 1.08 or 0.92, and a fifth 0.2, 1.2 or 0.8, of which a word that touches it and says up or down leaves two:
    8 % more is no 0.92. Another number is only itself, and digits in names are none: in "107 % at bus 24 of case30" only 107 %
    is a share. Where no reading of a number lies in the range, the positive ones stay.
    """
    plain = NAME.sub(" ", FACTOR.sub(" ", text))
    found: list[float] = []
    for m in NUMERAL.finditer(plain):
        n = float(_with_point(m[0]))
        percent = re.match(rf"\s*{PERCENT}|{OF_A_SERIES}", plain[m.end() :], re.IGNORECASE)
        ways = _ways_beside(plain[: m.start()], plain[m.end() :])
        found += _within(_changes(n / 100, ways) if percent else _changes(n, ways) if n < 1 else (n,), low, high)
    for spoken in _spoken([w.lower() for w in WORD.findall(plain)]):
        places = re.finditer(rf"\b{spoken.words}\b", plain, re.IGNORECASE)  # a tenth up here, a tenth down there
        ways = sorted({way for m in places for way in _ways_beside(plain[: m.start()], plain[m.end() :])})
        if spoken.value < 1 or spoken.words in TIMES:
            found += _within(_changes(spoken.value, ways) if spoken.value < 1 else (spoken.value,), low, high)
        elif re.search(rf"\b{spoken.words}\b(?:[\s-]\w+)?[\s-]*{PERCENT}", plain, re.IGNORECASE):
            found += _within(_changes(spoken.value / 100, ways), low, high)
    return found


def _changes(share: float, ways: Sequence[int]) -> tuple[float, ...]:
    return share, *(1 + way * share for way in ways)


def _ways_beside(before: str, after: str) -> Sequence[int]:
    """Up, down or both: what the words that touch a share on either side let it be."""
    beside = (RISEN.search(before) or RISES.match(after), FALLEN.search(before) or FALLS.match(after))
    return (UPWARDS,) if beside[0] and not beside[1] else (DOWNWARDS,) if beside[1] and not beside[0] else BOTH


def _within(values: tuple[float, ...], low: float, high: float) -> list[float]:
    return [v for v in values if low <= v <= high] or [v for v in values if v > 0]


def _with_point(numeral: str) -> str:
    """1,354.5 as 1354.5 and 112,5 as 112.5."""
    grouped = re.fullmatch(r"\d+(,\d{3})+(\.\d+)?", numeral)
    return numeral.replace(",", "" if grouped else ".")


def _spoken(words: list[str]) -> Iterator[Mention]:
    """Numbers in words: ninety-five, fifteen, a fifth, three quarters, twice."""
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        part = PARTS.get(word.removesuffix("s"))
        if word in TENS:
            ones = UNITS.get(after, 0.0)
            yield Mention(word, TENS[word] + (ones if ones < 10 else 0.0), firm=True)
        elif part:
            yield Mention(word, part * (UNITS.get(before, 1.0) or 1.0), firm=True)
        elif word in TIMES:
            yield Mention(word, TIMES[word], firm=True)
        elif word in UNITS:
            yield Mention(word, UNITS[word], firm=False)


def numbers(value: Any) -> Iterator[float]:
    """Every number inside JSON data, those inside its strings included."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, str):
        yield from (m.value for m in mentions(value))
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    else:
        for item in value:
            yield from numbers(item)


def near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def invented_numbers(arguments: dict[str, Any], task: str, defaults: dict[str, Any]) -> tuple[str, ...]:
    """Complaints about argument numbers that the task does not say and that are no defaults, with the nearest it does say."""
    allowed = [r for m in mentions(task) for r in m.readings()]
    complaints = []
    for name, value in arguments.items():
        own = [*allowed, *numbers(defaults.get(name))]
        for n in dict.fromkeys(numbers(value)):
            if not any(near(n, a) for a in own):
                nearest = min(allowed, key=lambda a: abs(a - n), default=None)
                hint = "copy it from the task" if nearest is None else f"did you mean {nearest:g}?"
                complaints.append(f"{name} has the number {n:g}, which the task does not say; {hint}")
    return tuple(complaints)


def unused_numbers(arguments: Iterable[dict[str, Any]], task: str) -> tuple[str, ...]:
    """Conditions of the task that no argument reflects. Not every number is one, so the finding may be wrong."""
    used = [n for a in arguments for n in numbers(a)]
    missed = [
        m for m in mentions(task) if m.firm and m.condition and not any(near(r, u) for r in m.readings() for u in used)
    ]
    said = (m.words if m.words[0].isdigit() or m.value >= 1 else f"{m.words} ({100 * m.value:g} %)" for m in missed)
    return tuple(f"the task says {words}, but no argument uses it" for words in dict.fromkeys(said))


def unused_outputs(asked: str, answers: Iterable[str], outputs: Iterable[str]) -> tuple[str, ...]:
    """Outputs that a question asks for by name and no answer is made of: what does it cost, answered by megawatts."""
    words = set(re.findall(r"[a-z]+", AT_BEST.sub(" ", asked.lower())))
    used = {name for answer in answers for name in re.findall(r"\.(\w+)", answer)}
    return tuple(
        f"the question says {name}, but no answer uses it"
        for name in outputs
        if name not in used and words & {name, f"{name}s"}
    )


def sources_of(number: float, said: Sequence[Mention]) -> list[Mention]:
    """The mentions of which a number may be a reading."""
    return [m for m in said if any(near(r, number) for r in m.readings())]


def shared_numbers(arguments: Mapping[str, Any], task: str, defaults: Mapping[str, Any]) -> tuple[str, ...]:
    """Advice where one number of the task, said once, became the value of two arguments of a call."""
    said = mentions(task)
    of: dict[Mention, list[str]] = {}
    for name, n in arguments.items():
        if isinstance(n, int | float) and not isinstance(n, bool) and n != defaults.get(name):
            sources = sources_of(n, said)
            if len(sources) == 1:
                of.setdefault(sources[0], []).append(name)
    return tuple(
        f"the task says {number.words} once, but {' and '.join(names)} use it; leave out the one it is not said of"
        for number, names in of.items()
        if len(names) > 1
    )


def foreign_names(arguments: dict[str, Any], task: str, defaults: dict[str, Any]) -> tuple[str, ...]:
    """Complaints about names in arguments of which the task has neither a word nor a number."""
    said = set(re.findall(r"[a-z]+|\d+", task.lower())) | {f"{m.value:g}" for m in mentions(task)}
    complaints = []
    for name, value in arguments.items():
        if not isinstance(value, str) or not value or value == defaults.get(name):
            continue
        parts = re.findall(r"[a-z]{3,}|\d+", value.lower())
        numerals = [p for p in parts if p.isdigit()]
        if parts and not (said >= set(numerals) if numerals else said & set(parts)):
            complaints.append(f"{name} is {value!r}, which the task does not name; copy the name from the task")
    return tuple(complaints)


ROUGH = 0.1  # relative; 2 is no rounding of 1.5


def mistyped_numbers(text: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Complaints about numbers in a written answer that round to none of the numbers in its sources."""
    known = [m.value for source in sources for m in mentions(source)]
    wrong = [m.words for m in mentions(text) if m.firm and not any(_rounds_to(k, m) for k in known)]
    return tuple(f"the number {words} stands in none of the results" for words in dict.fromkeys(wrong))


def unsaid_values(text: str, values: Iterable[float | str]) -> tuple[str, ...]:
    """Complaints about results that a written answer leaves out."""
    said = [m for m in mentions(text) if m.firm]
    missing = []
    for value in values:
        if isinstance(value, str):
            there = value.lower() in text.lower() or (
                value.lower() == "none" and re.search(r"\bno(ne)?\b", text.lower())
            )
        else:
            there = any(_rounds_to(abs(value), m) for m in said)
        if not there:
            missing.append(f"the result {value} is not said")
    return tuple(missing)


def _rounds_to(exact: float, written: Mention) -> bool:
    in_digits = written.words[0].isdigit()
    place = int(Decimal(_with_point(written.words)).as_tuple().exponent) if in_digits else 0  # of the last digit
    off = abs(exact - written.value)
    return near(exact, written.value) or (off <= 0.5 * 10.0**place * (1 + 1e-9) and off <= ROUGH * abs(exact))
