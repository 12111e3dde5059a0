"""The common kind of suite: a list of items, split by hash, with a function that scores an answer."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from experiments.suites.protocol import AnswerLike, Item, Score, Split

SHARES: Mapping[Split, int] = {"train": 20, "val": 20, "test": 60}
"""Per cent of the families in each split, where a benchmark names none."""


def make_item(
    prompt: str,
    expected: Any,
    *,
    id: str = "",
    family: str = "",
    split: Split | None = None,
    kind: str = "question",
) -> Item:
    """An item whose id, family and split follow from its prompt where they are not given.

    An item without a family is a family of its own. The split follows from the hash of the family, so it stays the same
    whatever is added to the suite.
    """
    id = id or hash_of(prompt)
    family = family or id
    return Item(id, family, split or split_by_hash(family), prompt, expected, kind)


def hash_of(text: str) -> str:
    """Twelve hexadecimal digits that name a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def split_by_hash(family: str, shares: Mapping[Split, int] = SHARES) -> Split:
    """The split of a family, with `shares` in per cent as the chances of each."""
    ticket = int(hashlib.sha256(family.encode()).hexdigest(), 16) % 100
    for split, share in shares.items():
        if ticket < share:
            return split
        ticket -= share
    raise ValueError(f"the shares {dict(shares)} add up to less than 100 %")


@dataclass(frozen=True)
class ListedSuite:
    """A suite from a function that lists its items and one that scores an answer; both may be slow or fail until first used."""

    name: str
    licence: str
    """Of the items, as an SPDX expression."""
    description: str
    load: Callable[[], Iterable[Item]]
    score: Callable[[Item, AnswerLike], Score]

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        return self._items if split is None else tuple(item for item in self._items if item.split == split)

    def check(self, item: Item, answer: AnswerLike) -> Score:
        return self.score(item, answer)

    @cached_property
    def _items(self) -> tuple[Item, ...]:
        items = tuple(sorted(self.load(), key=lambda item: ("train", "val", "test").index(item.split)))
        if len({item.id for item in items}) < len(items):
            twice = next(item.id for i, item in enumerate(items) if item.id in {other.id for other in items[:i]})
            raise ValueError(
                f"the suite {self.name} has two items with the id {twice}; results could not be told apart"
            )
        return items
