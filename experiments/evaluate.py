"""The runner: one system on items of a suite, in parallel, capped, and resumable after kill -9 at any moment.

    python -m experiments.evaluate grid_questions --system planned --split val

Asked for again, an evaluation that was stopped goes on where it was, and one that is finished is read from the log: calls that
are paid are not made again.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter

from agents import Answer, Budget, GraphSpec, Runner, RunOptions
from agents.models import Provider, default_model, resolve
from agents.run import CannotResume
from experiments.purse import Purse
from experiments.results import PARTS, Evaluation, Plan, PlanItem, Result, Taken, find, read, scored_key, taken
from experiments.stats import mean_interval, validity
from experiments.suites import find_suite
from experiments.suites.protocol import Item, Suite
from experiments.systems import System, find_system
from store import Run, RunLog, Store, content_hash, get_events, list_runs
from store.events import EvaluationStarted, ItemScored, RunFinished

MOST_AT_ONCE = 32  # items under way, however much a provider would take
HOPELESS = frozenset(("auth_failed", "unknown_model", "weights_missing", "price_unknown", "unreachable"))


class Unfinished(Exception):
    """Some items could not be measured; the same command goes on with them. `lacking` says why, by item."""

    def __init__(self, message: str, *, hint: str, lacking: dict[str, str]) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.lacking = lacking


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is. What is left is estimated from the items taken since it began or went on."""

    done: int
    total: int
    score: float  # sum over the items that are done
    tokens: int
    usd: float
    seconds_left: float
    tokens_left: int
    usd_left: float
    last: Result | None


Watch = Callable[[Progress], None]


async def evaluate(
    suite: Suite,
    items: Sequence[Item],
    system: System,
    runner: Runner,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    *,
    parallel: int = 0,
    purse: Purse | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Run a system on items and have the suite score its answers; results in the order of the items.

    Args:
        options: Of every item's run: model, seed, and the budget that each system gets for an item.
        parallel: Items under way at once; 0 for as many calls as the model's provider takes.
        purse: Caps what this and other evaluations spend in all; calls that are paid already cost nothing.
        watch: Called after each item.

    Raises:
        Unfinished: The purse is empty, or the model did not answer; what is done is kept.
        RunAlive: Another process carries out this very evaluation.
    """
    options = options.model_copy(update={"model": options.model or default_model()})
    plan = Plan.of(suite, items, system, options)
    known = find(runner.store, plan)
    if known and known.status == "answered":
        return read(runner.store, known.id)
    log = _begin(runner.store, plan, known)
    try:
        purse = purse or Purse(Budget())
        session = _Session(suite, system, paying(runner, purse, options.model), options, log, purse, plan, watch)
        await session.take_all(items, parallel or concurrency(runner, options.model))
    finally:
        log.release()
    await log.durable()
    return read(runner.store, log.run_id)


@dataclass
class _Session:
    """One process's share of an evaluation."""

    suite: Suite
    system: System
    runner: Runner
    options: RunOptions
    log: RunLog
    purse: Purse
    plan: Plan
    watch: Watch | None
    results: list[Result] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=perf_counter)
    before: int = 0  # items that were done when this process began
    earlier: dict[str, list[Run]] = field(default_factory=dict)  # runs of items that were not scored, by task

    async def take_all(self, items: Sequence[Item], parallel: int) -> None:
        store, log = self.runner.store, self.log
        self.results = list(read(store, log.run_id).results)
        self.before, done = len(self.results), {r.item for r in self.results}
        scored = {r.run_id for r in self.results}
        for run in list_runs(store, parent=log.run_id, limit=None).runs:
            if run.id not in scored:
                self.earlier.setdefault(run.task, []).append(run)
        turn = asyncio.Semaphore(parallel)
        try:
            async with asyncio.TaskGroup() as group:
                for item in items:
                    if item.id not in done:
                        group.create_task(self._take(item, turn))
        except* Exception as failed:
            raise failed.exceptions[0] from None
        if self.lacking:
            raise self._unfinished()
        right = sum(r.score for r in self.results)
        words = Answer(text=f"{self.plan.title}: {right:g} of {len(self.results)}")
        log.emit("run/finished", RunFinished(status="answered", answer=words.keep(log)))

    async def _take(self, item: Item, turn: asyncio.Semaphore) -> None:
        async with turn:
            if self.purse.empty:
                self.lacking[item.id] = "the budget is spent"
                return
            run_id = await self._run(item)
            t = taken(
                self.runner.store, [r for r in get_events(self.runner.store, run_id) if isinstance(r.event, PARTS)]
            )
            if self.purse.empty and t.status == "budget_exhausted":
                self.lacking[item.id] = "the budget is spent"
                return
            if t.lacking:
                self.lacking[item.id] = t.said
                if t.kinds & HOPELESS:
                    raise self._unfinished()
                return
            await self._score(item, run_id, t)

    async def _score(self, item: Item, run_id: str, t: Taken) -> None:
        if t.valid:
            score = await asyncio.to_thread(self.suite.check, item, t.answer or Answer(text=""))
            value, words = score.score, score.words
        else:
            value, words = 0.0, f"not scored: {t.said}"
        scored = ItemScored(item=item.id, run=run_id, score=value, words=words)
        self.log.emit(scored_key(item.id), scored)
        await self.log.durable()
        self.results.append(t.result(PlanItem.of(item), scored))
        if self.watch:
            self.watch(self._progress())

    async def _run(self, item: Item) -> str:
        """The run that takes the item: one that was interrupted goes on, one that was not scored yet is taken as it is."""
        known = self.earlier.get(content_hash(item.prompt), [])
        while known:
            run = known.pop()
            if run.status in ("answered", "refused"):
                return run.id
            if run.status == "interrupted":
                try:
                    return (await self.runner.resume(run.id)).run_id
                except CannotResume:
                    pass  # it was killed before it had begun
        graph: GraphSpec | None = self.system.graph(item.prompt)
        return (await self.runner.run(item.prompt, self.options, graph=graph, parent=self.log.run_id)).run_id

    def _progress(self) -> Progress:
        done, total = len(self.results), len(self.plan.items)
        tokens, usd = sum(r.tokens for r in self.results), sum(r.usd for r in self.results)
        left, here = total - done, max(1, done - self.before)
        return Progress(
            done=done,
            total=total,
            score=sum(r.score for r in self.results),
            tokens=tokens,
            usd=usd,
            seconds_left=(perf_counter() - self.started) / here * left,
            tokens_left=round(tokens / done * left),
            usd_left=usd / done * left,
            last=self.results[-1],
        )

    def _unfinished(self) -> Unfinished:
        why = sorted(set(self.lacking.values()))
        return Unfinished(
            f"{len(self.lacking)} of {len(self.plan.items)} items could not be measured: {why[0]}",
            hint="raise the budget and give the same command again"
            if self.purse.empty
            else "put that right and give the same command again; what is done is kept",
            lacking=dict(self.lacking),
        )


def _begin(store: Store, plan: Plan, known: Run | None) -> RunLog:
    log: RunLog
    if known:
        log = store.resume_run(known.id)
    else:
        log = store.start_run(task=plan.title, model=plan.options.model, seed=plan.options.seed)
    log.emit("evaluation/started", EvaluationStarted(plan=log.put(plan.model_dump_json())))
    store.flush()
    return log


def _provider(runner: Runner, model: str) -> Provider:
    return runner.providers[model] if model in runner.providers else resolve(model)


def concurrency(runner: Runner, model: str) -> int:
    """Items that may be under way at once: as many as the model takes calls."""
    return max(1, min(MOST_AT_ONCE, _provider(runner, model).concurrency))


def paying(runner: Runner, purse: Purse, model: str) -> Runner:
    """The runner, with the model's calls paid from a purse."""
    return replace(runner, providers={**runner.providers, model: purse.pays(_provider(runner, model))})


def summary(evaluation: Evaluation) -> str:
    """A table by kind of question, and the total with its interval and its cost."""
    results = evaluation.results
    kinds = sorted({r.kind for r in results})
    width = max(28, *(len(kind) for kind in kinds))
    lines = [f"{'kind':{width}} {'score':>7}"]
    for kind in kinds:
        of_kind = [r.score for r in results if r.kind == kind]
        lines.append(f"{kind:{width}} {sum(of_kind):4.4g}/{len(of_kind)}")
    right, n = sum(r.score for r in results), len(results)
    valid = validity([r.valid for r in results])
    if valid.enough:
        mean = mean_interval([r.score for r in results], [r.family for r in results])
        bounds = f"(95 % interval {100 * mean.low:.1f} to {100 * mean.high:.1f})"
        lines.append(f"{'all':{width}} {right:4.4g}/{n} = {100 * mean.estimate:.1f} % {bounds}")
    else:
        lines.append(f"{'all':{width}} no score: only {100 * valid.share:.1f} % of the replies are valid")
    tokens = sum(r.tokens for r in results)
    solved = f"{tokens / right:.0f}" if right else "no end of"
    lines.append(f"{solved} tokens per solved item, {tokens / n:.0f} per item")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", help="name of a suite, or a Python file that defines `suite`")
    parser.add_argument("--system", default="planned", help="name of a system, or a network's JSON file")
    parser.add_argument("--split", choices=("train", "val", "test"), default="val")
    parser.add_argument("--model", default="")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--parallel", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=None, help="write the results of all items to this file")
    args = parser.parse_args()
    suite, split = find_suite(args.suite), args.split
    with Store.open() as store:
        runner = Runner(store)
        try:
            made = asyncio.run(
                evaluate(
                    suite,
                    suite.items(split)[: args.limit],
                    find_system(args.system),
                    runner,
                    RunOptions(model=args.model, seed=args.seed),
                    parallel=args.parallel,
                    watch=_tell,
                )
            )
        finally:
            runner.close()
    print(f"{suite.name} {split}, system {args.system}, model {made.plan.options.model}, seed {args.seed}")
    print(summary(made))
    if args.json:
        rows = [asdict(r) for r in made.results]
        args.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _tell(progress: Progress) -> None:
    if last := progress.last:
        print(f"{'ok ' if last.score == 1 else 'NO '} {last.item}: {last.words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
