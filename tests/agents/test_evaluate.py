"""Answers are expressions over tool outputs, computed exactly and with a unit where it is plain."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.answer import Quantity
from agents.evaluate import Result, evaluate
from agents.hands import Hands
from store import Store
from tests.agents.lab import Kiln, wait
from tools import BadInput, Executor, NoAnswer


def output(**fields: object) -> Result:
    plain = {"hardness": 90.0, "cost": 18.0, "colour": "red", "cracks": None, "residual": 0.0, "quality": -2.0}
    return Result(Kiln, {**plain, **fields})


def value(store: Store, expression: str, **results: Result) -> Quantity:
    with Executor(1) as executor:
        hands = Hands(store.start_run(task=expression), executor)
        return wait(evaluate(expression, results or {"a": output(), "b": output(hardness=60.0)}, hands, at="x"))


@pytest.mark.parametrize(
    ("expression", "number", "unit"),
    [
        ("a.hardness", 90.0, "MPa"),
        (" a.hardness ", 90.0, "MPa"),
        ("a.hardness - b.hardness", 30.0, "MPa"),
        ("(a.hardness + b.hardness) / 2", 75.0, "MPa"),
        ("(a.hardness - b.hardness) / b.hardness", 0.5, "1"),
        ("(a.hardness - b.hardness) / b.hardness * 100", 50.0, "%"),
        ("a.hardness / b.hardness", 1.5, "1"),
        ("a.cost / a.hardness", 0.2, ""),
        ("max(a.hardness, b.hardness)", 90.0, ""),
        ("2 * a.quality", -4.0, ""),
    ],
)
def test_an_expression_has_its_value_and_its_unit(store: Store, expression: str, number: float, unit: str) -> None:
    found = value(store, expression)
    assert (found.value, found.expression) == (pytest.approx(number, rel=1e-15), expression)
    assert found.unit in (unit, "%" if unit == "1" and "100" in expression else unit)


def test_text_is_an_answer_and_no_number_to_compute_with(store: Store) -> None:
    assert value(store, "a.colour").value == "red"
    assert value(store, "a.cracks", a=output(cracks=["north", "south"])).value == "north, south"
    with pytest.raises(BadInput, match=r"a.colour is 'red', which is no number to compute with"):
        value(store, "a.colour + 1")


@pytest.mark.parametrize(
    ("expression", "words", "hint"),
    [
        ("c.hardness", "there is no call named c", "calls are a, b"),
        ("a.hardnes", "a has no output hardnes", "did you mean a.hardness?"),
        ("a.zzz", "a has no output zzz", "outputs are hardness, cost"),
        ("a.cracks", "a.cracks is empty", "use another output"),
        ("90", "the answer '90' refers to no call", "a.hardness"),
        ("", "refers to no call", "a.hardness"),
    ],
)
def test_a_wrong_reference_says_what_would_be_right(store: Store, expression: str, words: str, hint: str) -> None:
    with pytest.raises(BadInput) as error:
        value(store, expression)
    assert words in error.value.message
    assert hint in error.value.hint


def test_a_quotient_by_zero_has_no_answer(store: Store) -> None:
    with pytest.raises(NoAnswer, match="division by zero"):
        value(store, "a.hardness / a.residual")


numbers = st.floats(-1e12, 1e12).filter(lambda x: abs(x) > 1e-12)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers, numbers)
def test_a_difference_is_exact_whatever_the_numbers(store: Store, one: float, other: float) -> None:
    found = value(store, "a.hardness - b.hardness", a=output(hardness=one), b=output(hardness=other))
    assert found.value == float(Fraction(repr(one)) - Fraction(repr(other)))


def test_a_pure_number_is_read_without_a_unit() -> None:
    said = [str(Quantity(expression="a.x", value=v, unit=u)) for v, u in ((372.0, "1"), (12.5, "MW"), ("none", ""))]
    assert said == ["372", "12.5 MW", "none"]
