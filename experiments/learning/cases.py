"""A suite as a trainer sees it: cases to learn from and cases that decide. What is sealed never comes near it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents import Answer
from agents.backward import Case
from agents.context import Context
from agents.loss import Loss, Scorer
from experiments.suites.protocol import Item, Split, Suite

SHOWN = 600  # characters of a right answer that a critic sees


class Sealed(Exception):
    """Somebody who trains asked for the test split."""


@dataclass(frozen=True)
class Open:
    """A suite without its test split: what trainers are given.

    Raises `Sealed` when it is asked for more than `train` and `val`.
    """

    suite: Suite = field(repr=False)

    def items(self, split: Split) -> tuple[Item, ...]:
        if split not in ("train", "val"):
            raise Sealed(f"the {split} split of {self.suite.name} is sealed; trainers see train and val")
        return self.suite.items(split)

    def cases(self, split: Split, limit: int | None = None) -> list[Case]:
        """Cases of a split; with a limit, evenly spread over its items, so that all kinds are among them."""
        return [case_of(self.suite, item) for item in spread(self.items(split), limit)]


def spread(items: Sequence[Item], limit: int | None) -> list[Item]:
    """At most so many items, evenly spread; always the same ones."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[k * len(items) // limit] for k in range(limit)]


def case_of(suite: Suite, item: Item) -> Case:
    """An item as a case: scored by the suite's own checker, in a thread, for some run programs."""
    expected = item.expected if isinstance(item.expected, str) else json.dumps(item.expected, ensure_ascii=False)
    return Case(item.id, item.prompt, scored_by(suite, item), expected[:SHOWN])


def scored_by(suite: Suite, item: Item) -> Scorer:
    async def score(task: str, answer: Answer, ctx: Context) -> Loss:
        found = await asyncio.to_thread(suite.check, item, answer)
        return Loss(found.score, found.words, suite.name)

    return score
