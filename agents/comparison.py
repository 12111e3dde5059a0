"""Comparisons: does a question ask what a change does, and is it answered for the right cases, the right way round?

It goes by the words alone, so every finding is advice that may be wrong, said once. Whether a change is asked for has three
answers: where the words are open, nothing is advised.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agents.check import (
    COUNTS,
    FALLING,
    PARTS,
    PERCENT,
    RISING,
    TENS,
    Mention,
    mentions,
    near,
    numbers,
    sources_of,
)

UP = (
    r"(?<!one )more|dearer|costlier|extra|additional|adds?|added|increases?|rises?|grows?|climbs?|exceeds?|higher|losing|loss"
    r"|surcharge|penalty|go(?:es)? up"
)
DOWN = (
    r"less|cheaper|saves?|saved|savings?|drops?(?! out)|falls?(?! out)|decreases?|reduces?|lowers?|worth"
    r"|spares?(?! (?:capacity|room|margin))|go(?:es)? down"
)
GROWING = re.compile(rf"\b(more|higher|up|above|over|extra|another|({RISING}|surg|add|lift)\w*|rose|grew)\b")
SHRINKING = re.compile(
    rf"\b(less|lower|off|down|below|under|fewer|fell|shr[au]nk|cuts?|({FALLING}|shav|trim|eas|slip|dip|curtail)\w*)\b"
)
Way = Literal["up", "down"]
NEARBY = 40  # characters between a number and the word that says which way it changes something
EITHER = (
    r"changes?|differ\w*|gap|spread|compared?|versus|vs|than|times as|ratio|factor(?! (?:of )?\d)|minus|subtract\w*|divid\w*"
    r"|by how (?:much|many)|by what (?:per ?cent\w*|share|amount)"
)
CHANGE = re.compile(rf"\b({UP}|{DOWN}|{EITHER})\b")
TWO_CASES = re.compile(  # of something that is a change itself: how much more it drops
    r"\b(than|compared?|versus|vs|differ\w*|more|less|extra|additional|larger|smaller|higher)\b"
)
PERHAPS = re.compile(
    r"\b(apart|away|between|cost us|costs? in per ?cent|disappear\w*|push\w*|puts? on|comes? out|remains?)\b"
)
SHARE = (  # 8 %, eight percent, a tenth, 1.35 times
    rf"(?:(?:\d[\d.,]*|{'|'.join((*COUNTS, *TENS))})[\s-]*{PERCENT}"
    rf"|(?:an?|{'|'.join(COUNTS)})[\s-](?:{'|'.join(PARTS)})s?|half|\d[\d.,]*\s?(?:times|x))"
)
VERBS = f"{RISING}|{FALLING}|add|eas|dip|cut|lower|trim|shed|up|down|off|minus|plus"
OF_THE_CASE = re.compile(  # a change that says which case is meant, and asks for none: after losing a line, with 8 % more load
    r"\b(?:after|with|without|upon|following|despite|given|under|while|when|once) (?:the )?(?:losing|loss)\b"
    rf"|\b(?:{VERBS})\w* (?:by |to |from )?{SHARE}"
    rf"|{SHARE} (?:more|less|higher|lower|greater|smaller|fewer|above|below|over|under|up|down|off|low|high)\b(?: than)?"
)
MARGINAL = re.compile(  # a price is what one more costs: "a megawatt-hour is worth" and "one extra MW adds" change no case
    r"\b(an?|one|each|every|another|the (next|last)) ((extra|additional|more|further|single|marginal) )?(mwh?|megawatt)\b"
)
OF_A_PRICE = re.compile(rf"{MARGINAL.pattern}|\b(worth|adds?|added)\b")
IN_PERCENT = re.compile(r"\bper ?cent(age)?\b|%")
A_SHARE = re.compile(rf"(\d|\b({'|'.join((*COUNTS, *TENS))}))[\s-]*({PERCENT})")  # "at 105 %" is a condition, no wish
ASKED_PERCENT = re.compile(r"\b(how many|what|which|in) (per ?cent|percentage|%)")
RATIO = re.compile(r"\b(times as|ratio|factor(?! (?:of )?\d)|divid\w*)\b")
DIRECTED = re.compile(  # a.x - b.x, or (a.x - b.x) / b.x * 100
    r"(?P<open>\()?(?P<first>[a-z]\.(?P<output>\w+)) - (?P<second>[a-z]\.(?P=output))"
    r"(?(open)\) / (?P<of>[a-z]\.(?P=output)) \* 100)"
)


def misread_comparison(
    task: str, asked: str, cases: Sequence[Mapping[str, Any]], answers: Sequence[str], changes: Collection[str] = ()
) -> tuple[str, ...]:
    """Advice where the words of a question and the cases computed for it do not go together.

    Args:
        task: The whole task.
        asked: The question in it, without the conditions.
        cases: Arguments of each call.
        answers: Expressions over the calls.
        changes: Outputs that are changes themselves, such as a pressure drop.
    """
    change = change_asked(asked)
    if set(re.findall(r"\.(\w+)", " ".join(answers))) & set(changes) and not TWO_CASES.search(asked.lower()):
        change = None
    if not change and not any(map(_perhaps_changed, (asked, task))):
        return ("the values of one case are asked for: make one call",) if len(cases) > 1 else ()
    if RATIO.search(asked.lower()):
        return () if any(" / b" in a or " / a" in a for a in answers) else ("a ratio of two cases is asked for",)
    if change and not any(" - " in a for a in answers):
        return (f"{change!r} asks for a change: make two calls, a with the change and b without it, and subtract",)
    wanted = wants_percent(asked) or bool(ASKED_PERCENT.search(task.lower()))
    if len(cases) > 1 and wanted != any("* 100" in a for a in answers):
        return ("a difference in percent is asked for" if wanted else "the difference is asked for, not in percent",)
    return (*_stray_changes(asked, *cases), *_both_ways(task, *cases)) if len(cases) == 2 else ()


def wants_percent(words: str) -> bool:
    """Whether words speak of percent other than in a condition such as "at 105 %"."""
    return bool(IN_PERCENT.search(A_SHARE.sub(" ", words.lower())))


def change_asked(asked: str) -> str | None:
    """The word of a question that asks what a change does, if one does."""
    change = CHANGE.search(_without_the_case(asked))
    return change[0] if change else None


def _perhaps_changed(asked: str) -> bool:
    """Whether the words of a question leave it open that a change is asked for."""
    words = _without_the_case(asked)
    return any(p.search(words) for p in (CHANGE, PERHAPS, GROWING, SHRINKING, ASKED_PERCENT))


def _without_the_case(asked: str) -> str:
    """A question's words without those that say which case it is about, or which price."""
    words = OF_THE_CASE.sub(" ", asked.lower())
    return OF_A_PRICE.sub(" ", words) if MARGINAL.search(words) else words


@dataclass(frozen=True)
class _Change:
    """A difference as the words of a question want it: positive, in percent of the smaller value for a rise and of the larger
    one for a fall."""

    way: Literal["more", "less"]
    low: str  # the reference with the smaller value
    high: str
    wanted: str

    @classmethod
    def of(cls, asked: Sequence[str], expression: str, value: Callable[[str], float]) -> "_Change | None":
        """None where the expression is no difference, its values are equal, or the words say no way or both."""
        form = DIRECTED.fullmatch(expression)
        said = ([way for way in (UP, DOWN) if re.search(rf"\b({way})\b", words.lower())] for words in asked)
        ways = next((found for found in said if len(found) == 1), None)
        if not form or not ways or value(form["first"]) == value(form["second"]):
            return None
        low, high = sorted((form["first"], form["second"]), key=value)
        wanted = f"{high} - {low}"
        if form["of"]:
            wanted = f"({wanted}) / {low if ways == [UP] else high} * 100"
        return cls("more" if ways == [UP] else "less", low, high, wanted)


def misdirected_change(asked: Sequence[str], expression: str, value: Callable[[str], float]) -> tuple[str, ...]:
    """Advice where a difference is taken the other way round than the words of a question want it.

    Args:
        asked: The question in several wordings; the first that says one way and not the other decides.
        expression: The answer given: `a.x - b.x`, or that over one of the two in percent.
        value: The number that a reference such as `a.x` stands for.
    """
    change = _Change.of(asked, expression, value)
    if change is None or change.wanted == expression:
        return ()
    return (f"how much {change.way} is asked, and that is {change.wanted}",)


def directed_change(
    asked: Sequence[str], expression: str, value: Callable[[str], float], conditions: Mapping[str, int]
) -> str:
    """A difference the way round that the words want it, where it is the changed case that is so much more or less.

    How much dearer an outage makes it is what the case with the outage costs more. Where that is the cheaper case, or both cases
    have as many conditions, the words may mean something else, and the expression stays.

    Args:
        asked, expression, value: As for `misdirected_change`.
        conditions: How many conditions each call has, by its name.
    """
    change = _Change.of(asked, expression, value)
    if change is None:
        return expression
    changed, other = (change.high, change.low) if change.way == "more" else (change.low, change.high)
    return change.wanted if conditions[changed[0]] > conditions[other[0]] else expression


def _stray_changes(asked: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """Advice about arguments that differ between two cases although the question's change is another one."""
    apart = [name for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)]
    said = [r for m in mentions(asked) for r in m.readings()]
    changed = [n for n in apart if any(near(x, r) for x in (*numbers(a.get(n)), *numbers(b.get(n))) for r in said)]
    if len(apart) < 2 or len(changed) != 1:
        return ()
    return tuple(
        f"the question changes {changed[0]} alone: give {n} {a.get(n)} in both calls" for n in apart if n not in changed
    )


def _both_ways(task: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{name} is {a[name]:g} in one call and {b[name]:g} in the other, both from {said.words}; the other case has no change"
        for name, said in made_both_ways(task, a, b).items()
    )


def made_both_ways(task: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Mention]:
    """Arguments that one number of the task changes up in one case and down in the other: 0.93 and 1.07, of 7 %."""
    said = mentions(task)
    found = {}
    for name, x in a.items():
        y = b.get(name)
        if isinstance(x, int | float) and isinstance(y, int | float) and not near(x, y):
            of_x, of_y = sources_of(x, said), sources_of(y, said)
            if len(of_x) == 1 and of_x == of_y:
                found[name] = of_x[0]
    return found


def way_of(task: str, change: Mention) -> Way | None:
    """Which way a number of the task changes something, by the nearest word that says one."""
    at = task.lower().find(change.words.lower())
    ways: tuple[tuple[Way, re.Pattern[str]], ...] = (("up", GROWING), ("down", SHRINKING))
    said = [(max(m.start() - at, at - m.end()), way) for way, word in ways for m in word.finditer(task.lower())]
    nearest = min(said, default=None)
    return nearest[1] if nearest and nearest[0] < NEARBY else None
