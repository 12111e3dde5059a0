"""The nine combiners, each by the law it keeps."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import Answer, GraphSpec, Quantity, graph, layer
from agents.aggregate import COMBINERS, _vote, normal_form, solidity
from agents.context import Record
from agents.models import ModelRequest, Truncated
from agents.spec import AGGREGATORS
from store.events import LayerCombined
from tests.agents.lab import Cast, Lab, speaker, turn, wait

JUDGE, WRITER = "You compare answers", "Merge the answers"


def team(combine: str, *names: str, **settings: object) -> GraphSpec:
    return graph(layer("vote", *[speaker(n) for n in names or ("one", "two", "three")], combine=combine, **settings))


def combined(lab: Lab, run: object) -> LayerCombined:
    (event,) = lab.events(run, LayerCombined).values()
    assert isinstance(event, LayerCombined)
    return event


def test_there_are_nine_combiners() -> None:
    assert set(COMBINERS) == set(AGGREGATORS)
    assert len(AGGREGATORS) == 9


def test_a_majority_wins_whatever_its_case_and_punctuation(lab: Lab) -> None:
    lab.script = Cast({"one": "Oslo", "two": "Bergen", "three": "bergen."})
    run = lab.run(team("majority"))
    assert (str(run), combined(lab, run).took, combined(lab, run).note) == (
        "Bergen", ("two", "three"), "2 of 3 agree"
    )  # fmt: skip


def test_a_tie_goes_to_the_earliest(lab: Lab) -> None:
    lab.script = Cast({"one": "Oslo", "two": "Bergen", "three": "Narvik"})
    assert str(lab.run(team("majority"))) == "Oslo"


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=9))
def test_a_vote_takes_the_commonest_answer_and_of_equals_the_first_said(words: list[str]) -> None:
    answers = [(speaker(f"s{k}"), Answer(text=w)) for k, w in enumerate(words)]
    most = max(Counter(words).values())
    expected = next(w for w in words if words.count(w) == most)
    won = _vote(answers, [1.0] * len(words))
    assert won.answer.text == expected
    assert won.took == tuple(f"s{k}" for k, w in enumerate(words) if w == expected)


def test_votes_are_by_value_to_six_digits_and_a_refusal_is_a_vote() -> None:
    near = [Answer(text=str(k), values=(Quantity(expression="a.x", value=1.0 + k * 1e-9),)) for k in range(2)]
    assert normal_form(near[0]) == normal_form(near[1])
    assert normal_form(Answer(text="no", refused=True)) == normal_form(Answer(text="never", refused=True))


def test_a_weighted_vote_trusts_records_after_ten_uses(lab: Lab) -> None:
    network = team("weighted_vote")
    one, two, three = network.layers[0].teams[0].agents
    answers = [(one, Answer(text="x")), (two, Answer(text="y")), (three, Answer(text="y"))]

    def winner(uses: int) -> str:
        known = {one.hash: Record(uses, 0.9), two.hash: Record(uses, 0.3), three.hash: Record(uses, 0.3)}
        ctx = replace(lab.runner.context(lab.store.start_run(task="t"), options()), agents=known)
        return wait(COMBINERS["weighted_vote"](network.layers[0].teams[0], answers, None, ctx, "at")).answer.text

    assert (winner(9), winner(10)) == ("y", "x")


def options() -> object:
    from agents import RunOptions

    return RunOptions(model="scripted")


def test_best_of_n_takes_values_over_words_and_a_checker_over_both(lab: Lab) -> None:
    mixed = graph(layer("vote", speaker("one"), speaker("two", tools=("kiln",)), combine="best_of_n"))
    fired = turn(("a", "kiln", {"temperature": 900}), answers=["a.hardness"])
    lab.script = Cast({"one": "eighty", "two": fired})
    assert combined(lab, lab.run(mixed)).took == ("two",)
    lab.runner.checker = lambda answer: float("eighty" in answer.text)
    run = lab.run(mixed, "another task")
    assert (combined(lab, run).took, combined(lab, run).note) == (("one",), "scores 1, 0")


def test_solidity_ranks_values_over_evidence_over_words_over_refusals() -> None:
    value = Answer(text="x", values=(Quantity(expression="a.x", value=1.0),))
    ranked = [value, Answer(text="x"), Answer(text=""), Answer(text="x", refused=True)]
    assert sorted(ranked, key=solidity, reverse=True) == ranked


def test_a_judge_sees_the_answers_in_an_order_that_the_seed_shuffles_and_its_pick_is_mapped_back(lab: Lab) -> None:
    names = ("one", "two", "three", "four")
    orders = set()

    def judge(request: ModelRequest) -> str:
        shown = [line for line in request.messages[1].content.splitlines() if line.startswith("I am ")]
        orders.add(tuple(shown))
        return json.dumps({"reason": "it is three", "index": shown.index("I am three")})

    lab.script = Cast({JUDGE: judge, **{n: f"I am {n}" for n in names}})
    for seed in range(6):
        run = lab.run(team("judge", *names), seed=seed)
        assert (str(run), combined(lab, run).took, combined(lab, run).note) == (
            "I am three", ("three",), "it is three"
        )  # fmt: skip
    assert len(orders) > 2


def test_where_the_judge_fails_the_most_solid_answer_is_taken(lab: Lab) -> None:
    lab.script = Cast({JUDGE: Truncated("cut off"), "one": "Oslo", "two": "Bergen", "three": "Narvik"})
    run = lab.run(team("judge"))
    assert str(run) == "Oslo"
    assert combined(lab, run).note == "the judge gave no choice (truncated); scores 0.5, 0.5, 0.5"


def synthesis(lab: Lab, merged: object) -> object:
    first, second = (
        turn((c, "kiln", {"temperature": t}), answers=[f"{c}.hardness"]) for c, t in (("a", 900), ("b", 800))
    )
    lab.script = Cast({WRITER: merged, "one": first, "two": second})
    both = graph(layer("m", *[speaker(n, tools=("kiln",)) for n in ("one", "two")], combine="synthesise"))
    return lab.run(both)


def test_a_synthesis_keeps_all_values_and_evidence(lab: Lab) -> None:
    run = synthesis(lab, "They are 90 MPa and 80 MPa hard.")
    assert str(run) == "They are 90 MPa and 80 MPa hard."
    assert [v.value for v in run.answer.values] == [90.0, 80.0]
    assert [e.arguments["temperature"] for e in run.answer.evidence] == [900, 800]
    assert combined(lab, run).took == ("one", "two")


@pytest.mark.parametrize(
    ("merged", "note"),
    [
        ("They are 95 MPa hard.", "the number 95 stands in none of the results"),
        (Truncated("cut off"), "the writer gave no text (truncated)"),
    ],
)
def test_a_synthesis_with_foreign_numbers_or_none_at_all_gives_way_to_the_answers(
    lab: Lab, merged: object, note: str
) -> None:
    run = synthesis(lab, merged)
    assert str(run) == "Hardness of the clay: 90 MPa\nHardness of the clay: 80 MPa"
    assert combined(lab, run).note == note


def test_a_debate_changes_minds_and_everybody_hears_the_others_and_itself(lab: Lab) -> None:
    def stubborn(request: ModelRequest) -> str:
        return "Oslo"

    lab.script = cast = Cast({"one": stubborn, "two": ["Bergen", "Oslo"], "three": ["Bergen", "Bergen", "Oslo"]})
    run = lab.run(team("debate", rounds=2))
    assert (str(run), combined(lab, run).note) == ("Oslo", "3 of 3 agree")
    heard = [m.content for m in cast.to("two")[1].messages if m.content.startswith("From ")]
    assert heard == ["From one:\n\nOslo", "From three:\n\nBergen", "From two:\n\nBergen"]
    assert len(cast.to("three")) == 3


def test_a_debater_that_fails_keeps_its_answer(lab: Lab) -> None:
    lab.script = Cast({"one": ["Oslo", Truncated("cut off")], "two": ["Oslo", Truncated("cut off")], "three": "Bergen"})
    run = lab.run(team("debate"))
    assert (run.status, str(run)) == ("answered", "Oslo")
    assert lab.replay(run)[1] == ()


def test_in_a_sequence_each_hears_all_before_and_the_last_speaks(lab: Lab) -> None:
    lab.script = cast = Cast({"one": "1st", "two": "2nd", "three": "3rd"})
    run = lab.run(team("sequential"))
    assert (str(run), combined(lab, run).took) == ("3rd", ("three",))
    assert [m.content for m in cast.to("three")[0].messages[1:3]] == ["From one:\n\n1st", "From two:\n\n2nd"]


def test_in_a_pipeline_each_hears_only_the_one_before(lab: Lab) -> None:
    lab.script = cast = Cast({"one": "1st", "two": "2nd", "three": "3rd"})
    assert str(lab.run(team("tool_pipeline"))) == "3rd"
    assert [m.content for m in cast.to("three")[0].messages[1:-1]] == ["From two:\n\n2nd"]


def test_a_single_agent_needs_no_combining(lab: Lab) -> None:
    lab.script = Cast({"one": "alone"})
    run = lab.run(graph(layer("vote", speaker("one"))))
    assert (str(run), combined(lab, run).aggregator) == ("alone", "single")
