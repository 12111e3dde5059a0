"""Reads an arithmetic expression and works it out on the way: a Pratt parser over numbers with units.

It knows numbers, operators, a dozen functions and names of units. There is nothing else it could run.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from tools.contract import BadInput
from tools.general.calculate.functions import FUNCTIONS
from tools.general.calculate.quantity import Quantity, as_float
from tools.general.calculate.units import ALIASES, CURRENCIES, find_unit, unit_names
from tools.suggest import did_you_mean

_DEEPEST = 40  # brackets, signs and powers inside one another
_LARGEST_EXPONENT = 400  # of a number such as 1e-4

_PLAIN = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]*)?"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_NUMBER_IN_CALL = re.compile(f"(?:{_PLAIN}){_EXPONENT}")  # max(1,234) has two arguments
_NUMBER = re.compile(f"(?:{_GROUPED}|{_PLAIN}){_EXPONENT}")
_NAME = re.compile(r"[^\W\d]\w*|°[CF]?|[$€£¥℃℉]")
_OPERATOR = re.compile(r"\*\*|[-+*/^(),%×·÷−]")
_CONSTANTS = {"pi": math.pi, "e": math.e}
_KNOWN = f"functions: {', '.join(FUNCTIONS)}; constants: {', '.join(_CONSTANTS)}; units such as MW, h, kWh, degC, USD"
_SPELLINGS = {"**": "^", "×": "*", "·": "*", "x": "*", "of": "*", "÷": "/", "per": "/", "−": "-"}
_CONVERT = {"in", "to", "as"}


def evaluate(expression: str) -> Quantity:
    """The value of an expression such as `3.5 MW * 2 h in kWh`.

    Raises:
        BadInput: If it cannot be read, is too long, too deep or too large, or mixes units that do not fit.
        NoAnswer: If it can be read and has no real value, such as 1/0.
    """
    return _Parser(_tokens(expression.replace("²", "^2").replace("³", "^3"))).whole()


@dataclass(frozen=True)
class _Token:
    kind: str  # number, name, operator, end
    text: str
    place: int  # its first character, counted from 1


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    brackets: list[bool] = []  # for each open one, whether it holds the arguments of a function
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        number = _NUMBER_IN_CALL if any(brackets) else _NUMBER
        patterns = {"number": number, "name": _NAME, "operator": _OPERATOR}
        kind, match = next(((kind, match) for kind, p in patterns.items() if (match := p.match(text, at))), ("", None))
        if match is None:
            raise BadInput(f"cannot read {text[at]!r} at character {at + 1} of the expression", hint=_KNOWN)
        if match[0] == "(":
            brackets.append(bool(tokens) and tokens[-1].text.lower() in FUNCTIONS)
        elif match[0] == ")" and brackets:
            brackets.pop()
        spelled = _SPELLINGS.get(match[0], match[0])
        tokens.append(_Token("operator" if spelled != match[0] else kind, spelled, at + 1))
        at = match.end()
    return [*tokens, _Token("end", "the end", len(text) + 1)]


_SUM, _PRODUCT, _SIGN, _BESIDE, _POWER, _PERCENT = 10, 20, 30, 40, 50, 60  # how strongly each binds
_STRENGTH = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER, "%": _PERCENT}


class _Parser:
    """Climbs precedences: sums, products, a sign, a number beside its unit, powers, percent."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Quantity:
        """An expression and, perhaps, the unit to give it in."""
        value = self._expression(0)
        if self._at_conversion():
            self._next()
            target = self._expression(0)
            if target.number != 1 or not target.units:
                raise BadInput(
                    f"{target.text()} is no unit to convert to", hint="end with `in` and a unit, such as `in kWh`"
                )
            value = value.to(target.units)
        if self._token.kind != "end":
            raise self._unexpected()
        as_float(value.number)  # refuses what no float can hold
        return value

    def _expression(self, weakest: int) -> Quantity:
        """All that binds more strongly than `weakest`."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadInput(f"the expression is nested more than {_DEEPEST} deep", hint="work it out in parts")
        left = self._operand()
        while self._strength() > weakest:
            left = self._combine(left)
        self._depth -= 1
        return left

    def _strength(self) -> int:
        """How strongly what comes next binds to what stands before it."""
        if self._token.kind == "name" and not self._at_conversion():
            return _BESIDE
        return _STRENGTH.get(self._token.text, 0) if self._token.kind == "operator" else 0

    def _operand(self) -> Quantity:
        if self._token.kind == "end" or self._token.text in {"*", "/", "^", ")", ","}:
            raise self._unexpected()
        token = self._next()
        match token.kind, token.text:
            case "number", _:
                return Quantity(_number(token.text))
            case "operator", "-":
                return -self._expression(_SIGN)
            case "operator", "+":
                return self._expression(_SIGN)
            case "operator", "(":
                inside = self._expression(0)
                self._close()
                return inside
            case "operator", "%":
                return Quantity(Fraction(1), {"%": Fraction(1)})
            case _:
                return self._named(token)

    def _combine(self, left: Quantity) -> Quantity:
        if self._token.kind == "name":
            self._refuse_call_beside()
            return _beside(left, self._expression(_BESIDE))
        match self._next().text:
            case "+":
                return left + self._expression(_SUM)
            case "-":
                return left - self._expression(_SUM)
            case "*":
                return left * self._expression(_PRODUCT)
            case "/":
                return left / self._expression(_PRODUCT)
            case "^":
                return left ** self._exponent()
            case _:
                return _beside(left, Quantity(Fraction(1), {"%": Fraction(1)}))

    def _exponent(self) -> Quantity:
        """`2 ^ 3 ^ 2` is `2 ^ 9`; a sign here covers the power alone, so that `kg m^-1 s^-2` is a pressure."""
        negative = False
        while self._token.text in {"+", "-"}:
            negative ^= self._next().text == "-"
        power = self._expression(_POWER - 1)
        return -power if negative else power

    def _named(self, token: _Token) -> Quantity:
        """What a name stands for: a function of the arguments behind it, a constant, or one of a unit."""
        lower = token.text.lower()
        if self._token.text == "(" and lower in FUNCTIONS:
            return self._call(lower)
        if lower in _CONSTANTS:
            return Quantity(_CONSTANTS[lower])
        name = ALIASES.get(token.text, token.text)
        if find_unit(name) is None:
            known = [*FUNCTIONS, *_CONSTANTS, *CURRENCIES, *unit_names()]
            raise BadInput(f"unknown name {token.text}{did_you_mean(token.text, known)}", hint=_KNOWN)
        unit = Quantity(Fraction(1), {name: Fraction(1)})
        if name in CURRENCIES and self._token.kind == "number":  # $5
            return _beside(Quantity(_number(self._next().text)), unit)
        return unit

    def _call(self, name: str) -> Quantity:
        self._next()
        arguments: list[Quantity] = []
        while self._token.text != ")":
            arguments.append(self._expression(0))
            if self._token.text != ",":
                break
            self._next()
        self._close()
        function, fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            wanted = "at least one argument" if most > 2 else "one argument" if most == 1 else "one or two arguments"
            raise BadInput(
                f"{name} takes {wanted}, got {len(arguments)}",
                hint="inside a function a comma separates arguments: write 1234, not 1,234",
            )
        return function(arguments)

    def _close(self) -> None:
        if self._token.text != ")":
            raise self._unexpected(", where a closing bracket or an operator should be")
        self._next()

    def _at_conversion(self) -> bool:
        """Whether a conversion starts here. `in` starts one if a unit follows, and is an inch otherwise: `3 in in cm`."""
        if self._token.kind != "name" or self._token.text not in _CONVERT:
            return False
        if self._token.text != "in":
            return True
        following = self._tokens[self._at + 1]
        last = self._tokens[self._at + 2].kind == "end" if following.kind != "end" else True
        return following.text == "%" or (following.kind == "name" and (last or following.text not in _CONVERT))

    @property
    def _token(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._token
        self._at += token.kind != "end"
        return token

    def _refuse_call_beside(self) -> None:
        if self._token.text.lower() in FUNCTIONS and self._tokens[self._at + 1].text == "(":
            raise self._unexpected(", where an operator should be")

    def _unexpected(self, instead: str = "") -> BadInput:
        token = self._token
        if token.kind == "end":
            return BadInput("the expression ends too early", hint="an operand or a closing bracket is missing")
        hints = {
            ",": "use a decimal point, and commas only between groups of three digits",
            "(": "write 2 * (3 + 4), with a *",
        }
        return BadInput(
            f"unexpected {token.text} at character {token.place} of the expression{instead}",
            hint=hints.get(token.text, _KNOWN),
        )


def _number(text: str) -> Fraction:
    mantissa, _, exponent = text.replace(",", "").lower().partition("e")
    if len(exponent) > 6 or abs(int(exponent or 0)) > _LARGEST_EXPONENT:
        raise BadInput(f"{text} is too large or too small", hint=f"exponents go to {_LARGEST_EXPONENT}")
    return Fraction(mantissa + "0" * mantissa.endswith(".")) * Fraction(10) ** int(exponent or 0)


def _beside(number: Quantity, unit: Quantity) -> Quantity:
    """`3 MW`, `15 %`, `2 pi`, and `5 MW h` as well."""
    if unit.units and unit.number == 1 and not number.units:
        return Quantity(number.number, unit.units)
    return number * unit
