"""The report: systems on the same items, the best first, with honest verdicts, as rows, JSON and one page."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from agents import RunOptions
from agents.models import Scripted
from experiments.report import COLUMNS, NothingToCompare, as_json, boards, note, page, rows, title
from experiments.results import Evaluation
from store import Store
from tests.experiments.lab import Sums, by_dice, run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Evaluation]]:
    """One call (0.3 right), twins of it, eleven votes (nearly always right), and a model that is often blank."""
    weak = Scripted(partial(by_dice, skill=0.3))
    strong = Scripted(partial(by_dice, skill=0.8))
    blank = Scripted(lambda r: "" if r.seed == 0 and "1" in r.messages[-1].content else by_dice(r))
    with Store.open(f"{tmp_path_factory.mktemp('report')}/runs.db") as store:
        yield {
            "one": run(store, "one_call", weak, Sums(40)),
            "thought": run(store, "chain_of_thought", weak, Sums(40)),
            "voted": run(store, "self_consistency@11", strong, Sums(40)),
            "blank": run(store, "handmade_team", blank, Sums(40)),
            "seed 1": run(store, "one_call", weak, Sums(40), options=RunOptions(model="scripted", seed=1)),
            "few": run(store, "debate", strong, Sums(10)),
        }


def test_the_better_system_is_called_better_and_its_twin_is_not(made: dict[str, Evaluation]) -> None:
    (board,) = boards([made["one"], made["thought"], made["voted"]])
    assert board.baseline == "one_call"
    assert board.entries[0].label == "self_consistency@11"
    assert board.verdicts["self_consistency@11"].kind == "better"
    assert board.verdicts["self_consistency@11"].cost == "dearer"
    assert board.verdicts["chain_of_thought"].kind == "cannot tell"
    assert set(board.verdicts) == {"self_consistency@11", "chain_of_thought"}


def test_tokens_per_solved_item_count_what_was_spent_on_failures(made: dict[str, Evaluation]) -> None:
    (board,) = boards([made["one"], made["thought"]])
    results = made["one"].results
    entry = next(e for e in board.entries if e.system == "one_call")
    assert entry.tokens_per_solved.estimate == pytest.approx(
        sum(r.tokens for r in results) / sum(r.score for r in results)
    )
    assert entry.tokens_per_solved.low < entry.tokens_per_solved.estimate < entry.tokens_per_solved.high


def test_under_98_percent_valid_replies_there_is_no_score_but_what_it_could_be(made: dict[str, Evaluation]) -> None:
    (board,) = boards([made["one"], made["blank"]])
    entry = next(e for e in board.entries if e.system == "handmade_team")
    valid = [r.valid for r in made["blank"].results]
    assert (entry.score, entry.validity.valid) == (None, sum(valid))
    assert entry.could_be[1] - entry.could_be[0] == pytest.approx(1 - sum(valid) / 40)
    assert board.verdicts == {}
    assert next(row for row in rows(board) if row[0] == "handmade_team")[3] == "no score"


def test_seeds_are_averaged_by_item(made: dict[str, Evaluation]) -> None:
    (board,) = boards([made["one"], made["seed 1"], made["thought"]])
    entry = next(e for e in board.entries if e.system == "one_call")
    scores = [(a.score + b.score) / 2 for a, b in zip(made["one"].results, made["seed 1"].results, strict=True)]
    assert entry.seeds == (0, 1)
    assert entry.score is not None
    assert entry.score.estimate == pytest.approx(sum(scores) / 40)


def test_all_systems_are_compared_on_the_items_that_all_took(made: dict[str, Evaluation]) -> None:
    (board,) = boards([made["one"], made["few"]])
    assert (board.items, {e.items for e in board.entries}) == (10, {10})


def test_the_picked_best_is_expected_to_do_less_well_on_new_items(made: dict[str, Evaluation]) -> None:
    (board,) = boards([made["one"], made["thought"], made["voted"]])
    assert board.best is not None
    label, best = board.best
    assert label == "self_consistency@11"
    assert best.corrected.estimate <= best.raw
    assert note(board).startswith("self_consistency@11 was picked as the best of 3: expect ")
    assert note(boards([made["one"], made["thought"]])[0]) == ""


def test_an_evaluation_that_is_not_finished_takes_no_part(made: dict[str, Evaluation]) -> None:
    part = replace(made["thought"], results=made["thought"].results[:3])
    (board,) = boards([made["one"], part])
    assert [e.label for e in board.entries] == ["one_call"]


def test_a_baseline_that_is_not_there_is_named_with_those_that_are(made: dict[str, Evaluation]) -> None:
    with pytest.raises(NothingToCompare, match=r"no evaluation of debate here; systems with evaluations are "):
        boards([made["one"], made["voted"]], baseline="debate")
    (board,) = boards([made["one"], made["voted"]], baseline="self_consistency@11")
    assert board.verdicts["one_call"].kind == "worse"


def test_the_json_is_json_and_says_the_same_as_the_rows(made: dict[str, Evaluation]) -> None:
    (board,) = boards(made.values())
    plain = json.loads(json.dumps(as_json(board), allow_nan=False))
    assert [e["label"] for e in plain["entries"]] == [row[0] for row in rows(board)]
    assert all(len(row) == len(COLUMNS) for row in rows(board))
    for name, verdict in board.verdicts.items():
        assert plain["verdicts"][name]["words"] == str(verdict) in [row[-1] for row in rows(board)]


def test_the_page_stands_alone_and_shows_every_system_in_words_and_pictures(made: dict[str, Evaluation]) -> None:
    found = boards([made["one"], made["thought"], made["voted"]])
    text = page(found)
    assert title(found[0]) in text
    for entry in found[0].entries:
        assert f">{entry.label}</td>" in text
    assert text.count("data:image/svg+xml;base64,") == 3
    assert not re.findall(r"<script|(?:src|href)=\"(?!data:)", text)
    assert page(found) == text
