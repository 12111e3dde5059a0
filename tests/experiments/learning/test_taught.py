"""Systems that learn: taught once for all with equal tokens, from what a trainer may see, and then asked like any other."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import Budget, Runner, RunOptions
from agents.models import ModelRequest, Scripted, Unreachable
from experiments.evaluate import Unfinished, evaluate
from experiments.learning.methods import METHODS
from experiments.learning.taught import CannotTeach, Lessons, taught
from experiments.purse import Purse
from experiments.suites import Item, Score, Split
from experiments.suites.protocol import AnswerLike
from experiments.systems import SYSTEMS, System, find_system
from experiments.systems.trained import TRAINED, NotTaught
from store import Store, list_runs

FEW = Lessons(train=8, val=12, tokens=12_000)
LEARNERS = [s.name for s in TRAINED]


class Codes:
    """Words that are answered by a code, which the model gives only where it is told to be exact."""

    name, licence, description = "codes", "CC0-1.0", "Codes of words"

    def __init__(self, train: int = 8) -> None:
        self.train = train
        self.asked: list[Split | None] = []

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        self.asked.append(split)
        sizes: dict[Split, int] = {"train": self.train, "val": 14, "test": 10}
        return tuple(
            Item(f"{s}/{k}", f"{s}/{k}", s, f"The code of {s} {k}?", f"{s[0]}{k}", "code")
            for s, n in sizes.items()
            if split in (s, None)
            for k in range(n)
        )

    def check(self, item: Item, answer: AnswerLike) -> Score:
        return Score(float(answer.text == item.expected), "compared")


def script(request: ModelRequest) -> str:
    """Gives a code where it is told to be exact; asked for instructions, it writes that."""
    fields = (request.answer_schema or {}).get("properties", {})
    if "findings" in fields:
        target = fields["findings"]["items"]["properties"]["target"]["enum"][-1]
        found = {"seen": "No code.", "target": target, "kind": "set_prompt", "advice": "Be exact."}
        return json.dumps({"findings": [found]})
    if "edits" in fields:
        edit = {"op": "set_prompt", "agent": "solver", "prompt": f"{_told(request)} Be exact."}
        return json.dumps({"why": "it helps", "edits": [edit]})
    if fields:
        return json.dumps(dict.fromkeys(fields, "Be exact."))
    if request.messages[0].content.startswith("I provided an assistant"):
        return "```\nBe exact.\n```"
    *_, split, number = request.messages[-1].content.rstrip("?").split()
    even = int(number) % 2 == 0
    return f"{split[0]}{number}" if even or "Be exact." in request.messages[0].content else "I do not know."


def _told(request: ModelRequest) -> str:
    return str(json.loads(request.messages[-1].content)["layer"]["agents"][0]["prompt"])


class Class:
    """A room to teach in: a store, a model, a suite."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.model = Scripted(script)
        self.suite = Codes()
        self.said: list[str] = []

    def teach(self, name: str, *, seed: int = 0, lessons: Lessons = FEW, purse: Purse | None = None) -> System:
        runner = Runner(self.store, {"m": self.model})
        options = RunOptions(model="m", seed=seed, backoff_s=0.0, attempts=1)
        try:
            work = taught(find_system(name), self.suite, runner, options, lessons, purse=purse, say=self.said.append)
            return asyncio.run(work)
        finally:
            runner.close()

    def score(self, system: System) -> float:
        runner = Runner(self.store, {"m": self.model})
        try:
            made = asyncio.run(
                evaluate(self.suite, self.suite.items("test"), system, runner, RunOptions(model="m"), parallel=2)
            )
        finally:
            runner.close()
        return sum(r.score for r in made.results) / len(made.results)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Class]:
    with Store.open(f"{tmp_path}/runs.db") as store:
        yield Class(store)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_system_that_learns_is_better_on_items_it_never_saw(room: Class, name: str) -> None:
    assert room.score(find_system("chain_of_thought")) == 0.5  # where all of them begin
    room.suite.asked.clear()
    system = room.teach(name)
    assert set(room.suite.asked) == {"train", "val"}
    assert (system.name, room.score(system)) == (name, 1.0)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_teaching_is_paid_once_and_within_the_tokens_of_all(room: Class, name: str) -> None:
    first, asked = room.teach(name), room.model.calls
    spent = sum(r.prompt_tokens + r.completion_tokens for r in list_runs(room.store).runs)
    assert 0 < spent <= FEW.tokens
    assert room.said[0].startswith(f"codes, {name}, seed 0: taught with {spent:,} tokens; ")
    again = room.teach(name)
    assert (again.graph("any"), room.model.calls, len(room.said)) == (first.graph("any"), asked, 1)


def test_another_seed_or_more_tokens_are_another_teaching(room: Class) -> None:
    room.teach("textgrad")
    room.teach("textgrad", seed=1)
    room.teach("textgrad", lessons=Lessons(train=8, val=12, tokens=13_000))
    assert len(room.said) == 3


def test_a_purse_too_small_for_a_teaching_is_not_opened(room: Class) -> None:
    with pytest.raises(Unfinished, match="teaching dspy may take 12,000 tokens, and the budget has 9,000 left"):
        room.teach("dspy", purse=Purse(Budget(tokens=9_000)))
    assert room.model.calls == 0


@pytest.mark.parametrize("name", LEARNERS)
def test_a_teaching_that_the_purse_cut_short_is_none(room: Class, name: str) -> None:
    with pytest.raises(Unfinished, match=f"the budget was spent while {name} was taught"):
        room.teach(name, purse=Purse(Budget(calls=15)))
    assert room.said == []
    assert room.model.calls == 15
    assert room.score(room.teach(name)) == 1.0  # with a purse that is full, it is taught


@pytest.mark.parametrize("name", LEARNERS)
def test_a_teaching_without_a_model_is_none(room: Class, name: str) -> None:
    able, room.model = room.model, Scripted(lambda request: Unreachable("the line is down"))
    with pytest.raises(Unfinished, match=f"{name} could not be taught: .*the line is down"):
        room.teach(name)
    room.model = able
    assert room.score(room.teach(name)) == 1.0


def test_a_suite_with_nothing_to_learn_from_says_so(room: Class) -> None:
    room.suite = Codes(train=0)
    with pytest.raises(CannotTeach, match="codes cannot teach gepa: there is no case to learn from; choose a suite"):
        room.teach("gepa")


def test_a_system_that_need_not_learn_is_as_it_was(room: Class) -> None:
    assert room.teach("debate") is SYSTEMS["debate"]
    assert room.model.calls == 0


def test_who_was_not_taught_does_not_answer() -> None:
    for system in TRAINED:
        assert system.method in METHODS
        with pytest.raises(NotTaught, match="learns from a suite before it answers"):
            system.graph("How much?")
