"""One system on one split of a suite: which items are right, at what cost, with an interval.

    python -m experiments.evaluate grid_questions --system planned --split val

Runs go to a store, so an evaluation that was stopped goes on where it was: calls that are paid are not made again.
"""

import argparse
import asyncio
import importlib
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agents import Answer, Runner, RunOptions
from experiments.suites.protocol import Item, Split, Suite
from experiments.systems import SYSTEMS, System
from store import Store, get_events
from store.events import ModelCalled


@dataclass(frozen=True)
class Result:
    """One item: its score and reason, how the run ended, and what it would cost without a cache."""

    item: str
    kind: str
    score: float
    words: str
    status: str
    answer: str
    run_id: str
    tokens: int
    seconds: float


def wilson(right: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson, JASA 22, 1927)."""
    if n == 0:
        return 0.0, 1.0
    p = right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


async def evaluate(
    suite: Suite, items: Sequence[Item], system: System, runner: Runner, options: RunOptions, parallel: int
) -> list[Result]:
    """Run a system on items, `parallel` at a time; results in the order of the items."""
    turn = asyncio.Semaphore(parallel)

    async def one(item: Item) -> Result:
        async with turn:
            started = time.perf_counter()
            run = await runner.run(item.prompt, options, graph=system.graph(item.prompt))
            seconds = time.perf_counter() - started
        score = suite.check(item, run.answer or Answer(text=""))
        print(f"{'ok ' if score.score == 1 else 'NO '} {item.id}: {score.words}", file=sys.stderr, flush=True)
        events = get_events(runner.store, run.run_id, kind=ModelCalled)
        tokens = sum(
            e.event.prompt_tokens + e.event.completion_tokens for e in events if isinstance(e.event, ModelCalled)
        )
        said = run.answer.text if run.answer else str(run)
        return Result(item.id, item.kind, score.score, score.words, run.status, said, run.run_id, tokens, seconds)

    return list(await asyncio.gather(*(one(item) for item in items)))


def summary(results: Sequence[Result]) -> str:
    """A table by kind of question, and the total with its interval and its cost."""
    lines = [f"{'kind':28} {'right':>7}"]
    for kind in sorted({r.kind for r in results}):
        of_kind = [r.score for r in results if r.kind == kind]
        lines.append(f"{kind:28} {sum(of_kind):4.0f}/{len(of_kind)}")
    right, n = sum(r.score for r in results), len(results)
    low, high = wilson(right, n)
    tokens = sum(r.tokens for r in results)
    seconds = sorted(r.seconds for r in results)
    lines.append(
        f"{'all':28} {right:4.0f}/{n} = {100 * right / n:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f})"
    )
    lines.append(
        f"tokens per right answer {tokens / max(right, 1):.0f}, median {seconds[len(seconds) // 2]:.1f} s a question"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", help="a folder of experiments/suites")
    parser.add_argument("--system", choices=sorted(SYSTEMS), default="planned")
    parser.add_argument("--split", choices=("train", "val", "test"), default="val")
    parser.add_argument("--model", default="")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=None, help="write the results of all items to this file")
    args = parser.parse_args()
    suite: Suite = importlib.import_module(f"experiments.suites.{args.suite}").suite
    split: Split = args.split
    items = suite.items(split)[: args.limit]
    with Store.open() as store:
        runner = Runner(store)
        try:
            options = RunOptions(model=args.model, seed=args.seed)
            results = asyncio.run(evaluate(suite, items, SYSTEMS[args.system], runner, options, args.parallel))
        finally:
            runner.close()
    print(f"{args.suite} {split}, system {args.system}, model {args.model or 'default'}, seed {args.seed}")
    print(summary(results))
    if args.json:
        args.json.write_text(
            json.dumps([asdict(r) for r in results], indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
