"""What a question compares is read from its words, and advice is given only where the words and the cases disagree."""

import json

import pytest

from agents.comparison import change_asked, directed_change, misdirected_change, misread_comparison
from agents.library import solver


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


@pytest.mark.parametrize(
    "asked",
    [
        "what is the largest loading after losing line 10-20",
        "what must be spent if all loads grow by 5 %",
        "which connections have no spare capacity with loads a tenth above nominal",
        "highest price if demand is 10 % lower than published",
        "load factor 1.18: objective value",
        "what does an hour cost when consumption falls thirteen percent",
        "what do we pay once demand climbs by a quarter",
        "every load minus 30 %: economic optimum",
    ],
)
def test_a_change_that_says_which_case_is_meant_asks_for_none(asked: str) -> None:
    assert change_asked(asked) is None
    assert misread_comparison(asked, asked, [{"load_scale": 1.1}], ["a.cost"]) == ()
    (advice,) = misread_comparison(asked, asked, [{"load_scale": 1.1}, {}], ["a.cost - b.cost"])
    assert advice == "the values of one case are asked for: make one call"


@pytest.mark.parametrize(
    "asked",
    [
        "solar at bus 5 cuts the hourly cost by how many percent",
        "load from nominal to 1.2x: hourly cost up by what percent",
        "optimum under 103 % load minus optimum under 97 % load",
        "what percentage of the cost goes away",
        "what sum lies between the costs of case30 and case_ieee30",
    ],
)
def test_where_the_words_leave_a_comparison_open_none_is_advised_against(asked: str) -> None:
    answer = "(a.cost - b.cost) / b.cost * 100" if "percent" in asked else "a.cost - b.cost"
    assert misread_comparison(asked, asked, [{"load_scale": 1.1}, {}], [answer]) == ()


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


def test_no_demonstration_draws_advice_in_its_asked_or_its_whole_words() -> None:
    agent = solver("solver", ["solve_dc_opf"])
    for example in (*agent.examples, *agent.more_examples):
        turn = json.loads(example.turn)
        cases = [call["arguments"] for call in turn["calls"]]
        for asked in (turn["asked"], example.task):
            assert misread_comparison(example.task, asked, cases, turn["answers"]) == (), asked


@pytest.mark.parametrize(
    ("asked", "given", "changed", "turned"),
    [
        ("how much dearer is it with the outage", "b.cost - a.cost", "a", "a.cost - b.cost"),
        ("how much does the wind save", "a.cost - b.cost", "b", "a.cost - b.cost"),
        ("how much does the wind save", "b.cost - a.cost", "b", "a.cost - b.cost"),
        (
            "by how many percent does it rise",
            "(b.cost - a.cost) / a.cost * 100",
            "a",
            "(a.cost - b.cost) / b.cost * 100",
        ),
        ("how much dearer is it with the wind", "b.cost - a.cost", "b", "b.cost - a.cost"),  # it is cheaper: say so
        ("how much dearer is it", "b.cost - a.cost", "", "b.cost - a.cost"),  # which is the changed case?
        ("what is the difference", "b.cost - a.cost", "a", "b.cost - a.cost"),
    ],
)
def test_a_change_is_turned_only_where_its_cases_leave_no_doubt(
    asked: str, given: str, changed: str, turned: str
) -> None:
    value = {"a.cost": 110.0, "b.cost": 100.0}.__getitem__
    conditions = {name: 1 + (name == changed) for name in "ab"}
    assert directed_change([asked], given, value, conditions) == turned


def test_what_is_a_change_itself_needs_no_second_case() -> None:
    asked = "by how much has the pressure dropped after 10 h"
    assert misread_comparison(asked, asked, [{}], ["a.change_psi"], ["change_psi"]) == ()
    assert misread_comparison(asked, asked, [{}], ["a.cost"], ["change_psi"])
    more = "how much more does the pressure drop than at 20 m"
    assert misread_comparison(more, more, [{}], ["a.change_psi"], ["change_psi"])
