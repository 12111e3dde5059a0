r"""Whether two LaTeX terms say the same: in one plain spelling, or as numbers, tuples, intervals and functions of their letters.

Source: Hendrycks et al., Measuring Mathematical Problem Solving with the MATH Dataset (arXiv:2103.03874, 2021), whose scorer
compares spellings after removing units, blanks, `\left`, degrees and the like.
Differs from it: terms that are still spelled differently are compared by value, at fixed points if they have letters, so that
`0.75` equals `\frac{3}{4}` and `2 + x` equals `x+2`. Nothing is ever executed: terms are read by a parser of this module.
"""

import cmath
import math
import re
from collections.abc import Callable, Mapping

TOLERANCE = 1e-9  # relative
_LONGEST = 500  # a longer term is compared by its spelling only
_DEEPEST = 30  # brackets inside one another
_POINTS = (0.7310585786, 1.6180339887, 2.2360679775)  # where functions are compared
_WORDS = re.compile(r"\\(?:text|mbox|textbf|textit|mathrm|mathbf|mathbb|operatorname)\s*\{([^{}]*)\}")
_UNIT = re.compile(r"(?<=[\d}\s])\\(?:text|mbox|mathrm)\s*\{\s*[^{}\d()]*\}(?:\^\{?\d\}?)?\s*$")
_NOISE = re.compile(
    r"\\(?:left|right|displaystyle|limits|[!,;:> ])(?![a-z])|[$\n~]|\^\s*\{?\\circ\}?|\\degree|\\?%|\\\$"
)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_LETTER_FIRST = re.compile(r"^[a-zA-Z](?:\([a-z]\))?(?:=|\\in(?![a-z]))")
_SHORT_FRACTION = re.compile(r"\\frac(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\w))(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\w))")
_WORD = re.compile(r"[a-zA-Z]{3,}")  # no product of letters
_SHORT_ROOT = re.compile(r"\\sqrt\s*(\w)")


class Unreadable(Exception):
    """No number or function that this module can read."""


def same(said: str, right: str) -> bool:
    """Whether two terms say the same."""
    a, b = plain(said), plain(right)
    if _WORD.fullmatch(a) or _WORD.fullmatch(b):
        return a.casefold() == b.casefold()
    return a == b or (0 < len(a) <= _LONGEST and _same_value(a, b))


def plain(term: str) -> str:
    r"""One spelling of the many: `\dfrac12` -> `\frac{1}{2}`, `x = 5` -> `5`, `10,\!080` -> `10080`, `\text{(C)}` -> `C`."""
    term = term.strip().rstrip(".").strip()
    term = re.sub(r"\\[dtc]frac", r"\\frac", term)
    term = _NOISE.sub("", term.replace(r"\\", r"\cr ").replace(r"\$", ""))
    term = re.sub(r"\\(?:cdot|times)(?![a-z])", "*", term)
    if _UNIT.search(term) and _UNIT.sub("", term).strip():
        term = _UNIT.sub("", term)
    term = _WORDS.sub(r"\1", term)
    term = re.sub(r"(\\[a-zA-Z]+)\s+(?=[a-zA-Z])|\s+", lambda m: f"{m[1]} " if m[1] else "", term)  # \pi r is no \pir
    term = term.replace("−", "-").rstrip(".")
    term = _LETTER_FIRST.sub("", term)
    term = _SHORT_ROOT.sub(r"\\sqrt{\1}", term)
    term = _SHORT_FRACTION.sub(lambda m: rf"\frac{{{m[1] or m[2]}}}{{{m[3] or m[4]}}}", term)
    term = re.sub(r"(?<!\d)\.(?=\d)", "0.", term)
    term = re.sub(r"_\{(\w)\}", r"_\1", term)
    if _THOUSANDS.fullmatch(term):
        term = term.replace(",", "")
    return re.sub(r"^\(([A-Z])\)$", r"\1", term)


def _same_value(a: str, b: str) -> bool:
    """Compare what is not spelled alike: piece by piece if it has pieces, else by value."""
    if r"\cup" in a or r"\cup" in b:
        return _all_same(a.split(r"\cup"), b.split(r"\cup"))
    inner_a, inner_b = _inside(a), _inside(b)
    if inner_a and inner_b and inner_a[0] == inner_b[0]:
        return _all_same(_pieces(inner_a[1]), _pieces(inner_b[1]), sorts=inner_a[0] == r"\{\}")
    list_a, list_b = (_pieces(side) if not _inside(side) else [side] for side in (a, b))
    list_a, list_b = ([piece for whole in pieces for piece in _both_signs(whole)] for pieces in (list_a, list_b))
    if len(list_a) > 1 or len(list_b) > 1:
        return _all_same(list_a, list_b, sorts=True)
    if a.count("=") == 1 == b.count("="):
        (a_left, a_right), (b_left, b_right) = a.split("="), b.split("=")
        a, b = f"({a_left})-({a_right})", f"({b_left})-({b_right})"
    try:
        return all(_close(_value(a, points), _value(b, points)) for points in _each_point(a, b))
    except Unreadable:
        return False


def _all_same(a: list[str], b: list[str], *, sorts: bool = False) -> bool:
    """Whether pieces are the same in order, or, where the order says nothing, in some order."""
    if len(a) != len(b):
        return False
    if not sorts:
        return all(map(same, a, b))
    left = list(b)
    for piece in a:
        if (match := next((i for i, other in enumerate(left) if same(piece, other)), None)) is None:
            return False
        del left[match]
    return True


def _inside(term: str) -> tuple[str, str] | None:
    r"""The brackets around a term with several pieces, or around a matrix, and what they hold."""
    if match := re.fullmatch(r"\\begin\{(\w?matrix)\}(.*)\\end\{\1\}", term):
        return f"{match[1]} {match[2].count('&')}", match[2].replace(r"\cr", ",").replace("&", ",").strip(",")
    for opening, closing in ((r"\{", r"\}"), ("(", ")"), ("[", "]"), ("(", "]"), ("[", ")")):
        if term.startswith(opening) and term.endswith(closing):
            inner = term[len(opening) : -len(closing)]
            if len(_pieces(inner)) > 1 or opening == r"\{":
                return opening + closing, inner
    return None


def _pieces(term: str) -> list[str]:
    """A term at its commas, those inside brackets aside."""
    pieces, depth, start = [], 0, 0
    for i, letter in enumerate(term):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            pieces.append(term[start:i])
            start = i + 1
    return [*pieces, term[start:]]


def _both_signs(term: str) -> list[str]:
    return [term.replace(r"\pm", sign) for sign in "+-"] if r"\pm" in term else [term]


def _close(a: complex, b: complex) -> bool:
    return cmath.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)


def _each_point(a: str, b: str) -> list[Mapping[str, complex]]:
    """Values for the letters of two terms, several times; once and empty if they have none."""
    letters = sorted(set(re.findall(r"[a-zA-Z]", re.sub(r"\\[a-zA-Z]+", "", a + b))) - {"i", "e"})
    if not letters:
        return [{}]
    return [{letter: point + k * 0.318 for k, letter in enumerate(letters)} for point in _POINTS]


_TOKEN = re.compile(r" ?(\d+(?:\.\d+)?|\\[a-zA-Z]+|[a-zA-Z]|[-+*/^(){}\[\]!|])")
_CONSTANTS: dict[str, complex] = {r"\pi": math.pi, "i": 1j, "e": math.e}
_FUNCTIONS: dict[str, Callable[[complex], complex]] = {
    r"\sqrt": cmath.sqrt,
    r"\sin": cmath.sin,
    r"\cos": cmath.cos,
    r"\tan": cmath.tan,
    r"\ln": cmath.log,
    r"\log": cmath.log10,
}


def _value(term: str, letters: Mapping[str, complex]) -> complex:
    """The value of a term. Raises `Unreadable`."""
    tokens, end = [], 0
    for match in _TOKEN.finditer(term):
        if match.start() != end:
            raise Unreadable(term)
        tokens.append(match[1])
        end = match.end()
    if end != len(term):
        raise Unreadable(term)
    reader = _Reader(tokens, letters)
    try:
        value = reader.sum()
    except (ArithmeticError, ValueError, LookupError, RecursionError) as error:
        raise Unreadable(term) from error
    if reader.rest or not cmath.isfinite(value):
        raise Unreadable(term)
    return value


class _Reader:
    """Reads sums of products of powers, with factors side by side: `11\\sqrt{5}+11`."""

    def __init__(self, tokens: list[str], letters: Mapping[str, complex]) -> None:
        self.rest = tokens[::-1]
        self._known = {**letters, **_CONSTANTS}
        self._depth = 0

    def sum(self) -> complex:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("too deep")
        value = self._product()
        while self._next() in ("+", "-"):
            value = value + self._product() if self.rest.pop() == "+" else value - self._product()
        self._depth -= 1
        return value

    def _product(self) -> complex:
        sign = 1
        while self._next() in ("+", "-"):
            sign *= -1 if self.rest.pop() == "-" else 1
        whole = self._next().isdigit()
        value = self._power()
        if whole and self._next() == r"\frac":  # 1\frac{4}{5} is a mixed number
            value += self._power()
        while True:
            token = self._next()
            if token in ("*", "/", r"\div"):
                self.rest.pop()
                factor = self._signed_power()
                value = value * factor if token == "*" else value / factor
            elif token and token not in ("+", "-", ")", "}", "]", "|"):
                value *= self._power()
            else:
                return sign * value

    def _signed_power(self) -> complex:
        if self._next() == "-":
            self.rest.pop()
            return -self._power()
        return self._power()

    def _power(self) -> complex:
        base = self._factor()
        while self._next() == "!":
            self.rest.pop()
            if base != int(base.real) or not 0 <= base.real <= 100:
                raise ValueError("no factorial")
            base = complex(math.factorial(int(base.real)))
        if self._next() != "^":
            return base
        self.rest.pop()
        exponent = self._signed_power() if self._next() != "{" else self._group()
        return complex(base) ** exponent

    def _factor(self) -> complex:
        token = self.rest.pop()
        if token[0].isdigit():
            return complex(float(token))
        if token in ("(", "{", "["):
            self.rest.append(token)
            return self._group()
        if token == r"\frac":
            return self._group() / self._group()
        if token == r"\sqrt" and self._next() == "[":
            degree = self._group()
            return self._group() ** (1 / degree)
        if token in _FUNCTIONS:
            return _FUNCTIONS[token](self._group() if self._next() in ("{", "(") else self._power())
        if token in self._known:
            return self._known[token]
        raise ValueError(token)

    def _group(self) -> complex:
        """What stands in brackets."""
        closing = {"(": ")", "{": "}", "[": "]"}[self.rest.pop()]
        value = self.sum()
        if self.rest.pop() != closing:
            raise ValueError("brackets")
        return value

    def _next(self) -> str:
        return self.rest[-1] if self.rest else ""
