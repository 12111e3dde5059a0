"""What a unit's name means: its dimension, its size, its zero point. Taken from pint, and loaded with the first unit."""

import logging
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from tools.contract import BadInput

Dimension = dict[str, Fraction]  # power of each base dimension; empty for a pure number

CURRENCIES = ("AUD", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "INR", "JPY", "NOK", "PLN", "SEK", "USD")
ALIASES = {
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "°C": "degC",
    "°F": "degF",
    "℃": "degC",
    "℉": "degF",
    "°": "deg",
    "percent": "%",
}
_MORE = (  # what pint lacks, or reads otherwise than those who run grids and reservoirs do
    "var = volt * ampere",
    "per_unit = 1 = pu",
    "mD = 0.001 * darcy",
    "bbl = 42 * gallon = barrel",
    *(f"{code} = [currency_{code}]" for code in CURRENCIES),
)


@dataclass(frozen=True)
class Unit:
    factor: Fraction  # one of it in base units; a unit defined through pi carries pi to fifty digits
    dimension: Dimension
    zero: Fraction = Fraction(0)  # its zero point in base units: 273.15 for degC
    difference: str = ""  # for a unit with a zero point, the unit of differences between two of it


@lru_cache(maxsize=1000)
def find_unit(name: str) -> Unit | None:
    """The unit of this name, in singular or plural, with or without a prefix; None if there is none."""
    if name == "%":
        return Unit(Fraction(1, 100), {})
    registry = _registry()
    if not registry.parse_unit_name(name):
        return None
    try:
        factor, _ = registry.get_root_units(name)
        zero = registry.Quantity(Fraction(0), name).to_root_units().magnitude
    except TypeError:  # pint asked a fraction for its logarithm
        hint = "convert it to a ratio first"
        raise BadInput(f"{name} is a logarithmic unit, which cannot be calculated with", hint=hint) from None
    dimension = dict(registry.get_dimensionality(name))
    difference = f"delta_{registry.get_name(name)}" if zero else ""
    return Unit(Fraction(factor), dimension, Fraction(zero), difference)


def unit_names() -> list[str]:
    """Names a person may have meant, without prefixes."""
    return [*_registry()._units]


@cache
def _registry() -> Any:
    import pint

    logging.getLogger("pint").setLevel(logging.ERROR)  # it warns of each redefinition
    registry = pint.UnitRegistry(non_int_type=Fraction)
    for definition in _MORE:
        registry.define(definition)
    return registry
