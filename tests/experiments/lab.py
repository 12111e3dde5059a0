"""A small suite and ways to run it: sums whose answers a scripted model gets right by its dice."""

import asyncio
import random
from typing import Any

from agents import Runner, RunOptions
from agents.models import ModelRequest, Scripted
from experiments.evaluate import evaluate
from experiments.results import Evaluation
from experiments.suites.protocol import AnswerLike, Item, Score, Split
from experiments.systems import System, find_system
from experiments.systems.vote import result_of
from store import Store


class Sums:
    """Sums of two numbers, two of them a family."""

    name, licence, description = "sums", "CC0-1.0", "Sums of small numbers"

    def __init__(self, count: int = 12) -> None:
        self.count = count

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        return tuple(
            Item(f"sum/{a}", f"like {a // 2}", "test", f"{a} + {a} =", str(a + a), "even" if a % 2 == 0 else "odd")
            for a in range(self.count)
        )

    def check(self, item: Item, answer: AnswerLike) -> Score:
        right = result_of(answer.text) == item.expected
        return Score(float(right), "right" if right else f"{answer.text!r} is not {item.expected}")


def by_dice(request: ModelRequest, skill: float = 0.7) -> str:
    """Right with chance `skill`, the same at every execution."""
    dice = random.Random(request.key())
    a = int(request.messages[-1].content.split(" +")[0])
    return f"I add them. The answer is {a + a + (dice.random() > skill)}"


def run(store: Store, system: System | str, model: Scripted, suite: Sums | None = None, **settings: Any) -> Evaluation:
    """Evaluate on a store with a scripted model."""
    suite = suite or Sums()
    options = settings.pop("options", RunOptions(model="scripted", backoff_s=0.0))
    runner = Runner(store, {"scripted": model})
    made = find_system(system) if isinstance(system, str) else system
    try:
        return asyncio.run(evaluate(suite, suite.items("test"), made, runner, options, **settings))
    finally:
        runner.close()
