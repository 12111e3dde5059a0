"""inspect_ai's logs: what is written is read again as the same results, and a foreign log takes part in a comparison."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.models import Scripted
from experiments.interchange import CannotExchange, read_inspect, write_inspect
from experiments.report import boards
from experiments.results import Evaluation
from store import Store
from tests.experiments.lab import Sums, by_dice, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"{tmp_path}/runs.db") as opened:
        yield opened


@pytest.fixture
def made(store: Store) -> Evaluation:
    """One item of ten has no valid reply."""
    return run(store, "one_call", Scripted(lambda r: "" if "3 + 3" in r.messages[-1].content else by_dice(r)), Sums(10))


@pytest.mark.parametrize("ending", ["eval", "json"])
def test_what_is_written_is_read_again(made: Evaluation, store: Store, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"log.{ending}"
    write_inspect(made, store, file)
    (again,) = read_inspect(file)
    assert (again.id, again.plan.suite, again.plan.system) == (made.id, "sums", "one_call")
    assert (again.plan.items, again.plan.options.model) == (made.plan.items, "scripted")
    for ours, theirs in zip(made.results, again.results, strict=True):
        assert theirs == replace(ours, seconds=theirs.seconds, answer=theirs.answer)
        assert ours.answer == theirs.answer or not ours.valid


def test_inspect_ai_itself_reads_scores_answers_and_usage(made: Evaluation, store: Store, tmp_path: Path) -> None:
    from inspect_ai.log import read_eval_log

    write_inspect(made, store, tmp_path / "log.eval")
    log = read_eval_log(str(tmp_path / "log.eval"))
    assert log.status == "success"
    assert log.results is not None and log.samples is not None
    assert log.results.scores[0].metrics["mean"].value == pytest.approx(sum(r.score for r in made.results) / 10)
    assert [s.input for s in log.samples] == [item.prompt for item in Sums(10).items("test")]
    assert [s.error is None for s in log.samples] == [r.valid for r in made.results]
    assert [s.output.completion for s in log.samples] == [r.answer for r in made.results]
    assert sum(s.model_usage["scripted"].total_tokens for s in log.samples) == sum(r.tokens for r in made.results)


def test_a_foreign_log_takes_part_in_a_comparison_by_item(store: Store, tmp_path: Path) -> None:
    """A log as inspect_ai writes it itself: letters for scores, two epochs, a task name with a package."""
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
    from inspect_ai.model import ModelUsage
    from inspect_ai.scorer import Score

    items = Sums(10).items("test")
    samples = [
        EvalSample(
            id=item.id,
            epoch=epoch,
            input=item.prompt,
            target=item.expected,
            scores={"match": Score(value="C" if k else "I", answer=item.expected)},
            model_usage={"m": ModelUsage(total_tokens=10)},
        )
        for epoch in (1, 2)
        for k, item in enumerate(items)
    ]
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="inspect_evals/sums",
        solver="generate",
        dataset=EvalDataset(),
        model="m",
        config=EvalConfig(),
    )
    write_eval_log(EvalLog(eval=spec, samples=samples), str(tmp_path / "theirs.eval"))
    theirs = read_inspect(tmp_path / "theirs.eval")
    assert [e.plan.options.seed for e in theirs] == [0, 1]
    ours = run(store, "one_call", Scripted(by_dice), Sums(10))
    (board,) = boards([ours, *theirs])
    entry = next(e for e in board.entries if e.system == "generate")
    assert entry.score is not None
    assert (entry.score.estimate, entry.tokens_per_item, entry.seeds) == (0.9, 10, (0, 1))
    assert f"{entry.label}" in board.verdicts


def test_what_cannot_be_exchanged_is_said(made: Evaluation, store: Store, tmp_path: Path) -> None:
    with pytest.raises(CannotExchange, match=r"let it end in \.eval or \.json"):
        write_inspect(made, store, tmp_path / "log.txt")
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(CannotExchange, match=r"no\.json is no log of inspect_ai"):
        read_inspect(tmp_path / "no.json")
