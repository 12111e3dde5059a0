"""A suite of one's own takes twenty lines, and its items stay where they are when others come."""

from pathlib import Path

import pytest

from agents import Answer
from experiments.suites import ListedSuite, Score, Suite, find_suite, make_item
from experiments.suites.listed import split_by_hash

OWN = """
from experiments.suites import ListedSuite, Score, make_item

CAPITALS = {"Peru": "Lima", "Kenya": "Nairobi", "Japan": "Tokyo", "Norway": "Oslo", "Chad": "N'Djamena"}


def load():
    for country, capital in CAPITALS.items():
        yield make_item(f"What is the capital of {country}?", capital, family=country, kind="capital")


def check(item, answer):
    if item.expected.lower() in answer.text.lower():
        return Score(1, "right")
    return Score(0, f"{item.expected} is right")


suite = ListedSuite("capitals", "CC0-1.0", "Capitals of countries", load, check)
"""


def test_a_suite_of_ones_own_in_twenty_lines(tmp_path: Path) -> None:
    file = tmp_path / "capitals.py"
    file.write_text(OWN)
    assert len(OWN.strip().splitlines()) <= 20
    suite = find_suite(str(file))
    assert isinstance(suite, Suite)
    peru = next(item for item in suite.items() if item.family == "Peru")
    assert suite.check(peru, Answer(text="It is Lima.")) == Score(1, "right")
    assert suite.check(peru, Answer(text="Quito")) == Score(0, "Lima is right")


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
