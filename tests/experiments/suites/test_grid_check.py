"""The checker of grid questions takes what is right, and nothing else."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.suites.grid_questions import GridQuestions
from experiments.suites.grid_questions.check import check
from experiments.suites.protocol import Item


@dataclass(frozen=True)
class Reply:
    text: str = ""
    value: float | str | None = None
    unit: str = ""
    refused: bool = False


def number(value: float, unit: str = "$/h", signed: bool = True) -> dict[str, Any]:
    return {"parts": [{"number": value, "unit": unit, "signed": signed}]}


def score(expected: dict[str, Any], reply: Reply, prompt: str = "") -> float:
    return check(prompt, expected, reply).score


ITEMS = GridQuestions().items()
ANSWERABLE = [item for item in ITEMS if "parts" in item.expected]
ILL_POSED = [item for item in ITEMS if "refusal" in item.expected]
LINES = {"parts": [{"lines": [["6-8"], ["8-9", "9-10"]]}]}
REFUSALS = {
    "unknown_grid": "There is no grid named case73.",
    "unknown_element": "There is no bus 131; the nearest are 116, 117, 118.",
    "infeasible": "No feasible dispatch: the load of 283.8 MW needs 12 MW more than the plants can give.",
    "islanded": "The outage cuts off bus 10 from the rest of the grid.",
}


def said(part: dict[str, Any], factor: float = 1.0) -> str:
    """A part of the truth in words, numbers multiplied by `factor`."""
    if "lines" in part:
        return ", ".join(group[-1] for group in part["lines"]) or "none"
    return (
        f"bus {part['bus']}" if "bus" in part else f"{part['number'] * factor!r} {part['unit'].replace('1', 'times')}"
    )


@pytest.mark.parametrize("item", ANSWERABLE, ids=lambda i: i.id)
def test_the_truth_is_right_in_words_and_as_a_value(item: Item) -> None:
    parts = item.expected["parts"]
    text = "; ".join(said(part) for part in parts)
    assert GridQuestions().check(item, Reply(text)).score == 1
    if len(parts) == 1:
        only = parts[0]
        value = only.get("number", only.get("bus", said(only)))
        assert GridQuestions().check(item, Reply("see value", value, only.get("unit", ""))).score == 1


@pytest.mark.parametrize("item", ANSWERABLE, ids=lambda i: i.id)
def test_two_thousandths_off_is_wrong(item: Item) -> None:
    parts = item.expected["parts"]
    if any("number" in part for part in parts):
        for factor in (1.002, 0.998):
            assert GridQuestions().check(item, Reply("; ".join(said(part, factor) for part in parts))).score == 0


@pytest.mark.parametrize("item", ILL_POSED, ids=lambda i: i.id)
def test_an_ill_posed_question_wants_a_refusal_with_the_right_reason_and_no_number(item: Item) -> None:
    suite, right = GridQuestions(), REFUSALS[item.expected["refusal"]]
    assert suite.check(item, Reply(right, refused=True)).score == 1
    assert suite.check(item, Reply(right)).score == 1
    assert suite.check(item, Reply(right, 675.2, "$/h", refused=True)).score == 0
    assert suite.check(item, Reply(f"{right} It costs 675.2 $/h.", refused=True)).score == 0
    assert suite.check(item, Reply("It costs 675.2 $/h.")).score == 0
    assert suite.check(item, Reply("The tool crashed.", refused=True)).score == 0


@pytest.mark.parametrize("reason", ["unknown_grid", "unknown_element", "infeasible", "islanded"])
def test_the_reason_of_another_class_does_not_count(reason: str) -> None:
    for other, words in REFUSALS.items():
        expected = {"refusal": reason, "unit": "$/h"}
        assert score(expected, Reply(words, refused=True)) == (other == reason), (reason, words)


def test_an_answerable_question_must_not_be_refused() -> None:
    assert score(number(675.2), Reply("There is no dispatch; the limit is 675.2 $/h.", refused=True)) == 0


@pytest.mark.parametrize("unit", ["$/h", "", "USD/h", "$ per hour", "currency/h", "dollars an hour", "$"])
def test_spellings_of_the_right_unit_are_right(unit: str) -> None:
    assert score(number(675.2), Reply("x", 675.2, unit)) == 1


@pytest.mark.parametrize("unit", ["%", "$/MWh", "MW", "k$/h", "furlong"])
def test_a_unit_that_contradicts_is_wrong(unit: str) -> None:
    assert score(number(675.2), Reply("x", 675.2, unit)) == 0


def test_a_unit_with_a_prefix_counts_by_its_size() -> None:
    assert score(number(675.2), Reply("x", 0.6752, "k$/h")) == 1
    assert score(number(4242, "MW"), Reply("x", 4.242, "GW")) == 1
    assert score(number(4242, "MW"), Reply("x", 4242, "kW")) == 0


@pytest.mark.parametrize("unit", ["", "lines", "line", "binding lines", "branches", "lines at their limit"])
def test_a_count_of_lines_may_say_what_it_counts(unit: str) -> None:
    assert score(number(3, "lines"), Reply("x", 3, unit)) == 1
    assert score(number(3, "lines"), Reply(f"There are 3 {unit}, of which 6-8 is one.")) == 1
    assert score(number(3, "lines"), Reply("x", 4, unit)) == 0


def test_a_count_of_lines_is_no_other_quantity() -> None:
    assert score(number(3, "lines"), Reply("x", 3, "MW")) == score(number(3, "MW"), Reply("x", 3, "lines")) == 0


def test_a_share_is_no_percentage() -> None:
    assert score(number(6.76, "%"), Reply("x", 0.0676, "1")) == 0
    assert score(number(6.76, "%"), Reply("x", 6.76, "1")) == 1


def test_a_ratio_may_be_said_in_per_cent() -> None:
    assert score(number(2.45, "1"), Reply("x", 245, "%")) == 1
    assert score(number(2.45, "1"), Reply("x", 2.45, "1")) == 1


def test_a_difference_has_the_sign_of_its_wording() -> None:
    assert score(number(147.8), Reply("x", -147.8, "$/h")) == 0
    assert score(number(147.8, signed=False), Reply("x", -147.8, "$/h")) == 1
    assert score(number(-30, "MW", signed=False), Reply("line 8-28 carries 30 MW")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The cheapest dispatch of the IEEE 30-bus grid at 115 % load costs 675.2366 $/h.",
        "$675.24 per hour, with 6 generators and no line at its limit.",
        "At 217.58 MW of load the cost is 675.24 dollars per hour; the price is 3.965 $/MWh; line 6-8 has 85.6 %.",
        "675.24",
        "It used to be 565.21 $/h and is now 675.24 $/h",
    ],
)
def test_the_number_is_found_in_a_sentence(text: str) -> None:
    assert score(number(675.2365), Reply(text)) == 1


def test_the_last_fitting_number_counts_so_that_listing_many_does_not_help() -> None:
    assert score(number(675.2365), Reply("675.2365 $/h or 700 $/h")) == 0


def test_a_value_goes_before_the_words() -> None:
    assert score(number(675.2365), Reply("675.2365 $/h", 700.0, "$/h")) == 0


def test_names_are_no_numbers() -> None:
    assert score(number(8, "MW"), Reply("line 6-8 of case118, bus 8, row 8")) == 0
    assert score(number(12, "MW"), Reply("12, over line 6-8")) == 1


def test_thousands_may_be_separated() -> None:
    assert score(number(127496.1), Reply("It costs 127,496.10 $/h")) == 1


@pytest.mark.parametrize(
    "words", ["6-8, 9-10", "8-9 and 8-6", "lines 6–8, 8-9 and 9-10 are at their limit", "6-8#1,9-10"]
)
def test_lines_count_in_any_order_and_direction_and_one_of_a_series_is_enough(words: str) -> None:
    assert score(LINES, Reply(words)) == 1
    assert score(LINES, Reply("see value", words)) == 1


@pytest.mark.parametrize("words", ["6-8", "9-10", "6-8, 9-10, 21-22", "6-8#2, 9-10", "none", "6-80, 9-10"])
def test_a_missing_or_surplus_line_is_wrong(words: str) -> None:
    assert score(LINES, Reply(words)) == 0


def test_a_line_that_only_repeats_the_question_does_not_count() -> None:
    assert score(LINES, Reply("With 2-6 out, 6-8 and 9-10 bind"), prompt="Line 2-6 is out. Which lines bind?") == 1


def test_no_line_must_be_said_in_words() -> None:
    nothing = {"parts": [{"lines": []}]}
    assert score(nothing, Reply("Lines at their limit: none")) == 1
    assert score(nothing, Reply("No line is at its limit.")) == 1
    assert score(nothing, Reply("6-8")) == 0
    assert score(nothing, Reply("I am not sure.")) == 0


def test_all_parts_must_be_right() -> None:
    both = {"parts": [*number(675.2)["parts"], {"lines": [["25-27"]]}]}
    assert score(both, Reply("Cost: 675.2 $/h; lines at their limit: 25-27", 675.2, "$/h")) == 1
    assert score(both, Reply("Cost: 675.2 $/h", 675.2, "$/h")) == 0
    assert score(both, Reply("Cost: 680 $/h; lines at their limit: 25-27", 680.0, "$/h")) == 0


def test_a_bus_is_right_or_wrong_but_never_nearly_right() -> None:
    bus = {"parts": [{"bus": 9052}]}
    assert score(bus, Reply("at bus 9052")) == score(bus, Reply("9052")) == score(bus, Reply("x", 9052.0)) == 1
    assert score(bus, Reply("x", 9051.0)) == score(bus, Reply("bus 9053")) == 0


def test_a_blank_answer_is_wrong() -> None:
    assert all(GridQuestions().check(item, Reply("  ", refused=r)).score == 0 for item in ITEMS for r in (False, True))


def test_words_of_a_score_say_what_would_be_right() -> None:
    assert check("", number(675.2), Reply("x", 700.0, "$/h")).words == "700 $/h is wrong, 675.2 $/h is right"


@given(
    st.sampled_from(ITEMS),
    st.text(max_size=80),
    st.one_of(st.none(), st.text(max_size=20), st.floats()),
    st.text(max_size=8),
    st.booleans(),
)
def test_an_answer_of_any_shape_gets_a_score(
    item: Item, text: str, value: float | str | None, unit: str, refused: bool
) -> None:
    assert GridQuestions().check(item, Reply(text, value, unit, refused)).score in (0, 1)
