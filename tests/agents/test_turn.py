"""One agent's turn: what it may call, what is sent back to it, and how it ends."""

import pytest

from agents import agent, graph, layer
from agents.models import Truncated
from store.events import AgentFailed, ToolCalled
from tests.agents.lab import Cast, Kiln, Lab, speaker, turn

HOT = ("a", "kiln", {"temperature": 900})
FROZEN = ("a", "kiln", {"temperature": -40})


def one(**settings: object) -> object:
    return graph(layer("solve", speaker("solver", tools=("kiln",), **settings)))


def failure(lab: Lab, run: object) -> AgentFailed:
    (event,) = lab.events(run, AgentFailed).values()
    assert isinstance(event, AgentFailed)
    return event


def test_a_turn_answers_with_values_computed_from_tool_outputs(lab: Lab) -> None:
    lab.script = Cast({"solver": turn(HOT, answers=["a.hardness", "a.colour"])})
    run = lab.run(one())
    assert run.status == "answered"
    assert [(v.value, v.unit) for v in run.answer.values] == [(90.0, "MPa"), ("red", "")]
    assert str(run) == "Hardness of the clay: 90 MPa; Colour of the clay: red"
    (evidence,) = run.answer.evidence
    assert (evidence.tool, evidence.arguments, evidence.shown["hardness"]) == ("kiln", {"temperature": 900}, 90.0)


def test_an_answer_stands_on_the_calls_it_uses_and_no_others(lab: Lab) -> None:
    lab.script = Cast({"solver": [turn(HOT), turn(("b", "kiln", {"temperature": 100}), answers=["b.hardness"])]})
    run = lab.run(one())
    assert [e.name for e in run.answer.evidence] == ["b"]


def test_a_turn_without_answers_sees_its_outputs_and_goes_on(lab: Lab) -> None:
    lab.script = cast = Cast({"solver": [turn(HOT), turn(answers=["a.hardness"])]})
    assert lab.run(one()).answer.value == 90.0
    shown = cast.to("solver")[1].messages[-1].content
    assert 'Outputs so far:\na: {"hardness": 90.0' in shown


def test_a_refused_call_is_not_made_twice_and_the_tools_words_are_the_refusal(lab: Lab) -> None:
    before = Kiln.fired
    lab.script = Cast({"solver": turn(FROZEN, answers=["a.hardness"])})
    run = lab.run(one())
    assert run.status == "refused"
    assert str(run) == "temperature is -40 degC, below freezing; clay is fired hot"
    assert run.answer.values == ()
    assert Kiln.fired == before + 1
    assert lab.model.calls == 2


def test_a_tools_word_that_there_is_no_answer_is_final(lab: Lab) -> None:
    lab.script = Cast({"solver": turn(("a", "kiln", {"temperature": 3000}), answers=["a.hardness"])})
    run = lab.run(one())
    assert (run.status, str(run), lab.model.calls) == ("refused", "clay melts at 3000 degC", 1)


def test_a_grounded_bad_input_ends_in_a_refusal_and_never_in_a_number(lab: Lab) -> None:
    lab.script = Cast({"solver": [turn(FROZEN, answers=["a.cost"]), turn(HOT, answers=["a.cost"])]})
    run = lab.run(one(checks=("grounded", "complete")), "Fire clay at -40 degC")
    assert run.status == "refused"
    assert "below freezing" in str(run)
    assert run.answer.values == ()


def test_an_invented_number_is_sent_back_and_mended(lab: Lab) -> None:
    lab.script = cast = Cast(
        {
            "solver": [
                turn(("a", "kiln", {"temperature": 850}), answers=["a.hardness"]),
                turn(HOT, answers=["a.hardness"]),
            ]
        }
    )
    before = Kiln.fired
    run = lab.run(one(checks=("grounded",)), "Fire clay at 900 degC")
    assert run.answer.value == 90.0
    assert Kiln.fired == before + 1  # the invented call was never made
    told = cast.to("solver")[1].messages[-1].content
    assert "temperature has the number 850, which the task does not say" in told


def test_a_forgotten_condition_is_sent_back_also_when_it_was_used_in_an_earlier_call(lab: Lab) -> None:
    task = "Fire clay at 900 degC for 2 hours"
    long = ("a", "kiln", {"temperature": 900, "hours": 2})
    lab.script = cast = Cast({"solver": [turn(HOT, answers=["a.hardness"]), turn(long, answers=["a.hardness"])]})
    assert lab.run(one(checks=("complete",)), task).answer.value == 180.0
    assert "the task says 2, but no argument uses it" in cast.to("solver")[1].messages[-1].content
    hot = ("b", "kiln", {"temperature": 900})
    lab.script = Cast({"solver": [turn(long), turn(hot, answers=["a.hardness - b.hardness"])]})
    assert lab.run(one(checks=("complete",)), task + " ").answer.value == 90.0


def test_a_tool_that_does_not_exist_is_named_with_those_that_do(lab: Lab) -> None:
    lab.script = cast = Cast({"solver": [turn(("a", "oven", {}), answers=["a.x"]), turn(HOT, answers=["a.hardness"])]})
    assert lab.run(one()).answer.value == 90.0
    assert "there is no tool oven; tools are kiln" in cast.to("solver")[1].messages[-1].content


def test_calls_of_one_name_and_calls_nobody_uses_are_sent_back(lab: Lab) -> None:
    twice = turn(HOT, HOT, answers=["a.cost"])
    idle = turn(HOT, ("b", "kiln", {"temperature": 800}), answers=["a.cost"])
    lab.script = cast = Cast({"solver": [twice, idle, turn(HOT, answers=["a.cost"])]})
    assert lab.run(one()).answer.value == 18.0
    said = [request.messages[-1].content for request in cast.to("solver")]
    assert "two calls are named a" in said[1]
    assert "call b is used in no answer" in said[2]


def test_an_agent_that_mends_nothing_ends_in_a_typed_failure(lab: Lab) -> None:
    lab.script = Cast({"solver": turn(HOT, answers=["a.hardnes"])})
    run = lab.run(one())
    assert (run.status, run.answer, run.error.kind) == ("failed", None, "gave_up")
    assert "a has no output hardnes; did you mean a.hardness?" in failure(lab, run).error.message


def test_a_mended_call_does_not_leave_the_refusal_of_the_first_try_behind(lab: Lab) -> None:
    lab.script = Cast({"solver": [turn(FROZEN, answers=["a.hardness"]), turn(HOT, answers=["a.hardnes"])]})
    run = lab.run(one())
    assert (run.status, run.error.kind) == ("failed", "gave_up")


def test_an_agent_may_refuse_in_its_own_words(lab: Lab) -> None:
    lab.script = Cast({"solver": '{"refusal": "no tool bakes bread"}'})
    run = lab.run(one())
    assert (run.status, str(run)) == ("refused", "no tool bakes bread")


def test_a_written_answer_hands_the_checked_values_on(lab: Lab) -> None:
    both = graph(
        layer("solve", speaker("solver", tools=("kiln",))),
        layer("explain", speaker("writer", checks=("faithful",))),
    )
    wrong, right = "It has a hardness of 91 MPa.", "Fired at 900 degC it has a hardness of 90 MPa."
    lab.script = cast = Cast({"solver": turn(HOT, answers=["a.hardness"]), "writer": [wrong, right]})
    run = lab.run(both)
    assert (str(run), run.answer.value, run.answer.unit) == (right, 90.0, "MPa")
    assert "the number 91 stands in none of the results" in cast.to("writer")[1].messages[-1].content


def test_a_writer_that_keeps_mistyping_gives_way_to_the_plain_result(lab: Lab) -> None:
    both = graph(
        layer("solve", speaker("solver", tools=("kiln",))),
        layer("explain", speaker("writer", checks=("faithful",))),
    )
    lab.script = Cast({"solver": turn(HOT, answers=["a.hardness"]), "writer": "It is 91 MPa."})
    run = lab.run(both)
    assert (run.status, str(run)) == ("answered", "Hardness of the clay: 90 MPa")


def test_an_explainer_whose_model_fails_gives_way_to_the_plain_result_and_another_writer_does_not(lab: Lab) -> None:
    for checks, status in ((("faithful",), "answered"), ((), "failed")):
        network = graph(
            layer("solve", speaker("solver", tools=("kiln",))), layer("explain", speaker("writer", checks=checks))
        )
        lab.script = Cast({"solver": turn(HOT, answers=["a.hardness"]), "writer": Truncated("cut off")})
        run = lab.run(network)
        assert (run.status, run.answer and str(run.answer.text)) == (
            status, "Hardness of the clay: 90 MPa"
        )  # fmt: skip


def test_a_writer_in_the_team_of_a_solver_that_refused_cannot_make_it_an_answer(lab: Lab) -> None:
    lab.script = Cast({"solver": '{"refusal": "no such clay"}', "writer": "It is 90 MPa hard."})
    run = lab.run(graph(layer("solve", speaker("solver", tools=("kiln",)), speaker("writer"))))
    assert run.status == "refused"


def test_a_refusal_goes_through_the_layers_behind_it_without_a_call(lab: Lab) -> None:
    both = graph(layer("solve", speaker("solver", tools=("kiln",))), layer("explain", speaker("writer")))
    lab.script = cast = Cast({"solver": '{"refusal": "there is no such clay"}', "writer": "It is 90 MPa."})
    run = lab.run(both)
    assert (run.status, str(run), cast.spoken["writer"]) == ("refused", "there is no such clay", 0)


@pytest.mark.parametrize("reply", ["{}", "[]", '{"calls": 3}', "no JSON at all", '{"answers": [""]}'])
def test_a_turn_that_makes_no_sense_ends_in_a_typed_failure(lab: Lab, reply: str) -> None:
    lab.script = Cast({"solver": reply})
    run = lab.run(one())
    assert (run.status, run.answer) == ("failed", None)
    assert run.error.kind in ("gave_up", "unparsable")


def test_a_model_failure_is_the_agents_failure_by_its_own_kind(lab: Lab) -> None:
    lab.script = Cast({"solver": Truncated("cut off")})
    run = lab.run(one())
    assert (run.status, run.error.kind, failure(lab, run).error.kind) == ("failed", "truncated", "truncated")


def test_a_function_that_nobody_registered_is_a_typed_failure(lab: Lab) -> None:
    run = lab.run(graph(layer("solve", agent("f", "", function="nowhere"))))
    assert (run.status, run.error.kind) == ("failed", "function_failed")
    assert "use @agents.function" in run.error.message


def test_a_tool_that_left_the_registry_is_a_typed_failure(lab: Lab) -> None:
    lab.script = Cast({"solver": turn(("a", "kilm", {}), answers=["a.x"])})
    run = lab.run(graph(layer("solve", speaker("solver", tools=("kilm",)))))
    assert run.status == "failed"
    assert "no tool named kilm; did you mean kiln?" in run.error.message


def test_equal_calls_at_the_same_time_are_made_once(lab: Lab) -> None:
    before = Kiln.fired
    voters = [speaker(f"voter{k}", tools=("kiln",)) for k in range(5)]
    lab.script = Cast({"voter": turn(HOT, answers=["a.hardness"])})
    run = lab.run(graph(layer("solve", *voters, combine="majority")))
    assert run.answer.value == 90.0
    assert Kiln.fired == before + 1
    made = [e for e in lab.events(run, ToolCalled).values() if isinstance(e, ToolCalled)]
    assert [e.cached for e in made].count(False) == 1
    assert len(made) == 5


def test_two_calls_for_the_same_case_are_sent_back(lab: Lab) -> None:
    same = turn(HOT, ("b", "kiln", {"temperature": 900}), answers=["a.hardness - b.hardness"])
    apart = turn(HOT, ("b", "kiln", {"temperature": 100}), answers=["a.hardness - b.hardness"])
    lab.script = cast = Cast({"solver": [same, apart]})
    assert lab.run(one()).answer.value == 80.0
    assert "calls a and b are the same" in cast.to("solver")[1].messages[-1].content


def test_a_result_that_the_words_leave_out_is_added_to_them(lab: Lab) -> None:
    lab.script = Cast({"solver": turn(HOT, answers=["a.hardness", "a.colour"]), "writer": "It reaches 90 MPa."})
    network = graph(
        layer("solve", speaker("solver", tools=("kiln",))),
        layer("explain", speaker("writer", checks=("faithful",), max_turns=1)),
    )
    assert str(lab.run(network)) == "It reaches 90 MPa. Colour of the clay: red."


def test_a_number_that_is_not_used_is_sent_back_with_the_outputs_that_could_look_there(lab: Lab) -> None:
    task = "What is the price at node 5 of case9?"
    grid = ("a", "solve_dc_opf", {"grid": "case9"})
    lab.script = cast = Cast(
        {"solver": [turn(grid, answers=["a.price_mean"]), turn(grid, answers=["a.watched_price[5]"])]}
    )
    solver = speaker("solver", tools=("solve_dc_opf",), checks=("complete",))
    run = lab.run(graph(layer("solve", solver)), task)
    told = cast.to("solver")[1].messages[-1].content
    places = (
        "it may belong into generator_outages; an answer may look there: a.watched_price[5] or a.watched_output_mw[5]"
    )
    assert f"the task says 5, but no argument uses it; {places}" in told
    assert run.answer.values[0].name == "Price at watch_bus"


def test_a_number_of_a_pair_is_sent_back_with_what_is_named_by_pairs(lab: Lab) -> None:
    grid = ("a", "solve_dc_opf", {"grid": "case9"})
    whole = ("a", "solve_dc_opf", {"grid": "case9", "outages": ["5-6"]})
    lab.script = cast = Cast({"solver": [turn(grid, answers=["a.cost"]), turn(whole, answers=["a.cost"])]})
    solver = speaker("solver", tools=("solve_dc_opf",), checks=("complete",))
    lab.run(graph(layer("solve", solver)), "Line 5-6 of case9 is lost. What is the cost?")
    told = cast.to("solver")[1].messages[-1].content
    assert (
        "says 5, but no argument uses it; it may belong into outages; an answer may look there: a.watched_flow_mw[5-6]"
        in told
    )


def test_a_change_is_turned_the_way_it_is_asked_where_the_changed_case_is_the_dearer_one(lab: Lab) -> None:
    lost, whole = (
        ("a", "solve_dc_opf", {"grid": "case30", "outages": ["27-28"]}),
        ("b", "solve_dc_opf", {"grid": "case30"}),
    )
    lab.script = cast = Cast({"solver": [turn(lost, whole, answers=["b.cost - a.cost"])]})
    solver = speaker("solver", tools=("solve_dc_opf",), checks=("comparison",))
    run = lab.run(graph(layer("solve", solver)), "After line 27-28 is lost, how much dearer is case30 per hour?")
    assert len(cast.to("solver")) == 1
    assert run.answer.values[0].expression == "a.cost - b.cost"
    assert run.answer.values[0].value > 0


def test_a_change_between_calls_of_earlier_turns_is_turned_the_same_way(lab: Lab) -> None:
    lost = ("a", "solve_dc_opf", {"grid": "case30", "outages": ["27-28"]})
    looked, answered = turn(lost, ("b", "solve_dc_opf", {"grid": "case30"})), turn(answers=["b.cost - a.cost"])
    lab.script = Cast({"solver": [looked, answered]})
    solver = speaker("solver", tools=("solve_dc_opf",), checks=("comparison",))
    run = lab.run(graph(layer("solve", solver)), "After line 27-28 is lost, how much dearer is case30 per hour?")
    assert run.answer.values[0].expression == "a.cost - b.cost"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("a.price - b.price", "a has no output price"),
        ("a.max_loaded_line - b.max_loaded_line", "which is no number to compute with"),
        ("a.watched_price - b.watched_price", "a.watched_price is empty"),
    ],
)
def test_a_change_of_what_is_no_number_is_sent_back(lab: Lab, wrong: str, told: str) -> None:
    cases = (
        ("a", "solve_dc_opf", {"grid": "case30", "outages": ["27-28"]}),
        ("b", "solve_dc_opf", {"grid": "case30"}),
    )
    lab.script = cast = Cast({"solver": [turn(*cases, answers=[wrong]), turn(*cases, answers=["a.cost - b.cost"])]})
    solver = speaker("solver", tools=("solve_dc_opf",), checks=("comparison",))
    run = lab.run(graph(layer("solve", solver)), "After line 27-28 is lost, how much dearer is case30 per hour?")
    assert told in cast.to("solver")[1].messages[-1].content
    assert run.answer.values[0].value > 0
