"""What every evaluation suite is: items in three splits, and a checker that turns an answer into a score with its reason.

A suite brings its own checker, because only it knows what its `expected` means: a number, a set of lines, a program that must
pass tests, a LaTeX term. Whoever runs a suite needs to know no more than this module. Trainers read `train` and `val`;
`test` is for the final figure only.
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Item:
    """One question with its known answer."""

    id: str
    """Unique in the suite and never given to another question, so that results of different days can be paired."""
    family: str
    """Items that are alike enough to teach each other; a family lies in one split."""
    split: Split
    prompt: str
    """All that a system under test may see."""
    expected: Any
    """What the suite's checker compares with, as JSON data."""
    kind: str
    """What is asked for, such as `cost`; a kind may occur in every split. Figures are reported by kind."""


@dataclass(frozen=True)
class Score:
    """From 0 (wrong) to 1 (right), with the reason in words that a critic can learn from."""

    score: float
    words: str

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"a score is {self.score}, must lie between 0 and 1")


class AnswerLike(Protocol):
    """What a system under test hands in; `agents.Answer` is one."""

    @property
    def text(self) -> str:
        """The whole answer in words."""

    @property
    def value(self) -> float | str | None:
        """The result itself, where the system can name it."""

    @property
    def unit(self) -> str:
        """The unit of `value`, or an empty string."""

    @property
    def refused(self) -> bool:
        """The system says that the question has no answer; `text` says why."""


@runtime_checkable
class Suite(Protocol):
    """A named set of items with the checker that scores answers to them."""

    @property
    def name(self) -> str: ...

    @property
    def licence(self) -> str:
        """The licence of the items, as an SPDX expression."""

    @property
    def description(self) -> str: ...

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        """The items of one split, or all of them, always in the same order."""

    def check(self, item: Item, answer: AnswerLike) -> Score:
        """Score an answer. Deterministic; an answer of any shape gets a score, never an exception."""
