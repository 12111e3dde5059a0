"""Each benchmark's checker takes reference answers for right and wrong ones for wrong, by the thousand."""

import random
from typing import Any

import pytest

from agents import Answer
from agents.answer import Quantity
from experiments.sandbox import Outcome
from experiments.suites.creative_writing import suite as creative_writing
from experiments.suites.creative_writing.suite import mentions
from experiments.suites.dabench import suite as dabench
from experiments.suites.dabench.suite import equal
from experiments.suites.data import MissingData, find_folder
from experiments.suites.gsm8k import suite as gsm8k
from experiments.suites.humaneval import suite as humaneval
from experiments.suites.humaneval.mutants import mutants, references, sample, survivors
from experiments.suites.humaneval.suite import program
from experiments.suites.math import suite as math
from experiments.suites.math.latex import same
from experiments.suites.protocol import Item, Suite

SUITES = [humaneval, gsm8k, math, dabench, creative_writing]


def items(suite: Suite) -> tuple[Item, ...]:
    try:
        find_folder(suite.name)
    except MissingData as error:
        pytest.skip(str(error))
    return suite.items()


def score(suite: Suite, item: Item, text: str, **answer: Any) -> float:
    return suite.check(item, Answer(text=text, **answer)).score


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_a_benchmark_is_a_suite_with_items_in_every_split(suite: Suite) -> None:
    found = items(suite)
    assert isinstance(suite, Suite)
    assert len({item.id for item in found}) == len({item.prompt for item in found}) == len(found)
    by_split = [{item.family for item in suite.items(split)} for split in ("train", "val", "test")]
    assert all(by_split), "no split is empty"
    assert sum(map(len, by_split)) == len(set().union(*by_split)), "a family lies in one split"
    assert suite.items() == found


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_odd_answers_get_a_score_and_never_an_exception(suite: Suite) -> None:
    item = items(suite)[0]
    for text in (
        "",
        " ",
        "\x00",
        "I do not know.",
        "\\boxed{",
        "####",
        "@a[",
        "```python\n",
        "{" * 5000,
        "9" * 5000,
        "é" * 99,
    ):
        assert score(suite, item, text) == 0
    assert score(suite, item, "There is no answer.", refused=True) == 0


# GSM8K


def test_every_gsm8k_reference_is_right_and_every_near_miss_is_wrong() -> None:
    for item in items(gsm8k):
        right = float(item.expected)
        assert score(gsm8k, item, f"First 17, then 4.\n#### {right:,.0f}") == 1
        assert score(gsm8k, item, f"So 3 times 4 makes **${right:,.2f}**.") == 1
        for wrong in {right + 1, right * 10, -right, right / 10} - {right}:
            assert score(gsm8k, item, f"#### {wrong:.10g}") == 0


def test_a_checked_value_counts_where_the_words_have_no_mark() -> None:
    item = next(item for item in items(gsm8k) if item.expected == "72")
    checked = (Quantity(expression="70 + 2", value=72.0),)
    assert score(gsm8k, item, "There were 2 boxes of 36 in 3 days", values=checked) == 1
    assert score(gsm8k, item, "#### 71", values=checked) == 0


# MATH


def test_every_math_reference_is_right_in_several_spellings() -> None:
    for item in items(math):
        for reply in (f"Thus $x$ is $\\boxed{{{item.expected}}}$.", f"The answer is ${item.expected}$."):
            assert score(math, item, reply) == 1, item.expected
        spelled = item.expected.replace("\\frac", "\\dfrac").replace("(", "\\left(").replace(")", "\\right)")
        assert score(math, item, f"\\boxed{{ {spelled} }}") == 1, item.expected


def test_the_reference_of_another_math_problem_is_wrong() -> None:
    found = list(items(math))
    others = random.Random(0).sample(found, len(found))
    told_apart = [(a, b) for a, b in zip(found, others, strict=True) if not same(a.expected, b.expected)]
    assert len(told_apart) > 0.9 * len(found)
    for a, b in told_apart:
        assert score(math, a, f"\\boxed{{{b.expected}}}") == 0


# DABench


def test_every_dabench_reference_is_right_and_wrong_with_one_value_changed() -> None:
    for item in items(dabench):
        answers: dict[str, str] = item.expected["answers"]
        said = {name: f"@{name}[{value}]" for name, value in answers.items()}
        assert score(dabench, item, " ".join(said.values())) == 1
        for name, value in answers.items():
            changed = f"{float(value) + 0.01:.6f}" if equal(value, value + "0") else f"not {value}"
            assert score(dabench, item, " ".join((said | {name: f"@{name}[{changed}]"}).values())) == 0
            assert score(dabench, item, " ".join(text for other, text in said.items() if other != name)) == 0


def test_a_dabench_program_is_run_beside_its_table() -> None:
    item = next(item for item in items(dabench) if item.id == "dabench/0")
    read = "import pandas as pd\ntable = pd.read_csv('test_ave.csv')"
    assert score(dabench, item, f"```python\n{read}\nprint(f'@mean_fare[{{table.Fare.mean():.2f}}]')\n```") == 1
    words = dabench.check(item, Answer(text=f"```python\n{read}\ntable.Fear\n```")).words
    assert "@mean_fare[34.65] is missing" in words and "AttributeError" in words


# Trivia creative writing


def test_every_story_with_all_names_is_right_and_loses_a_fifth_by_each_that_is_missing() -> None:
    for item in items(creative_writing):
        names = [part["names"][0] for part in item.expected]
        assert score(creative_writing, item, "Once, " + " met ".join(names) + ".") == 1
        assert score(creative_writing, item, " ".join(names).upper()) == 1
        assert score(creative_writing, item, "Once upon a time.") == 0


@pytest.mark.parametrize(
    ("story", "name", "expected"),
    [
        ("the cars of spain", "car", True),
        ("he was scared", "car", False),
        ("a carpet", "car", False),
        ("spain's coast", "spain", True),
        ("on sunset blvd. at night", "sunset blvd.", True),
        ("−×÷", "−×÷", True),
        ("anything", "", False),
    ],
)
def test_a_name_is_mentioned_as_words_of_their_own(story: str, name: str, expected: bool) -> None:
    assert mentions(story, name) is expected


# HumanEval


def test_reference_solutions_pass_and_at_least_95_percent_of_mutants_fail() -> None:
    """A sample; `python -m experiments.suites.humaneval.mutants` takes them all."""
    solutions = references() if items(humaneval) else {}
    some = [(item, solutions[item.id]) for item in items(humaneval)[::10]]
    assert survivors(some) == some
    wrong = sample(24, seed=0)
    alive = survivors(wrong)
    assert len(alive) <= 0.05 * len(wrong), [mutant for _, mutant in alive]


def test_a_mutant_differs_by_one_fault() -> None:
    source = 'def f(a, b):\n    """Doc 1."""\n    if a < b:\n        return a + 1\n    return "x"\n'
    assert sorted(m.split("\n", 1)[1].replace("\n", ";").replace(" ", "") for m in mutants(source, "f")) == sorted(
        [
            "ifa>=b:;returna+1;return'x'",
            "ifnota<b:;returna+1;return'x'",
            "ifa<b:;returna-1;return'x'",
            "ifa<b:;returna+2;return'x'",
            "ifa<b:;return;return'x'",
            "ifa<b:;returna+1;return'xx'",
            "ifa<b:;returna+1;return",
        ]
    )


EXPECTED = {
    "prompt": 'import math\n\ndef half(x: float) -> float:\n    """Half of it."""\n    return x / 2\n\n'
    'def f(x: float) -> float:\n    """Half of the root."""\n',
    "test": "def check(candidate):\n    assert candidate(16) == 2\n",
    "entry_point": "f",
}
BODY = "    return half(math.sqrt(x))\n"
WHOLE = f"def f(x):\n{BODY}"


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        (f"```python\n{WHOLE}```", True),
        (f"Sure!\n```\n{WHOLE}```\nIt halves the root.", True),
        (f"```python\n{WHOLE}```\nFor example:\n```python\nprint(f(16))\n```", True),
        (f"```python\nprint(1)\n```\n```python\n{WHOLE}```", True),
        (f"```python\n{WHOLE}\ninput()\nprint(f(16))\nassert f(16) == 3\n```", True),
        (f"```python\n{WHOLE}\nif __name__ == '__main__':\n    f(input())\n```", True),
        (WHOLE, True),
        (f"{WHOLE}\nThis function halves the root.", True),
        (BODY, True),
        (f"```python\n{BODY}```", True),
        (f"```python\n{WHOLE}", True),
        (EXPECTED["prompt"] + BODY, True),
        ("```python\ndef f(x):\n    return 3\n```", False),
        ("```python\nimport os\ndef f(x):\n    os._exit(0)\n```", False),
        ("```python\ndef f(x):\n    raise SystemExit(0)\n```", False),
        ("I cannot.", False),
    ],
)
def test_the_function_is_found_in_whatever_form_a_reply_gives_it(reply: str, right: bool) -> None:
    from experiments.sandbox import run_code

    outcome: Outcome = run_code(program(reply, EXPECTED))
    assert (outcome.end == "finished") is right, outcome


def test_a_failed_function_is_told_where_it_fails() -> None:
    item = Item("x/1", "x/1", "train", "", EXPECTED, "function")
    words = humaneval.check(item, Answer(text="```python\ndef f(x):\n    return 3\n```")).words
    assert words == "fails its tests: AssertionError, at `assert candidate(16) == 2`"
    words = humaneval.check(item, Answer(text="```python\ndef f(x):\n    while True: pass\n```")).words
    assert words == "fails its tests: it took more than 3 s of processor time"
