"""The functions an expression may call, each from quantities to a quantity."""

import math
from collections.abc import Callable
from fractions import Fraction

from tools.contract import BadInput, NoAnswer
from tools.general.calculate.quantity import Number, Quantity, as_float

Arguments = list[Quantity]


def _of_number(name: str, function: Callable[[float], float]) -> Callable[[Arguments], Quantity]:
    """A function of one pure number, angles in radians unless they carry a unit."""

    def call(arguments: Arguments) -> Quantity:
        x = as_float(arguments[0].plain(f"the argument of {name}"))
        try:
            return Quantity(function(x))
        except ValueError:
            raise NoAnswer(f"{name}({x:.10g}) is not a real number") from None
        except OverflowError:
            raise BadInput(f"{name}({x:.10g}) is too large to be written") from None

    return call


def _in_its_unit(function: Callable[[Number], Number]) -> Callable[[Arguments], Quantity]:
    """A function of the number that leaves the unit alone."""
    return lambda arguments: Quantity(function(arguments[0].number), arguments[0].units)


def _smallest(arguments: Arguments) -> Quantity:
    """In the unit of the first."""
    return min((argument.to(arguments[0].units) for argument in arguments), key=_number_of)


def _largest(arguments: Arguments) -> Quantity:
    """In the unit of the first."""
    return max((argument.to(arguments[0].units) for argument in arguments), key=_number_of)


def _number_of(quantity: Quantity) -> Number:
    return quantity.number


def _sum(arguments: Arguments) -> Quantity:
    total = arguments[0]
    for argument in arguments[1:]:
        total += argument
    return total


def _mean(arguments: Arguments) -> Quantity:
    return _sum(arguments) / Quantity(Fraction(len(arguments)))


def _round(arguments: Arguments) -> Quantity:
    """To the nearest whole number, or to so many decimals; halves go away from zero, as taught in school."""
    places = arguments[1].plain("the second argument of round") if len(arguments) > 1 else Fraction(0)
    if places != int(places) or not -30 <= places <= 30:
        raise BadInput(f"round to {float(places):g} decimals: must be a whole number of at most 30")
    scale = Fraction(10) ** int(places)
    number = Fraction(arguments[0].number)
    nearest = math.floor(abs(number) * scale + Fraction(1, 2)) / scale
    return Quantity(-nearest if number < 0 else nearest, arguments[0].units)


def _square_root(arguments: Arguments) -> Quantity:
    return arguments[0] ** Quantity(Fraction(1, 2))


_MANY = 500
FUNCTIONS: dict[str, tuple[Callable[[Arguments], Quantity], int, int]] = {  # function, fewest and most arguments
    "abs": (_in_its_unit(lambda x: -x if x < 0 else x), 1, 1),
    "ceil": (_in_its_unit(lambda x: Fraction(math.ceil(x))), 1, 1),
    "floor": (_in_its_unit(lambda x: Fraction(math.floor(x))), 1, 1),
    "round": (_round, 1, 2),
    "sqrt": (_square_root, 1, 1),
    "min": (_smallest, 1, _MANY),
    "max": (_largest, 1, _MANY),
    "sum": (_sum, 1, _MANY),
    "mean": (_mean, 1, _MANY),
    **{
        name: (_of_number(name, function), 1, 1)
        for name, function in (
            *(("exp", math.exp), ("ln", math.log), ("log10", math.log10)),
            *(("sin", math.sin), ("cos", math.cos), ("tan", math.tan)),
        )
    },
}
