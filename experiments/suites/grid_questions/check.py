"""Score an answer about a grid: the right quantities in the right units, or a refusal that names the right reason."""

import math
import re
from typing import Any

from experiments.suites.grid_questions.words import Number, Unit, buses, lines, numbers, unit_of
from experiments.suites.protocol import AnswerLike, Score

TOLERANCE = 1e-3  # relative
MONEY = {"$", "$/h", "$/MWh"}
NO_LINES = re.compile(r"\b(?:none|nothing|no (?:\w+ )?(?:lines?|limits?|branch(?:es)?|congestion))\b", re.IGNORECASE)


def _unknown(thing: str) -> str:
    """A pattern for the words that say that there is no such thing."""
    return (
        rf"\b(?:unknown|no|no such|not a|not any)\s(?:[\w-]+\s){{0,2}}(?:{thing})"
        rf"|(?:{thing})\b[^.;]{{0,60}}(?:unknown|(?:\bnot|n't|\bno)\b)"
        rf"|(?:\bnot|n't|\bno)\s(?:know|find|have|recogni[sz]e|support|contain|include|offer|list)\w*\s[^.;]{{0,40}}(?:{thing})"
    )


REASONS = {
    "unknown_grid": _unknown("grid|case|system|network"),
    "unknown_element": _unknown("bus|node|line|branch|generator|unit"),
    "infeasible": r"feasib|not enough|insufficient|too (?:high|much|large|little|low|tight)|short|exceed|capacity|limit|at most"
    r"|(?:cannot|can't|not) (?:be )?(?:served?|suppl|met|meet|cover|carr)|more than|beyond",
    "islanded": r"island|cut\w* off|disconnect|isolat|separat|apart|no (?:path|connection)|unconnected|not connected|split",
}
REFUSES = re.compile(
    rf"\b(?:cannot|can not|could not|unable|impossible|infeasible|refuse|no answer|no feasible|no solution)\b|can't|couldn't"
    rf"|there (?:is|are) no|{REASONS['islanded']}|{REASONS['unknown_grid']}|{REASONS['unknown_element']}",
    re.IGNORECASE,
)


def check(prompt: str, expected: dict[str, Any], answer: AnswerLike) -> Score:
    """Score an answer.

    Args:
        prompt: The question; lines that only repeat it are no answer.
        expected: `{"refusal": reason, "unit": unit}`, or `{"parts": [...]}` where each part is a `number` with `unit` and
            `signed`, a `bus`, or groups of `lines`, one line of each group being enough.
        answer: A single result may stand in `value`; several results stand in the text, and all must be right.
    """
    if not answer.text.strip() and answer.value is None:
        return Score(0, "the answer is blank")
    if "refusal" in expected:
        return _check_refusal(expected["refusal"], expected["unit"], answer)
    if answer.refused:
        return Score(0, f"it was refused ({answer.text}), but there is an answer")
    parts = expected["parts"]
    faults = [fault for part in parts if (fault := _fault(part, prompt, answer, alone=len(parts) == 1))]
    return Score(0, "; ".join(faults)) if faults else Score(1, "right")


def _check_refusal(reason: str, unit: str, answer: AnswerLike) -> Score:
    why = f"the question has no answer ({reason.replace('_', ' ')})"
    if (offered := _offered(reason, unit, answer)) is not None:
        return Score(0, f"it offers {offered:g}, but {why}")
    if not answer.refused and not REFUSES.search(answer.text):
        return Score(0, f"it does not say that {why}")
    if not re.search(REASONS[reason], answer.text, re.IGNORECASE):
        return Score(0, f"it does not say why {why}")
    return Score(1, f"right: {why}")


def _offered(reason: str, unit: str, answer: AnswerLike) -> float | None:
    """A number that pretends to be an answer. Megawatts and per cent may be part of an explanation of what is not feasible."""
    if isinstance(answer.value, int | float):
        return float(answer.value)
    if answer.value and (said := numbers(answer.value)):
        return said[-1].value
    explains = {"MW", "%"} if reason == "infeasible" else set()
    as_answer = (MONEY | {unit}) - explains - {""}
    return next((n.value for n in numbers(answer.text) if n.unit and n.unit.base in as_answer), None)


def _fault(part: dict[str, Any], prompt: str, answer: AnswerLike, *, alone: bool) -> str:
    """What is wrong with one part of an answer, or nothing."""
    words = answer.value if alone and isinstance(answer.value, str) else answer.text
    value = float(answer.value) if isinstance(answer.value, int | float) else None
    if "lines" in part:
        return _lines_fault(part["lines"], prompt, words)
    if "bus" in part:
        said = [value] if alone and value is not None else [*buses(words), *_bare_integer(words)]
        return _bus_fault(part["bus"], said[-1:] if alone else said)
    given = [] if value is None else [Number(value, unit_of(answer.unit))]
    if not given or not alone:
        found = [n for n in numbers(words) if _fits(n.unit, part["unit"])]
        named = [n for n in found if n.unit and n.unit.base]
        given += (named or found)[-1:] if alone else found
    return _number_fault(part, given)


def _number_fault(part: dict[str, Any], given: list[Number]) -> str:
    right, unit = part["number"], part["unit"]
    fitting = [_in_unit(n, unit) for n in given if _fits(n.unit, unit)]
    if not part["signed"]:
        right, fitting = abs(right), [abs(value) for value in fitting]
    if any(math.isclose(value, right, rel_tol=TOLERANCE) for value in fitting):
        return ""
    wrong = f"{fitting[0]:.8g} {unit} is wrong" if fitting else f"no number in {unit} is given"
    return f"{wrong}, {right:.8g} {unit} is right"


def _fits(unit: Unit | None, wanted: str) -> bool:
    if unit is None:
        return False
    return unit.base in ("", wanted) or (unit.base == "$" and wanted in MONEY) or (unit.base, wanted) == ("%", "1")


def _in_unit(number: Number, wanted: str) -> float:
    assert number.unit is not None
    factor = 0.01 if (number.unit.base, wanted) == ("%", "1") else number.unit.factor
    return number.value * factor


def _lines_fault(groups: list[list[str]], prompt: str, words: str) -> str:
    right = [lines(" ".join(group)) for group in groups]
    allowed = set().union(*right)
    named = lines(words) - (lines(prompt) - allowed)
    if not named and not groups and NO_LINES.search(words):
        return ""
    if groups and named <= allowed and all(group & named for group in right):
        return ""
    shown = ", ".join(group[0] for group in groups) or "none"
    return f"{words!r} names other lines than {shown}"


def _bus_fault(right: int, said: list[float]) -> str:
    return "" if right in said else f"{f'bus {said[-1]:g}' if said else 'no bus'} is wrong, bus {right} is right"


def _bare_integer(words: str) -> list[float]:
    return [float(words)] if words.strip().isdigit() else []
