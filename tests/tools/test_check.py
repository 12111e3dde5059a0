from typing import Any

import pytest

from tests.tools.toys import Checked, Numbers
from tools.check import check_arguments
from tools.contract import BadInput
from tools.contract import Tool as _Tool

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"case": "case30", "load_scale": 7}, "load_scale is 7, must be at most 1.5"),
    ({"case": "case30", "load_scale": 0}, "load_scale is 0, must be at least 0.1"),
    ({"case": "case30", "load_scale": "much"}, "load_scale is 'much', must be a number"),
    ({"case": "case30", "load_scale": float("nan")}, "load_scale is nan, must be a finite number"),
    ({"case": "case30", "load_scale": None}, "load_scale is None, must be a number"),
    ({"case": "case31"}, "case is 'case31', must be 'case30' or 'case118'"),
    ({}, "case is missing (Which grid)"),
    ({"case": "case30", "loadscale": 1}, "loadscale is no input of checked; did you mean load_scale?"),
    ({"case": "case30", "demand": -3}, "demand is -3, must be more than 0"),
    ({"case": "case30", "outages": [1, 2.5]}, "outages[1] is 2.5, must be a whole number"),
    ({"case": "case30", "outages": [1, 2, 3, 4]}, "outages has more than 3 items, must have at most that many"),
    ({"case": "case30", "outages": "12"}, "outages is '12', must be a list"),
    ({"case": "case30", "at": {"bus": -1}}, "at.bus is -1, must be at least 0"),
    ({"case": "case30", "at": {}}, "at.bus is missing"),
    ({"case": "case30", "at": 3}, "at is 3, must be a JSON object"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_an_error_names_the_field_what_was_given_and_what_would_be_right(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        check_arguments(Checked, arguments)
    assert caught.value.message == message


@pytest.mark.parametrize("arguments", [{}, {"case": "case30", "loadscale": 1}])
def test_who_forgets_or_misnames_a_field_is_told_them_all(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        check_arguments(Checked, arguments)
    assert caught.value.hint == "checked takes case, load_scale, outages, demand, at"


def test_several_errors_are_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        check_arguments(Checked, {"case": "x", "load_scale": 9})
    assert caught.value.facts["fields"] == ["case", "load_scale"]
    assert caught.value.message == "case is 'x', must be 'case30' or 'case118'; load_scale is 9, must be at most 1.5"


def test_arguments_that_are_no_object_are_refused() -> None:
    arguments: Any = ["case30"]
    with pytest.raises(BadInput, match=r"the arguments of checked are \['case30'\], must be a JSON object"):
        check_arguments(Checked, arguments)


def test_a_long_wrong_value_is_shown_shortened() -> None:
    with pytest.raises(BadInput) as caught:
        check_arguments(Checked, {"case": "x" * 10_000})
    assert len(caught.value.message) < 150


def test_a_tool_that_does_not_name_its_types_says_so() -> None:
    class Untyped(_Tool):  # type: ignore[type-arg]
        name = "untyped"

    with pytest.raises(TypeError, match="Untyped does not name its types"):
        check_arguments(Untyped, {})


def test_a_tool_that_refines_another_takes_its_types() -> None:
    from tests.tools.toys import AddUpHere

    assert AddUpHere.input_type() is Numbers
