"""The items of a suite of one's own stay where they are when others come."""

import pytest

from experiments.suites import ListedSuite, Score, make_item
from experiments.suites.listed import split_by_hash


def test_the_split_of_a_family_does_not_depend_on_the_others_and_has_its_share() -> None:
    splits = [split_by_hash(f"family {i}") for i in range(4000)]
    assert splits[:100] == [split_by_hash(f"family {i}") for i in range(100)]
    for split, share in (("train", 0.2), ("val", 0.2), ("test", 0.6)):
        assert splits.count(split) / 4000 == pytest.approx(share, abs=0.03)
    with pytest.raises(ValueError, match="add up to less than 100 %"):
        [split_by_hash(str(i), {"train": 1}) for i in range(99)]


def test_two_items_with_one_id_are_refused() -> None:
    twice = ListedSuite(
        "s", "MIT", "", lambda: [make_item("a", 1), make_item("a", 2)], lambda item, answer: Score(0, "")
    )
    with pytest.raises(ValueError, match="has two items with the id ca978112ca1b"):
        twice.items()
