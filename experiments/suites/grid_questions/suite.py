"""Questions about power grids in everyday words, with answers from an independent solver, split by family of wording."""

from functools import cache

from experiments.suites.grid_questions.check import check
from experiments.suites.grid_questions.questions import load
from experiments.suites.protocol import AnswerLike, Item, Score, Split


class GridQuestions:
    """The suite; its numbers are right to 0.1 %, and an ill-posed question must be refused for the right reason."""

    name = "grid_questions"
    licence = "Apache-2.0"
    description = (
        "Questions about the cheapest dispatch of shipped transmission grids: costs, prices, flows, limits, outages"
    )

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        return _items(split) if split else (*_items("train"), *_items("val"), *_items("test"))

    def check(self, item: Item, answer: AnswerLike) -> Score:
        return check(item.prompt, item.expected, answer)


@cache
def _items(split: Split) -> tuple[Item, ...]:
    return tuple(Item(q.id, q.family, split, q.prompt, q.expected, q.kind) for q in load(split))
