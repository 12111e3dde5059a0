"""Deterministic checks find what a model invented, forgot or mistyped, and nothing else."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.check import (
    change_asked,
    foreign_names,
    invented_numbers,
    mentions,
    misdirected_change,
    misread_comparison,
    mistyped_numbers,
    shared_numbers,
    unsaid_values,
    unused_numbers,
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


def test_a_number_said_once_becomes_one_argument() -> None:
    both = {"load_scale": 1.2, "rating_scale": 1.2}
    (advice,) = shared_numbers(both, "consumes a fifth more than published", {"rating_scale": 1})
    assert advice.startswith("the task says fifth once, but load_scale and rating_scale use it")
    for task in ("20 % more load, and ratings 20 % up", "a fifth more"):
        assert shared_numbers({"load_scale": 1.2, "rating_scale": 1}, task, {"rating_scale": 1}) == ()
    assert shared_numbers(both, "20 % more load, and ratings 20 % up", {}) == ()


@pytest.mark.parametrize(
    ("asked", "change"),
    [
        ("what is a megawatt-hour worth at bus 5", None),
        ("how many $/MWh does one extra megawatt at bus 5 add to the optimum", None),
        ("the bus where an additional megawatt would be dearest", None),
        ("how much more is a megawatt-hour worth at bus 5 than at bus 4", "more"),
        ("what is a 20 MW wind farm worth to the 9-bus grid", "worth"),
        ("how much does the loss of a line add to the cost", "loss"),
    ],
)
def test_what_one_more_megawatt_costs_is_a_price_and_no_change(asked: str, change: str | None) -> None:
    assert change_asked(asked) == change


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


def test_numbers_are_also_said_in_words() -> None:
    said = mentions("fifteen percent, ninety-five percent, three quarters, a fifth, twice")
    assert [m.value for m in said if m.firm] == [95.0, 0.75, 0.2, 2.0]
    assert said[0].value == 15.0


@pytest.mark.parametrize(
    ("asked", "expression", "wanted"),
    [
        ("how much dearer is it with the outage?", "a.cost - b.cost", "b.cost - a.cost"),
        ("how much does the wind save?", "a.cost - b.cost", "b.cost - a.cost"),
        ("how much does the wind save?", "b.cost - a.cost", ""),
        ("by how many percent does it rise?", "(a.cost - b.cost) / b.cost * 100", "(b.cost - a.cost) / a.cost * 100"),
        ("by how many percent does it rise?", "(b.cost - a.cost) / b.cost * 100", "(b.cost - a.cost) / a.cost * 100"),
        ("how many percent cheaper is it?", "(a.cost - b.cost) / b.cost * 100", "(b.cost - a.cost) / b.cost * 100"),
        ("how much does it differ?", "a.cost - b.cost", ""),
        ("how much more does a fall of the load save?", "a.cost - b.cost", ""),
        ("how much dearer is it?", "a.cost", ""),
    ],
)
def test_a_change_is_taken_in_the_direction_that_is_asked(asked: str, expression: str, wanted: str) -> None:
    advice = misdirected_change([asked], expression, {"a.cost": 90.0, "b.cost": 100.0}.__getitem__)
    assert advice == (
        (
            f"how much {'more' if 'save' not in asked and 'cheaper' not in asked else 'less'} is asked, "
            f"and that is {wanted}",
        )
        if wanted
        else ()
    )


def test_one_change_of_the_task_is_not_made_in_both_directions() -> None:
    task = "Shaving 7 % off all loads of case30: what is the saving?"
    up_and_down = [{"grid": "case30", "load_scale": n} for n in (0.93, 1.07)]
    (advice,) = misread_comparison(task, "what is the saving", up_and_down, ["b.cost - a.cost"])
    assert advice == "load_scale is 0.93 in one call and 1.07 in the other, both from 7; the other case has no change"
    (advice,) = misread_comparison(
        task.replace("7 %", "seven percent"), "what is the saving", up_and_down, ["b.cost - a.cost"]
    )
    assert advice.endswith("both from seven; the other case has no change")
    assert (
        misread_comparison("", "by what factor does the cost grow", [{}, {"load_scale": 1.5}], ["b.cost / a.cost"])
        == ()
    )
    one_way = [{"grid": "case30", "load_scale": n} for n in (0.93, 1)]
    assert misread_comparison(task, "what is the saving", one_way, ["b.cost - a.cost"]) == ()
    twice = "How much more does case30 cost 7 % above than 7 % below nominal?"
    assert misread_comparison(twice, "how much more does it cost", up_and_down, ["b.cost - a.cost"]) == ()


@pytest.mark.parametrize(
    ("asked", "percent"),
    [
        ("how much dearer at 105 % load than at 95 %", False),
        ("how much dearer is ten percent more load", False),
        ("how much dearer in percent is 105 % load than 95 %", True),
        ("by how many % does it rise at 105 %", True),
        ("by what percentage does it rise", True),
    ],
)
def test_a_condition_in_percent_asks_for_no_answer_in_percent(asked: str, percent: bool) -> None:
    cases = [{"load_scale": 1.05}, {"load_scale": 0.95}]
    right, wrong = "(a.cost - b.cost) / b.cost * 100", "a.cost - b.cost"
    if not percent:
        right, wrong = wrong, right
    assert misread_comparison(asked, asked, cases, [right]) == ()
    (advice,) = misread_comparison(asked, asked, cases, [wrong])
    assert ("not in percent" in advice) == (not percent)


def test_the_first_wording_that_says_one_way_decides_a_direction() -> None:
    value = {"a.cost": 100.0, "b.cost": 90.0}.__getitem__
    question = "How many extra dollars must be spent when the load drops?"
    assert misdirected_change(["how many extra dollars", question], "b.cost - a.cost", value) == (
        "how much more is asked, and that is a.cost - b.cost",
    )
    assert misdirected_change([question], "b.cost - a.cost", value) == ()
    assert misdirected_change(["how far do costs rise when the unit drops out"], "b.cost - a.cost", value) != ()


def test_that_there_is_none_is_said_by_no_or_none_and_not_by_not() -> None:
    assert unsaid_values("No line is at its limit.", ["none"]) == unsaid_values("Lines: none.", ["none"]) == ()
    assert unsaid_values("The grid is not at its limit.", ["none"]) == ("the result none is not said",)
