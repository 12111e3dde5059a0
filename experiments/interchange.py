"""Exchange with inspect_ai: its logs as evaluations, so that others' runs can be compared; our evaluations as its logs, to view.

Needs the extra `inspect`. Items are matched by their ids; HumanEval's, for instance, are the same everywhere.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents import RunOptions
from experiments.results import Evaluation, Plan, PlanItem, Result
from store import Store, content_hash, get_run

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

SCORER = "suite"


class CannotExchange(Exception):
    """A log that cannot be read or compared, or the library is missing; `hint` says what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


def write_inspect(evaluation: Evaluation, store: Store, path: Path) -> None:
    """Write an evaluation as an inspect_ai log: `.eval` or `.json`, by the file's name. `inspect view` shows it.

    Raises:
        CannotExchange: inspect_ai is not installed, or the file has another ending.
    """
    inspect_log = _library()
    if path.suffix not in (".eval", ".json"):
        raise CannotExchange(f"{path} is no name of an inspect_ai log", "let it end in .eval or .json")
    plan, results = evaluation.plan, evaluation.results
    samples = [_sample(result, plan, store) for result in results]
    created = datetime.fromtimestamp(evaluation.created, UTC).isoformat(timespec="seconds")
    metrics = {"mean": inspect_log.EvalMetric(name="mean", value=sum(r.score for r in results) / max(1, len(results)))}
    log = inspect_log.EvalLog(
        status="success" if evaluation.finished else "cancelled",
        eval=inspect_log.EvalSpec(
            eval_id=evaluation.id,
            run_id=evaluation.id,
            created=created,
            task=plan.suite,
            task_id=evaluation.id,
            solver=plan.system,
            dataset=inspect_log.EvalDataset(
                name=f"{plan.suite} {plan.split}", samples=len(plan.items), sample_ids=[i.id for i in plan.items]
            ),
            model=plan.options.model,
            config=inspect_log.EvalConfig(epochs=1),
            metadata={"split": plan.split, "seed": plan.options.seed},
        ),
        results=inspect_log.EvalResults(
            total_samples=len(plan.items),
            completed_samples=len(results),
            scores=[inspect_log.EvalScore(name=SCORER, scorer=SCORER, metrics=metrics)],
        ),
        samples=samples,
    )
    inspect_log.write_eval_log(log, str(path))


def read_inspect(path: Path, *, suite: str = "", split: str = "test") -> list[Evaluation]:
    """The evaluations in an inspect_ai log, one per epoch; an epoch stands for a seed.

    Args:
        path: The log.
        suite: Name of the suite whose items it holds; left out, the end of the task's name.
        split: The suite's split, where the log does not say it.

    Raises:
        CannotExchange: inspect_ai is not installed, or the file holds no samples with one number as their score.
    """
    inspect_log = _library()
    try:
        log = inspect_log.read_eval_log(str(path))
    except Exception as error:
        raise CannotExchange(f"{path} is no log of inspect_ai: {error}", "give an .eval or .json log") from None
    if not log.samples:
        raise CannotExchange(f"{path} holds no samples", "read it with its samples, not only its header")
    said = log.eval.metadata or {}
    by_epoch: dict[int, list[EvalSample]] = {}
    for sample in log.samples:
        by_epoch.setdefault(sample.epoch, []).append(sample)
    return [
        _evaluation(
            samples,
            suite or log.eval.task.rpartition("/")[2],
            str(said.get("split", split)),
            log.eval.solver or "inspect_ai",
            RunOptions(model=log.eval.model, seed=int(said.get("seed", 0)) + epoch - 1),
            log.eval.eval_id,
            datetime.fromisoformat(log.eval.created).timestamp(),
        )
        for epoch, samples in sorted(by_epoch.items())
    ]


def _sample(result: Result, plan: Plan, store: Store) -> "EvalSample":
    from inspect_ai._util.error import EvalError
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ModelOutput, ModelUsage
    from inspect_ai.scorer import Score

    prompt = store.text(get_run(store, result.run_id).task)
    failed = EvalError(message=result.words, traceback="", traceback_ansi="") if not result.valid else None
    score = Score(value=result.score, answer=result.answer, explanation=result.words)
    usage = ModelUsage(total_tokens=result.tokens, total_cost=result.usd)
    return EvalSample(
        id=result.item,
        epoch=1,
        input=prompt,
        target="",  # the suite's checker knows it, and its words are the score's explanation
        messages=[ChatMessageUser(content=prompt), ChatMessageAssistant(content=result.answer)],
        output=ModelOutput.from_content(plan.options.model, result.answer),
        scores=None if failed else {SCORER: score},
        error=failed,
        model_usage={plan.options.model: usage},
        total_time=result.seconds,
        metadata={"family": result.family, "kind": result.kind, "run": result.run_id, "status": result.status}
        | {"calls": result.calls},
    )


def _evaluation(
    samples: "list[EvalSample]", suite: str, split: str, system: str, options: RunOptions, id: str, created: float
) -> Evaluation:
    results = tuple(_result(sample) for sample in samples)
    plan = Plan(
        suite=suite,
        split=split,
        items=tuple(PlanItem(id=r.item, family=r.family, kind=r.kind) for r in results),
        content=content_hash("\n".join(f"{s.id}\n{s.input}" for s in samples)),
        system=system,
        graphs="",
        options=options,
    )
    return Evaluation(id, plan, created, results)


def _result(sample: "EvalSample") -> Result:
    scores, said = sample.scores or {}, sample.metadata or {}
    score = next(iter(scores.values()), None)
    usage = sample.model_usage.values()
    valid = sample.error is None and score is not None
    return Result(
        item=str(sample.id),
        family=str(said.get("family", sample.id)),
        kind=str(said.get("kind", "question")),
        score=_number(score.value, str(sample.id)) if valid and score else 0.0,
        words=(score.explanation or "") if score else sample.error.message if sample.error else "not scored",
        status=str(said.get("status", "answered" if valid else "failed")),
        valid=valid,
        answer=(score.answer if score else None) or sample.output.completion,
        run_id=str(said.get("run", sample.uuid or "")),
        calls=int(said.get("calls", 0)),
        tokens=sum(u.total_tokens for u in usage),
        usd=sum(u.total_cost or 0.0 for u in usage),
        seconds=sample.total_time,
    )


def _number(value: Any, item: str) -> float:
    """A score as a number from 0 to 1: inspect_ai's letters C, P, I, N, truth values, or numbers."""
    from inspect_ai.scorer import value_to_float

    number = value if isinstance(value, int | float) else value_to_float()(value) if isinstance(value, str) else None
    if isinstance(value, Mapping) or number is None or not 0 <= number <= 1:
        raise CannotExchange(
            f"the score of {item} is {value!r}, which is no number from 0 to 1",
            "compare a log whose scorer gives one such number",
        )
    return float(number)


def _library() -> Any:
    try:
        import inspect_ai.log
    except ModuleNotFoundError:
        raise CannotExchange("this needs inspect_ai", "pip install 'backprose[inspect]'") from None
    return inspect_ai.log
