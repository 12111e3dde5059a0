"""A plan, whatever a model wrote, becomes a graph that runs, checks what it computed and says so last."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.models import ServerError
from agents.plan import COMBINERS, MOST_AGENTS, MOST_LAYERS, Plan, Subtask, build, fitting
from store.events import Planned
from tests.agents.lab import Cast, Kiln, Lab, turn
from tools import all_tools, get_tool, registry

TOOLS = [Kiln, get_tool("calculate")]
subtasks = st.builds(
    Subtask,
    goal=st.text(max_size=20),
    role=st.sampled_from(["solve", "check", "reason", "explain"]),
    agents=st.integers(-3, 9),
    combine=st.sampled_from(COMBINERS),
    tools=st.lists(st.sampled_from(["kiln", "calculate", "oven", ""]), max_size=4),
)
plans = st.builds(Plan, asked=st.text(max_size=20), subtasks=st.lists(subtasks, max_size=8))


@pytest.fixture(autouse=True, scope="module")
def with_kiln() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._found(), "kiln", Kiln)
        yield


def roles(plan: Plan) -> list[str]:
    return [layer.id.split("-", 1)[1] for layer in build(plan, TOOLS).graph.layers]


def plan(*steps: tuple[str, ...]) -> Plan:
    return Plan(asked="x", subtasks=[Subtask(goal=f"g{k}", role=r, tools=list(t)) for k, (r, *t) in enumerate(steps)])


@given(plans)
def test_every_plan_becomes_a_graph_that_can_run(written: Plan) -> None:
    made = build(written, TOOLS)
    assert 1 <= len(made.graph.layers) <= MOST_LAYERS + 2
    for layer in made.graph.layers:
        (team,) = layer.teams
        assert 1 <= len(team.agents) <= MOST_AGENTS
        assert {t for a in team.agents for t in a.tools} <= {"kiln", "calculate"}
    assert build(written, TOOLS) == made


@given(plans)
def test_what_is_solved_is_checked_before_anything_is_said_and_explained_at_the_end(written: Plan) -> None:
    order = roles(written)
    if "solve" in order:
        behind = order[order.index("solve") + 1 :]
        assert order.count("solve") == 1
        assert "check" in behind[: behind.index("explain")]
        assert order[-1] == "explain"


@given(plans)
def test_a_plan_is_repaired_exactly_where_it_was_changed(written: Plan) -> None:
    made = build(written, TOOLS)
    if roles(written) != [s.role for s in written.subtasks]:
        assert made.repairs
    if written.subtasks and not made.repairs:
        assert [s.role for s in written.subtasks] == roles(written)


def test_tools_that_do_not_exist_are_dropped_and_solving_without_any_becomes_reasoning() -> None:
    made = build(plan(("solve", "oven", "kiln")), TOOLS)
    assert made.graph.layers[0].teams[0].agents[0].tools == ("kiln",)
    assert roles(plan(("solve", "oven"))) == ["reason"]
    assert build(plan(("solve", "oven")), TOOLS).repairs == ("the solving had no tool, so an agent reasons",)


def test_a_check_that_comes_after_the_words_does_not_count() -> None:
    assert roles(plan(("solve", "kiln"), ("explain",), ("check",)))[:3] == ["solve", "check", "explain"]


def test_an_empty_plan_reasons() -> None:
    made = build(Plan(asked="why", subtasks=[]), TOOLS)
    assert (roles(Plan(asked="why", subtasks=[])), made.graph.layers[0].goal) == (["reason"], "why")
    assert made.repairs == ("an empty plan became one layer that reasons",)


def test_voters_sample_and_a_single_agent_does_not() -> None:
    trio = Plan(asked="", subtasks=[Subtask(goal="", role="reason", agents=3)])
    (team,) = build(trio, TOOLS).graph.layers[0].teams
    assert (team.aggregator, {a.temperature for a in team.agents}, len(team.agents)) == ("majority", {0.7}, 3)
    (alone,) = build(plan(("reason",)), TOOLS).graph.layers[0].teams
    assert (alone.aggregator, alone.agents[0].temperature) == ("single", 0.0)


def test_a_task_in_words_is_planned_run_checked_and_explained(lab: Lab) -> None:
    written = {"asked": "how hard", "subtasks": [{"goal": "fire it", "role": "solve", "tools": ["kiln"]}]}
    lab.script = Cast(
        {
            "You plan how": json.dumps(written),
            "You plan calls": turn(
                ("a", "kiln", {"temperature": 900}), answers=["a.hardness"], asked="how hard", compare="nothing"
            ),
            "You explain": "Clay fired at 900 degC has a hardness of 90 MPa.",
        }
    )
    run = lab.run(None, "How hard is clay fired in a kiln at 900 degC?")
    assert (run.status, run.answer.value, run.answer.unit) == ("answered", 90.0, "MPa")
    (event,) = lab.events(run, Planned).values()
    assert isinstance(event, Planned)
    assert (event.planner, event.graph_hash) == ("scripted", run.graph.hash)
    assert event.repairs == ("added a check behind the last solve", "added an explanation at the end")
    assert lab.replay(run)[1] == ()


def test_a_breached_certificate_ends_in_a_refusal_that_names_it(lab: Lab) -> None:
    written = {"asked": "", "subtasks": [{"goal": "", "role": "solve", "tools": ["kiln"]}]}
    wet = turn(("a", "kiln", {"temperature": 900, "clay": "wet clay"}), answers=["a.hardness"])
    lab.script = Cast({"You plan how": json.dumps(written), "You plan calls": wet, "You explain": "90 MPa"})
    run = lab.run(None, "How hard is wet clay fired at 900 degC?")
    assert run.status == "refused"
    assert str(run) == "the result is not certified: a.residual is 0.5, limit 1e-06"
    assert run.answer.values == ()


def test_a_planner_that_fails_ends_the_run_by_its_kind(lab: Lab) -> None:
    lab.script = Cast({"You plan": ServerError("down")})
    run = lab.run(None, "Anything")
    assert (run.status, run.graph, run.error.kind) == ("failed", None, "server_error")
    assert lab.replay(run)[1] == ()


def test_a_plan_with_a_tool_of_another_field_is_given_the_one_of_whose_field_the_task_speaks() -> None:
    tools = [get_tool(name) for name in ("solve_dc_opf", "calculate", "analyze_pressure_transient")]

    def solving(task: str, *chosen: str) -> tuple[str, ...]:
        step = Subtask(goal="compute", role="solve", tools=list(chosen))
        return build(Plan(asked="", subtasks=[step]), tools, task).graph.layers[0].teams[0].agents[0].tools

    grid = "By how many percent does the cost of case118 rise at 120 % load?"
    for chosen in ("calculate", "analyze_pressure_transient"):
        assert solving(grid, chosen) == ("solve_dc_opf",)
    assert solving("What is 15 % of 300 MW?", "calculate") == ("calculate",)
    assert solving(grid, "calculate", "solve_dc_opf") == ("solve_dc_opf",)
    assert solving("Compare the skin of the well with the load on the grid", "analyze_pressure_transient") != (
        "solve_dc_opf",
    )


def test_a_plan_may_use_the_tools_of_the_task_s_field_and_arithmetic() -> None:
    def shown(task: str) -> set[str]:
        return {tool.name for tool in fitting(task, all_tools())}

    assert shown("What does case118 cost when line 3-17 is out?") == {"solve_dc_opf", "calculate"}
    assert shown("A well pumps 300 m3/d; what is the transmissivity?") == {"analyze_pressure_transient", "calculate"}
    assert shown("Use calculate on 3 + 4") >= {"calculate"}
    both = "Put the drawdown of the well and the dispatch of the grid side by side, with train_hamiltonian_reupload."
    assert shown(both) >= {"train_hamiltonian_reupload", "analyze_pressure_transient"}
