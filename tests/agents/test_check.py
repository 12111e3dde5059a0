"""Deterministic checks find what a model invented, forgot or mistyped, and nothing else."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.check import (
    beside,
    foreign_names,
    invented_numbers,
    mentions,
    mistyped_numbers,
    shared_numbers,
    shares,
    unsaid_values,
    unused_numbers,
    unused_outputs,
)


def values(text: str) -> set[float]:
    return {m.value for m in mentions(text)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a load of 1,250.5 MW", {1250.5}),
        ("case2869 and line 7", {2869, 7}),
        ("1.5e3 or 2E-4", {1500, 2e-4}),
        ("twenty-five per cent", {25, 5}),
        ("thirty percent more", {30}),
        ("double the load, half the wind", {2, 0.5}),
        ("nothing to count", set()),
    ],
)
def test_numbers_are_read_in_digits_and_in_words(text: str, found: set[float]) -> None:
    assert values(text) == found


def test_small_counts_in_words_carry_no_condition() -> None:
    assert [m.firm for m in mentions("one hour and 2 days")] == [True, False]
    assert unused_numbers([{}], "in one hour") == ()
    assert unused_numbers([{}], "in 2 days") == ("the task says 2, but no argument uses it",)


@pytest.mark.parametrize(
    ("task", "argument"),
    [
        ("at 115 % load", 1.15),
        ("at 115 % load", 115.0),
        ("15 % more load", 1.15),
        ("15 % more load", 115.0),
        ("the load falls by 20 %", 0.8),
        ("the load falls by 20 %", 80.0),
        ("at 20 % of the load", 0.2),
        ("with half the load", 0.5),
        ("with half the load", 50.0),
        ("with half as much again", 1.5),
        ("double the load", 2.0),
        ("double the load", 200.0),
        ("thirty per cent more", 1.3),
    ],
)
def test_a_percentage_may_become_a_share_or_a_change(task: str, argument: float) -> None:
    assert invented_numbers({"load": argument}, task, {}) == ()
    assert unused_numbers([{"load": argument}], task) == ()


def test_an_invented_number_is_named_and_a_said_one_or_a_default_is_not() -> None:
    task = "at 115 % load without line 7"
    (complaint,) = invented_numbers({"load": 1.2, "lines": [7]}, task, {})
    assert complaint.startswith("load has the number 1.2, which the task does not say")
    assert invented_numbers({"load": 1.15, "lines": [7]}, task, {}) == ()
    assert invented_numbers({"load": 1.2}, task, {"load": 1.2}) == ()
    (complaint,) = invented_numbers({"nested": [{"deep": "bus 99"}], "flag": True, "none": None}, task, {})
    assert complaint.startswith("nested has the number 99")


def test_a_forgotten_condition_is_named_once_and_a_used_one_is_not() -> None:
    task = "the 30-bus grid at 115 % load, that is 115 %"
    assert unused_numbers([{"case": "case30"}], task) == ("the task says 115, but no argument uses it",)
    assert unused_numbers([{"case": "case30"}, {"load": 1.15}], task) == ()


@pytest.mark.parametrize(
    ("task", "up", "down"),
    [
        ("load is 8 % above nominal", True, False),
        ("every load grows by 8 %", True, False),
        ("8 percent more is consumed", True, False),
        ("consumption falls 8 percent", False, True),
        ("with 8 % less demand", False, True),
        ("down by 8 %, they say", False, True),
        ("8 % heavier", True, True),
        ("up 8 % less", True, True),
        ("the line is off. 8 % it is", True, True),
    ],
)
def test_a_word_that_touches_a_share_says_which_way_it_goes(task: str, up: bool, down: bool) -> None:
    found = shares(task, 0.5, 1.5)
    assert (1.08 in found, 0.92 in found) == (up, down)


def test_one_share_may_go_up_in_one_place_and_down_in_another() -> None:
    assert {1.1, 0.9} <= set(shares("loads grow by a tenth, and line limits fall by a tenth", 0.5, 1.5))


def test_an_output_that_is_asked_for_by_name_is_used() -> None:
    (advice,) = unused_outputs("what does generation cost per hour", ["a.generation_mw"], ["cost", "generation_mw"])
    assert advice == "the question says cost, but no answer uses it"
    assert unused_outputs("what does it cost", ["(a.cost - b.cost) / b.cost * 100"], ["cost"]) == ()
    assert (
        unused_outputs("in the least-cost dispatch, at minimal total cost, which lines are full", ["a.lines"], ["cost"])
        == ()
    )


def test_a_number_said_once_becomes_one_argument() -> None:
    both = {"load_scale": 1.2, "rating_scale": 1.2}
    (advice,) = shared_numbers(both, "consumes a fifth more than published", {"rating_scale": 1})
    assert advice.startswith("the task says fifth once, but load_scale and rating_scale use it")
    for task in ("20 % more load, and ratings 20 % up", "a fifth more"):
        assert shared_numbers({"load_scale": 1.2, "rating_scale": 1}, task, {"rating_scale": 1}) == ()
    assert shared_numbers(both, "20 % more load, and ratings 20 % up", {}) == ()


def test_a_name_must_share_a_word_or_its_numbers_with_the_task() -> None:
    task = "the IEEE 30-bus grid of Bavaria"
    assert foreign_names({"case": "case30", "region": "bavaria"}, task, {}) == ()
    for name, value in (("case", "case118"), ("region", "saxony")):
        (complaint,) = foreign_names({name: value}, task, {})
        assert complaint.startswith(f"{name} is '{value}', which the task does not name")
    assert foreign_names({"region": "saxony", "x": "", "n": 3}, task, {"region": "saxony"}) == ()


@pytest.mark.parametrize("written", ["574.5", "574.52", "575", "574.5 and 574.517", "1.2e-5", "0.00001234"])
def test_a_written_number_may_be_rounded(written: str) -> None:
    assert mistyped_numbers(written, ["cost 574.517, residual 0.00001234"]) == ()


@pytest.mark.parametrize("written", ["574.6", "574.53", "576", "5745.17", "1e-3", "2e-5"])
def test_a_mistyped_number_is_named(written: str) -> None:
    assert mistyped_numbers(f"It is {written}.", ["cost 574.517, residual 0.00001234"]) == (
        f"the number {written} stands in none of the results",
    )


@given(st.floats(1e-3, 1e6), st.integers(0, 6))
def test_a_rounding_is_faithful_to_a_result_while_it_is_within_a_tenth_of_it(number: float, places: int) -> None:
    written = f"{number:.{places}f}"
    assume(abs(abs(float(written) - number) - 0.1 * number) > 1e-9 * number)
    assert (mistyped_numbers(written, [repr(number)]) == ()) == (abs(float(written) - number) <= 0.1 * number)


@given(st.floats(1e-3, 1e6))
def test_every_number_of_the_task_is_grounded_and_used(number: float) -> None:
    task = f"with a load of {number!r} MW"
    assert invented_numbers({"load": number}, task, {}) == ()
    assert unused_numbers([{"load": number}], task) == ()


def test_thousands_are_grouped_by_commas_and_a_share_may_have_a_decimal_comma() -> None:
    assert [m.value for m in mentions("1,354 buses at 112,5 % and lines 22,23")] == [1354.0, 112.5, 22.0, 23.0]


def test_a_digit_of_a_unit_is_no_number() -> None:
    said = mentions("T = 900 m2/d, q = 788 m3/d, 3 km^2, ct = 1e-5 1/psi, case30, bus24, 8x8 digits")
    assert [m.value for m in said] == [900.0, 788.0, 3.0, 1e-5, 30.0, 24.0]


def test_beside_a_word_stand_the_number_before_it_and_two_behind() -> None:
    text = "8 mD, porosity 0.12, 2 cp, compressibility 9e-6 1/psi, 60 ft, 4 h"
    assert beside(text, ["poros"]) == "8 mD, porosity 0.12, 2"
    assert beside(text, ["compress", "viscos"]) == "2 cp, compressibility 9e-6 1/psi, 60"
    assert beside("with 3 ft, h = 5", ["h "]) == "3 ft, h = 5"  # a word of its own, and not the end of another
    assert beside("porous", ["poros"]) == beside("porous", []) == ""


def test_numbers_are_also_said_in_words() -> None:
    said = mentions("fifteen percent, ninety-five percent, three quarters, a fifth, twice")
    assert [m.value for m in said if m.firm] == [95.0, 0.75, 0.2, 2.0]
    assert said[0].value == 15.0


def test_that_there_is_none_is_said_by_no_or_none_and_not_by_not() -> None:
    assert unsaid_values("No line is at its limit.", ["none"]) == unsaid_values("Lines: none.", ["none"]) == ()
    assert unsaid_values("The grid is not at its limit.", ["none"]) == ("the result none is not said",)
