import json
from functools import partial
from pathlib import Path

import pytest

from agents.models import Scripted
from experiments.report.board import Board, boards
from experiments.results import evaluations
from store import Store
from tests.experiments.lab import Sums, by_dice, run
from ui.view import comparison
from ui.view.charts import DARK


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """Two systems on forty sums: one often wrong, one often right."""
    place: Path = tmp_path_factory.mktemp("comparison")
    with Store.open(str(place / "runs.db")) as store:
        for name, skill in (("one_call", 0.4), ("chain_of_thought", 0.95)):
            run(store, name, Scripted(partial(by_dice, skill=skill)), Sums(40))
        return boards(evaluations(store))[0]


def test_the_headline_names_the_leader_its_interval_and_the_verdict(board: Board) -> None:
    said = comparison.headline(board)
    assert said.startswith("chain_of_thought leads with ")
    assert "against one_call: better by " in said


@pytest.mark.parametrize("picture", [comparison.scores, comparison.cost_against_score, comparison.wins])
def test_every_picture_is_plain_json(board: Board, picture: object) -> None:
    assert callable(picture)
    json.dumps(picture(board, DARK), allow_nan=False)


def test_the_pictures_show_the_board_s_own_figures(board: Board) -> None:
    option = comparison.scores(board, DARK)
    assert option["yAxis"]["data"] == [entry.label for entry in board.entries]
    for entry, (value, _), bar in zip(
        board.entries, option["series"][0]["data"], option["series"][0]["markLine"]["data"], strict=True
    ):
        assert entry.score is not None
        assert value == pytest.approx(100 * entry.score.estimate, abs=0.01)
        assert [end["coord"][0] for end in bar] == pytest.approx(
            [100 * entry.score.low, 100 * entry.score.high], abs=0.01
        )
    verdict = board.verdicts["chain_of_thought"]
    loses, wins = comparison.wins(board, DARK)["series"]
    assert (loses["data"], wins["data"]) == ([-verdict.losses], [verdict.wins])


def test_every_picture_is_told_in_words(board: Board) -> None:
    assert "one_call" in comparison.scores_in_words(board)
    assert "tokens an item" in comparison.cost_in_words(board)
    assert f"wins {board.verdicts['chain_of_thought'].wins}" in comparison.wins_in_words(board)
