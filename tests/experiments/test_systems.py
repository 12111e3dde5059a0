"""Rival systems: what they ask, how they vote, and that a name leads to them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Answer, Brief, Network, SpecError
from agents.models import ModelRequest, Scripted
from experiments.suites import Item, Split, UnknownSuite, find_suite, suite_names
from experiments.systems import SYSTEMS, UnknownSystem, find_system
from experiments.systems.vote import result_of, vote
from store import Store
from tests.experiments.lab import Sums, by_dice, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"{tmp_path}/runs.db") as opened:
        yield opened


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("So 3 + 4 is 7.\n#### 7", "Adding up, the answer is 7.0"),
        ("It costs $1,234.50 in all.", "Answer: 1234.50"),
        (r"Thus \boxed{\frac{1}{2}} is right", r"We get $\boxed{\frac{1}{2}}$."),
        ("@mean[34.65]\n@count[3]", "The values are @count[3] and @mean[34.65]."),
        ("```python\ndef f(x):\n    return x+1  # one more\n```", "Here:\n```\ndef f(x): return x + 1\n```"),
        ("Paris.", "paris"),
    ],
)
def test_answers_with_the_same_result_are_one_vote(one: str, other: str) -> None:
    assert result_of(one) == result_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("#### 7", "#### 8"), ("-7", "7"), ("@a[1]", "@b[1]"), ("```\nx = 1\n```", "```\nx = 2\n```"), ("3/4", "3/5")],
)
def test_answers_with_other_results_are_other_votes(one: str, other: str) -> None:
    assert result_of(one) != result_of(other)


def test_the_most_frequent_result_wins_and_a_tie_goes_to_the_earliest() -> None:
    def picked(*texts: str) -> str:
        answer = vote(Brief("t", inputs=tuple((str(k), Answer(text=text)) for k, text in enumerate(texts))))
        assert isinstance(answer, Answer)
        return answer.text

    assert picked("it is 5", "it is 6", "so 6") == "it is 6"
    assert picked("it is 5", "it is 6") == "it is 5"


@pytest.mark.parametrize(
    ("system", "calls"),
    [
        ("one_call", 1),
        ("chain_of_thought", 1),
        ("self_consistency", 5),
        ("self_consistency@3", 3),
        ("handmade_team", 3),
        ("debate", 6),
        ("debate@2", 9),
    ],
)
def test_a_system_makes_the_calls_it_is_known_for(store: Store, system: str, calls: int) -> None:
    made = run(store, system, Scripted(by_dice), Sums(2))
    assert [(r.status, r.calls) for r in made.results] == [("answered", calls)] * 2


def test_voting_over_samples_beats_one_sample(store: Store) -> None:
    """Condorcet: with a chance of 0.7 each, eleven voters are right more often than one."""
    one = run(store, "chain_of_thought", Scripted(by_dice), Sums(40))
    many = run(store, "self_consistency@11", Scripted(by_dice), Sums(40))
    assert sum(r.score for r in many.results) > sum(r.score for r in one.results) + 4


def test_debaters_hear_each_other_and_a_reviser_hears_draft_and_review(store: Store) -> None:
    heard: list[ModelRequest] = []

    def listen(request: ModelRequest) -> str:
        heard.append(request)
        return by_dice(request)

    run(store, "debate", Scripted(listen), Sums(1))
    assert [len(r.messages) for r in heard] == [2, 2, 2, 5, 5, 5]  # the answers of all three stand before the task
    heard.clear()
    run(store, "handmade_team", Scripted(listen), Sums(1))
    assert [m.content.partition(":")[0] for m in heard[-1].messages[1:3]] == ["From draft", "From review"]


def test_an_agent_whose_tools_do_not_help_answers_all_the_same(store: Store) -> None:
    def script(request: ModelRequest) -> str:
        return '{"refusal": "no tool adds"}' if request.answer_schema else by_dice(request, skill=1.0)

    made = run(store, "tool_agent", Scripted(script), Sums(2))
    assert [(r.status, r.score, r.calls) for r in made.results] == [("answered", 1.0, 2)] * 2


class Spoken(Sums):
    """Sums in words that lead to the tool that adds."""

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        return tuple(replace(item, prompt=f"Calculate {item.prompt}") for item in super().items(split))


def test_an_agent_with_tools_is_told_what_they_gave(store: Store) -> None:
    def script(request: ModelRequest) -> str:
        if request.answer_schema:
            call = '{"name": "a", "tool": "calculate", "arguments": {"expression": "1 + 1"}}'
            return f'{{"asked": "1 + 1", "given": "", "compare": "nothing", "calls": [{call}], "answers": ["a.value"]}}'
        return f"The answer is {2 if '= 2 ' in request.messages[1].content else 'unknown'}"

    assert run(store, "tool_agent", Scripted(script), Spoken(2)).results[1].score == 1


def test_a_network_of_ones_own_is_a_system(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "trained.json"
    spec = find_system("chain_of_thought").graph("")
    assert spec is not None
    Network(spec).save(file)
    system = find_system(str(file))
    assert (system.name, system.graph("any")) == ("trained", spec)
    file.write_text("{}")
    with pytest.raises(SpecError, match="holds no network"):
        find_system(str(file))


def test_a_mistyped_name_is_told_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(UnknownSystem, match=r"no system named debat; did you mean debate\?; systems are planned, "):
        find_system("debat")
    with pytest.raises(UnknownSystem, match="there is no file"):
        find_system("missing.json")
    with pytest.raises(UnknownSystem):
        find_system("one_call@3")
    with pytest.raises(UnknownSuite, match=r"no suite named grid_question; did you mean grid_questions\?"):
        find_suite("grid_question")
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(UnknownSuite, match="defines no `suite`"):
        find_suite(str(tmp_path / "empty.py"))


def test_every_listed_name_is_found() -> None:
    assert [find_system(name).name for name in SYSTEMS] == list(SYSTEMS)
    assert [find_suite(name).name for name in suite_names()] == suite_names()


def test_a_suite_of_ones_own_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from tests.experiments.lab import Sums\nsuite = Sums(3)\n")
    assert len(find_suite(str(tmp_path / "mine.py")).items()) == 3
