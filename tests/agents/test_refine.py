"""Refinement: a scored call is tried again with changed inputs, better scores are kept, and it stops."""

import json

from agents import GraphSpec, graph, layer
from agents.models import EmptyReply, Truncated
from store.events import Refined, ToolCalled
from tests.agents.lab import Cast, Kiln, Lab, Part, speaker, turn

START = turn(("a", "kiln", {"temperature": 900}), answers=["a.hardness"])
KILN = "You tune the tool kiln"


def change(**changes: object) -> str:
    return json.dumps({"reason": "", "changes": changes})


def one(rounds: int = 5) -> GraphSpec:
    return graph(layer("solve", speaker("solver", tools=("kiln",), refinements=rounds)))


def refined(lab: Lab, tunes: Part, rounds: int = 5) -> tuple[float, dict[str, object], list[Refined], Cast]:
    lab.script = cast = Cast({KILN: tunes, "solver": START})
    run = lab.run(one(rounds))
    events = [e for e in lab.events(run, Refined).values() if isinstance(e, Refined)]
    assert lab.replay(run)[1] == ()
    return run.answer.value, run.answer.evidence[0].arguments, events, cast


def test_only_better_scores_are_kept_and_refinement_stops_when_nothing_is_left_to_change(lab: Lab) -> None:
    tunes = [change(hours=2), change(hours=9), change(hours=3), change()]
    value, arguments, events, cast = refined(lab, tunes)
    assert (value, arguments) == (270.0, {"temperature": 900, "hours": 3})
    assert [(e.round, e.before, e.after, e.kept) for e in events] == [
        (1, -2, -1, True),
        (2, -1, -6, False),
        (3, -1, 0, True),
    ]
    assert cast.spoken[KILN] == 4
    assert '{"hours":9} scored -6.0' in cast.to(KILN)[2].messages[-1].content


def test_no_more_rounds_are_played_than_the_agent_has(lab: Lab) -> None:
    hours = iter(range(10, 99))
    _, arguments, events, cast = refined(lab, lambda _: change(hours=next(hours)), rounds=3)
    assert (arguments, len(events), cast.spoken[KILN]) == ({"temperature": 900}, 3, 3)


def test_only_refinable_inputs_change(lab: Lab) -> None:
    before = Kiln.fired
    value, arguments, events, cast = refined(lab, change(temperature=1800))
    assert (value, arguments, events, cast.spoken[KILN]) == (90.0, {"temperature": 900}, [], 1)
    assert Kiln.fired == before + 1


def test_a_refused_change_is_told_and_leaves_the_best_call_as_it_was(lab: Lab) -> None:
    value, arguments, _, cast = refined(lab, [change(hours=-1), change(hours=3), change()])
    assert (value, arguments["hours"]) == (270.0, 3)
    assert '{"hours":-1} failed: hours is -1' in cast.to(KILN)[1].messages[-1].content


def test_a_change_that_was_tried_before_ends_the_refinement(lab: Lab) -> None:
    _, _, events, cast = refined(lab, change(hours=9))
    assert (len(events), cast.spoken[KILN]) == (1, 2)


def test_a_model_that_cannot_propose_leaves_the_call_as_it_was(lab: Lab) -> None:
    for failure in (Truncated("cut off"), EmptyReply("nothing"), "no JSON"):
        lab.script = Cast({KILN: failure, "solver": START})
        run = lab.run(one(), f"task {failure}")
        assert (run.status, run.answer.value) == ("answered", 90.0)


def test_an_agent_without_refinements_never_asks(lab: Lab) -> None:
    lab.script = cast = Cast({KILN: change(hours=3), "solver": START})
    run = lab.run(one(0))
    assert (cast.spoken[KILN], len(lab.events(run, ToolCalled))) == (0, 1)
