"""Numbers with units: exact fractions for as long as mathematics allows, floats after that."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

from tools.contract import BadInput, NoAnswer
from tools.general.calculate.units import Dimension, Unit, find_unit

Number = Fraction | float
Powers = dict[str, Fraction]  # unit name -> power

_MOST_BITS = 4096  # of a numerator or denominator
_MOST_UNITS = 6  # in one product
_PI_DIGITS = 10**30  # a ratio of two integers above this still holds pint's fifty digits of pi, and is not exact


@dataclass(frozen=True)
class Quantity:
    """A number and the product of unit powers it counts. Arithmetic converts units and refuses what does not fit."""

    number: Number
    units: Powers = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.number, float):
            if not math.isfinite(self.number):
                raise _too_large()
        elif max(self.number.numerator.bit_length(), self.number.denominator.bit_length()) > _MOST_BITS:
            raise _too_large()
        if len(self.units) > _MOST_UNITS:
            raise BadInput(f"more than {_MOST_UNITS} units in one product", hint="convert parts of it first")

    # Arithmetic

    def __neg__(self) -> "Quantity":
        return Quantity(-self.number, self.units)

    def __add__(self, other: "Quantity") -> "Quantity":
        if self.zero and other.zero:
            raise BadInput(
                f"{self.text()} + {other.text()} adds two temperatures",
                hint="give the second as a difference: K, delta_degC or delta_degF",
            )
        if other.zero:
            return other + self
        _refuse_vague_percent(self, other)
        return Quantity(self.number + other.number * self._ratio(other), self.units)

    def __sub__(self, other: "Quantity") -> "Quantity":
        if not other.zero:
            return self + -other
        difference = self.number - other.to(self.units).number
        return Quantity(difference, {_unit(name).difference or name: power for name, power in self.units.items()})

    def __mul__(self, other: "Quantity") -> "Quantity":
        for temperature in (self, other):
            if temperature.zero:
                raise BadInput(
                    f"{temperature.text()} cannot be multiplied or divided: its scale does not start at zero",
                    hint="convert it to K, or write a difference in K, delta_degC or delta_degF",
                )
        factor, units = _cancel(_product(self.units, other.units))
        return Quantity(_times(_times(self.number, other.number), factor), units)

    def __truediv__(self, other: "Quantity") -> "Quantity":
        if other.number == 0:
            raise NoAnswer(f"{self.text()} / {other.text()} has no value: division by zero")
        inverse = {name: -power for name, power in other.units.items()}
        return self * Quantity(1 / other.number, inverse if not other.zero else other.units)

    def __pow__(self, other: "Quantity") -> "Quantity":
        exponent = other.plain("an exponent")
        base = self * Quantity(Fraction(1))  # percent becomes a plain number
        if not base.units:
            return Quantity(_power(base.number, exponent))
        if not isinstance(exponent, Fraction) or abs(exponent.numerator) > 100 or exponent.denominator > 100:
            raise BadInput(f"{self.text()} cannot be raised to the power {other.text()}")
        units = {name: power * exponent for name, power in base.units.items() if exponent}
        return Quantity(_power(base.number, exponent), units)

    # Units

    @property
    def zero(self) -> Fraction:
        """The zero point of a temperature scale; 0 for all else."""
        return next((zero for name in self.units if (zero := _unit(name).zero)), Fraction(0))

    def to(self, units: Powers) -> "Quantity":
        """The same quantity in other units, temperatures by their scales."""
        ratio = Quantity(Fraction(1), units)._ratio(self)
        target = Quantity(Fraction(1), units)
        shift = (self.zero - target.zero) / _size(units)
        return Quantity(_times(self.number, ratio) + shift, units)

    def plain(self, what: str) -> Number:
        """The number without unit, for `what` takes only such: `sin(90 deg)` is one, `sin(3 MW)` is none."""
        if _dimension(self.units):
            raise BadInput(f"{what} must be a pure number, not {self.text()}")
        return self.to({}).number

    def _ratio(self, other: "Quantity") -> Number:
        """How many of our units one of theirs is."""
        if self.units == other.units:
            return Fraction(1)
        if _dimension(self.units) != _dimension(other.units):
            mine, theirs = (quantity.unit_text() or "a pure number" for quantity in (self, other))
            raise BadInput(f"{theirs} does not fit {mine}: they measure different things", units=[theirs, mine])
        return _exact_or_float(_size(other.units) / _size(self.units))

    # Words

    def exact_text(self) -> str:
        if isinstance(self.number, float):
            return ""
        return _decimal(self.number) or str(self.number)

    def unit_text(self) -> str:
        """`MW*h`, `USD/MWh`, `kg/m/s^2`, `s^-1`: text that can be read back."""
        above = [_with_power(name, power) for name, power in self.units.items() if power > 0]
        below = [(name, power) for name, power in self.units.items() if power < 0]
        if not above:
            return "*".join(_with_power(name, power) for name, power in below)
        return "*".join(above) + "".join("/" + _with_power(name, -power) for name, power in below)

    def text(self) -> str:
        decimal = "" if isinstance(self.number, float) else _decimal(self.number)
        shown = decimal if 0 < len(decimal) <= 15 else f"{as_float(self.number):.10g}"
        return f"{shown} {self.unit_text()}".strip()


def as_float(number: Number) -> float:
    """The nearest float; a typed refusal where there is none."""
    try:
        nearest = float(number)
    except OverflowError:
        raise _too_large() from None
    if nearest == 0 != number:
        raise _too_large()
    return nearest


def _times(a: Number, b: Number) -> Number:
    return a * b


def _power(base: Number, exponent: Number) -> Number:
    """`base ** exponent`: exact where the result is rational and of sensible size.

    Raises:
        NoAnswer: For a power of zero that divides by zero, and for one of a negative number that is not real.
        BadInput: If the result is too large to be written.
    """
    if base == 0 and exponent < 0:
        raise NoAnswer("0 to a negative power has no value: division by zero")
    if base < 0 and exponent != int(exponent):
        raise NoAnswer(f"{float(base):.10g} ^ {float(exponent):.10g} is not a real number")
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        exact = _rational_power(base, exponent)
        if exact is not None:
            return exact
    try:
        return float(float(base) ** float(exponent))
    except OverflowError:
        raise _too_large() from None


def _rational_power(base: Fraction, exponent: Fraction) -> Fraction | None:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if base not in {0, 1, -1} and abs(exponent) * (bits - 1) > _MOST_BITS:
        raise _too_large()
    if exponent.denominator > _MOST_BITS:
        return None
    above, below = _root(base.numerator, exponent.denominator), _root(base.denominator, exponent.denominator)
    return None if above is None or below is None else Fraction(above, below) ** _modest(exponent.numerator, base)


def _modest(exponent: int, base: Fraction) -> int:
    """The exponent, or one of its parity where the base is 0, 1 or -1 and the size of the exponent is of no account."""
    return exponent if base not in {0, 1, -1} else min(abs(exponent), 2 - abs(exponent) % 2)


def _root(number: int, degree: int) -> int | None:
    """The integer whose power of `degree` is `number`, if there is one (Newton's method)."""
    if degree == 1 or number in {0, 1}:
        return number
    guess = 1 << -(-number.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + number // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess if guess**degree == number else None
        guess = better


def _product(a: Powers, b: Powers) -> Powers:
    product = dict(a)
    for name, power in b.items():
        product[name] = product.get(name, Fraction(0)) + power
    return {name: power for name, power in product.items() if power}


def _cancel(units: Powers) -> tuple[Number, Powers]:
    """Write units of one kind as one (m*cm as m^2), and drop those that together measure nothing (MW*h/MWh)."""
    size = _size(units)
    kept: Powers = {}
    for name, power in units.items():
        if name == "%":
            continue
        twin = next(
            (other for other in kept if _dimension({other: Fraction(1)}) == _dimension({name: Fraction(1)})), name
        )
        kept = _product(kept, {twin: power})
    for count in range(2, len(kept) + 1):
        for group in combinations(kept, count):
            if all(name in kept for name in group) and not _dimension({name: kept[name] for name in group}):
                kept = {name: power for name, power in kept.items() if name not in group}
    return _exact_or_float(size / _size(kept)), kept


def _refuse_vague_percent(a: Quantity, b: Quantity) -> None:
    """Nobody knows whether 200 + 15 % is 230 or 200.15. With 1 both readings agree, and percent + percent is clear."""
    percents = ["%" in quantity.units for quantity in (a, b)]
    if percents[0] != percents[1] and not (a.number == 1 and not a.units):
        raise BadInput(
            f"{a.text()} with {b.text()} added or taken away can be read in two ways",
            hint="write 200 * 115 % for fifteen percent more, or 200 + 0.15",
        )


def _unit(name: str) -> Unit:
    unit = find_unit(name)
    if unit is None:
        raise BadInput(f"{name} is no unit")
    return unit


def _dimension(units: Powers) -> Dimension:
    total: Dimension = {}
    for name, power in units.items():
        for base, of_unit in _unit(name).dimension.items():
            total[base] = total.get(base, Fraction(0)) + of_unit * power
    return {base: power for base, power in total.items() if power}


def _size(units: Powers) -> Fraction:
    """One of this product of units, in base units."""
    size = Fraction(1)
    for name, power in units.items():
        size *= Fraction(_power(_unit(name).factor, power))
    return size


def _exact_or_float(ratio: Fraction) -> Number:
    return float(ratio) if min(ratio.numerator, ratio.denominator) > _PI_DIGITS else ratio


def _with_power(name: str, power: Fraction) -> str:
    if power == 1:
        return name
    return f"{name}^{power}" if power.denominator == 1 else f"{name}^({power})"


def _decimal(number: Fraction) -> str:
    """The finite decimal that equals `number`, if there is one of at most 30 places; else nothing."""
    scaled = number * 10**30
    if scaled.denominator != 1:
        return ""
    whole, places = divmod(abs(scaled.numerator), 10**30)
    digits = f"{places:030d}".rstrip("0")
    return ("-" if number < 0 else "") + str(whole) + ("." + digits if digits else "")


def _too_large() -> BadInput:
    return BadInput(
        "the expression has a value too large or too small to be written", hint="keep values between 1e-308 and 1e308"
    )
