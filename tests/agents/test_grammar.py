"""A turn's schema lets through what could be right, and nothing else."""

import json
import re
from typing import Any

import pytest

from agents.grammar import spans, turn_schema
from agents.library import solver
from tools import get_tool

TOOL = get_tool("solve_dc_opf")


def branch(task: str, compare: str, tool: str = TOOL.name) -> dict[str, Any]:
    options = turn_schema(solver("solver", [tool]), [get_tool(tool)], task, task)["anyOf"]
    return next(o["properties"] for o in options if o["properties"].get("compare", {}).get("const") == compare)


def arguments(task: str, tool: str = TOOL.name) -> dict[str, Any]:
    (call,) = branch(task, "nothing", tool)["calls"]["items"]["anyOf"]
    fields: dict[str, Any] = call["properties"]["arguments"]["properties"]
    return fields


def says(task: str, compare: str, answer: str) -> bool:
    return re.fullmatch(branch(task, compare)["answers"]["items"]["pattern"], answer) is not None


@pytest.mark.parametrize(
    ("task", "loads"),
    [
        ("case30 at 107 % load with 35 MW at bus 24", {1.0, 1.07, 35.0, 24.0}),
        ("everybody on the 118-bus grid consumes a fifth more", {1.0, 1.2}),
        ("the load goes from 92 to 107 percent", {1.0, 0.92, 1.07}),
        ("case30 at 200 % load", {1.0, 2.0, 3.0}),
        ("case30 with line 6-8 out", {1.0}),
        ("case9 with every load x1.3", {1.0, 1.3}),
        ("case9, load ×0.9", {1.0, 0.9}),
        ("1.4x the load on case9", {1.0, 1.4}),
        ("a 1.2-fold load on case30", {1.0, 1.2}),
    ],
)
def test_a_share_is_one_that_the_task_says(task: str, loads: set[float]) -> None:
    assert set(arguments(task)["load_scale"]["enum"]) == loads


def test_a_number_that_words_name_stands_beside_them() -> None:
    task = "An oil well (8 mD, porosity 0.12, 2 cp, compressibility 9e-6 1/psi, 60 ft thick) makes 80 STB/d. How far?"
    said = arguments(task, "analyze_pressure_transient")
    assert 9e-6 in said["ct"]["enum"]
    assert 80 not in said["ct"]["enum"]
    assert {2, 0.12, 80} & set(said["mu"]["enum"]) == {2}
    assert not {"distance", "storativity", "skin_ratio", "steps", "plots"} & set(said)


def test_a_list_is_one_that_the_task_says() -> None:
    tool = "train_hamiltonian_reupload"
    assert arguments("digits 4 and 6 with 2 layers, then 0 to 7", tool)["classes"]["enum"] == ["4 and 6", "0 to 7"]
    assert arguments("digits 1, 3, and 7", tool)["classes"]["enum"] == ["1, 3, and 7"]
    assert "classes" not in arguments("digits with 2 layers after 5 epochs", tool)


def test_a_text_is_what_the_task_puts_in_quotation_marks() -> None:
    tool = "mix_lora_experts"
    assert arguments("which expert reads 'summer's day', and which \"x = 1\"?", tool)["prompt"]["enum"] == [
        "summer's day",
        "x = 1",
    ]
    assert arguments("which expert reads 'def f():\n    return 1'?", tool)["prompt"]["enum"] == [
        "def f():\n    return 1"
    ]
    assert "prompt" not in arguments("what is the mixture's perplexity on the users' documents?", tool)


def test_a_choice_that_words_name_is_one_of_theirs() -> None:
    tool = "analyze_pressure_transient"
    assert arguments("drawdown beside a fault", tool)["geometry"]["enum"] == ["radial_infinite", "sealing_fault"]
    assert arguments("drawdown in an aquifer", tool)["units"]["enum"] == ["metric"]
    assert "units" not in arguments("what does it show?", tool)  # nothing says which: the tool's own
    neural = branch("case30 by the neural method", "nothing")["calls"]["items"]["anyOf"][0]["properties"]["arguments"]
    assert neural["properties"]["method"]["enum"] == ["neural"]
    assert "method" in neural["required"]


def test_elements_are_named_with_the_tasks_numbers() -> None:
    outages = re.compile(
        arguments("lines between buses 6 and 8, and 10 and 20, of the grid")["outages"]["items"]["pattern"]
    )
    assert all(outages.match(line) for line in ("6-8", "20-10", "6-8#2"))
    assert not any(outages.match(line) for line in ("all", "6-9", "1-2"))
    assert not outages.match("6-6")
    assert "outages" not in arguments("the cheapest hour of the Dutch grid")
    assert "outages" not in arguments("the dearest bus of the 5-bus grid")  # one bus has no line to itself


def test_a_generator_is_named_by_one_bus_and_a_line_by_two() -> None:
    task = "branch 30-17 of the 118-bus grid"
    assert says(task, "nothing", "a.watched_flow_mw[30-17]")
    assert not says(task, "nothing", "a.watched_flow_mw[30]")
    assert says("the unit at bus 30 of the 118-bus grid", "nothing", "a.watched_output_mw[30]")
    assert not says(task, "nothing", "a.watched_output_mw[30-17]")


def test_a_line_names_neither_of_its_buses() -> None:
    task = "branch 30-17 of the 118-bus grid"
    for output in ("watched_output_mw", "watched_price"):
        assert not says(task, "nothing", f"a.{output}[30]")
        assert says(f"{task}, and bus 30", "nothing", f"a.{output}[30]")


def test_the_size_of_a_system_names_none_of_its_elements() -> None:
    plants = "losing plant 10 or plant 80 of the 118-bus grid"
    outages = re.compile(arguments(plants)["outages"]["items"]["pattern"])
    assert outages.match("10-80")
    assert not outages.match("10-118")
    assert not says("which bus of case_illinois200 is cheapest", "nothing", "a.watched_price[200]")
    assert says("price at bus 118 of the 118-bus grid", "nothing", "a.watched_price[118]")


def test_an_answer_looks_only_where_the_task_speaks_of() -> None:
    task = "LMP at bus 7130 of the 300-bus case"
    assert says(task, "nothing", "a.watched_price[7130]")
    assert not says(task, "nothing", "a.watched_price[12]")
    assert not says(task, "nothing", "a.watched_price")
    assert not says("LMP of the Dutch grid", "nothing", "a.watched_price[1]")


def test_each_comparison_has_its_own_forms() -> None:
    task = "how much dearer is case30 at 110 % than at 90 %"
    assert says(task, "difference", "a.cost - b.cost")
    assert not says(task, "difference", "a.cost - b.load_mw")
    assert not says(task, "difference", "a.cost / b.cost")
    assert not says(task, "difference", "a.binding_line_names - b.binding_line_names")
    assert says(f"{task}, in percent", "difference in percent", "(b.cost - a.cost) / b.cost * 100")
    assert says(task, "ratio", "a.cost / b.cost")
    assert [branch(task, c)["calls"]["minItems"] for c in ("nothing", "difference", "ratio")] == [1, 2, 2]


def test_names_are_runs_of_words_of_the_task() -> None:
    assert spans("the IEEE 30-bus grid, please") == [
        *("the", "IEEE", "30-bus", "grid", "please", "the IEEE", "IEEE 30-bus", "30-bus grid", "grid please"),
        *(
            "the IEEE 30-bus",
            "IEEE 30-bus grid",
            "30-bus grid please",
            "the IEEE 30-bus grid",
            "IEEE 30-bus grid please",
        ),
        "the IEEE 30-bus grid please",
    ]


def test_two_cases_may_be_looked_at_in_two_places() -> None:
    task = "Bus 4 against bus 5 in case9: how much dearer is the first?"
    assert says(task, "difference", "a.watched_price[4] - b.watched_price[5]")


def test_percent_is_answered_only_where_the_task_speaks_of_percent_outside_its_conditions() -> None:
    def compared(task: str) -> list[str]:
        options = turn_schema(solver("solver", ["solve_dc_opf"]), [TOOL], task, task)["anyOf"]
        return [o["properties"]["compare"]["const"] for o in options if "compare" in o["properties"]]

    assert "difference in percent" not in compared("What does 10 % more load cost case9?")
    assert "difference in percent" in compared("How much dearer in percent is case9 with 10 % more load?")


def test_how_it_is_solved_and_drawn_is_open_only_to_a_task_that_speaks_of_it() -> None:
    assert not {"method", "plots"} & set(arguments("the cost of case9"))
    assert {"method", "plots"} <= set(arguments("solve case9 with the neural method and draw it"))


def test_what_is_asked_begins_as_the_question_does() -> None:
    pattern = branch("Loads as given: how many megawatts run through line 8-9?", "nothing")["asked"]["pattern"]
    assert re.fullmatch(pattern, "how many megawatts run through line 8-9")
    assert not re.fullmatch(pattern, "loads as given")
    assert "pattern" not in branch("case30, load 95 %, least cost?", "nothing")["asked"]


def test_every_demonstration_could_be_written() -> None:
    agent = solver("solver", ["solve_dc_opf"])
    for example in (*agent.examples, *agent.more_examples):
        turn = json.loads(example.turn)
        options = branch(example.task, turn["compare"])
        pattern = options["answers"]["items"]["pattern"]
        assert all(re.fullmatch(pattern, answer) for answer in turn["answers"]), example.task
        assert re.fullmatch(options["asked"].get("pattern", ".*"), turn["asked"]), example.task
        allowed = arguments(example.task)
        for call in turn["calls"]:
            assert call["arguments"]["load_scale"] in allowed["load_scale"]["enum"], example.task
            assert call["arguments"]["grid"] in allowed["grid"]["enum"], example.task
            assert all(
                re.fullmatch(allowed["outages"]["items"]["pattern"], o) for o in call["arguments"].get("outages", ())
            )
