"""Score an answer to a question about a tool: the right numbers in fitting units, the right words, or the right refusal."""

import math
import re
from typing import Any

from experiments.suites.protocol import AnswerLike, Score
from tools import ToolError
from tools.general.calculate.expression import evaluate

_NUMBER = re.compile(
    r"(?<![\w.])(?P<digits>[-+−]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+−]?\.\d+)"
    r"(?P<unit>[ \u00a0]?(?:%|per\s?cent\b|[a-zA-Z°$µ][\w°$µ²³^*/-]*))?"
)
_REFUSES = re.compile(
    r"\b(?:cannot|can not|could not|unable|impossible|invalid|refuse\w*|not (?:possible|allowed|supported|available)|no answer"
    r"|no solution|must be|at most|at least|exceed\w*|limit\w*|too (?:many|much|large|small|high|low|few))\b|can't|couldn't",
    re.IGNORECASE,
)
_SPELLINGS = {"percent": "%", "per cent": "%"}


def check(prompt: str, expected: dict[str, Any], answer: AnswerLike) -> Score:
    """Score an answer.

    Args:
        prompt: The question; numbers that only repeat it are no answer where the text is searched.
        expected: `{"refusal": class, "because": pattern}`, or `{"parts": [...]}`, each a `number` with `unit`, `within` (in that
            unit) and `signed`; or `at_least` or `at_most` with `unit`; or `words`. All parts must be right.
        answer: A single result may stand in `value`; several results stand in the text.
    """
    if not answer.text.strip() and answer.value is None:
        return Score(0, "the answer is blank")
    if "refusal" in expected:
        return _check_refusal(expected, answer)
    if answer.refused:
        return Score(0, f"it was refused ({answer.text}), but there is an answer")
    parts = expected["parts"]
    faults = [fault for part in parts if (fault := _fault(part, prompt, answer, alone=len(parts) == 1))]
    return Score(0, "; ".join(faults)) if faults else Score(1, "right")


def _check_refusal(expected: dict[str, Any], answer: AnswerLike) -> Score:
    why = f"the question has no answer ({expected['refusal']})"
    if isinstance(answer.value, int | float):
        return Score(0, f"it offers {answer.value:g}, but {why}")
    if not answer.refused and not _REFUSES.search(answer.text):
        return Score(0, f"it does not say that {why}")
    if not re.search(expected["because"], answer.text, re.IGNORECASE):
        return Score(0, f"it does not say why {why}")
    return Score(1, f"right: {why}")


def _fault(part: dict[str, Any], prompt: str, answer: AnswerLike, *, alone: bool) -> str:
    """What is wrong with one part of an answer, or nothing."""
    if "words" in part:
        said = str(answer.value) if alone and isinstance(answer.value, str) else answer.text
        return "" if part["words"].casefold() in said.casefold() else f"it does not say {part['words']}"
    if alone and isinstance(answer.value, int | float):
        found = _in_unit(float(answer.value), answer.unit, part["unit"])
    else:
        said = answer.value if alone and isinstance(answer.value, str) else answer.text
        repeated = {value for value, _ in _numbers(prompt)}
        numbers = [(value, unit) for value, unit in _numbers(said) if value not in repeated or _is(part, value, unit)]
        found = [x for value, unit in (numbers[-1:] if alone else numbers) for x in _in_unit(value, unit, part["unit"])]
    if any(_right(part, value) for value in found):
        return ""
    wanted = f"{part['number']:.8g}" if "number" in part else _goal(part)
    unit = "" if part["unit"] == "1" else f" {part['unit']}"
    return f"{found[0]:.8g}{unit} is wrong, {wanted}{unit} is right" if found else f"no number{unit} is given"


def _is(part: dict[str, Any], value: float, unit: str) -> bool:
    return any(_right(part, x) for x in _in_unit(value, unit, part["unit"]))


def _right(part: dict[str, Any], value: float) -> bool:
    if "number" not in part:
        low, high = part.get("at_least"), part.get("at_most")
        return (low is None or value >= low) and (high is None or value <= high)
    right = part["number"]
    if not part["signed"]:
        right, value = abs(right), abs(value)
    return math.isclose(value, right, rel_tol=1e-9, abs_tol=part["within"])


def _goal(part: dict[str, Any]) -> str:
    low, high = part.get("at_least"), part.get("at_most")
    return " and ".join(
        [*([f"at least {low:g}"] if low is not None else []), *([f"at most {high:g}"] if high is not None else [])]
    )


def _numbers(text: str) -> list[tuple[float, str]]:
    """The numbers of a text with the word or sign behind each, in order."""
    found = []
    for match in _NUMBER.finditer(text):
        unit = (match["unit"] or "").strip()
        found.append((float(match["digits"].replace(",", "").replace("−", "-")), _SPELLINGS.get(unit.lower(), unit)))
    return found


def _in_unit(value: float, unit: str, wanted: str) -> list[float]:
    """The value in the unit that is wanted; as it stands where no unit is said; nothing where the units do not fit."""
    if unit.strip() in {"", wanted, "1"}:
        return [value]
    try:
        same = evaluate(f"({value!r} {unit}) / (1 {'' if wanted == '1' else wanted})")
        return [] if same.units else [float(same.number)]
    except ToolError:
        return [value] if not _is_unit(unit) else []  # a mere word, such as "93 images"


def _is_unit(word: str) -> bool:
    try:
        evaluate(f"1 {word}")
    except ToolError:
        return False
    return True
