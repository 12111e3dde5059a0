"""Planted faults: how often each method restores the full score, and how often the right layer is blamed first.

    python -m experiments.learning.planted --seeds 200 --methods ours,gepa,revert,random --out planted.jsonl

The model is simulated (`experiments.suites.planted_faults` says how). Seed k takes the k-th family in turn. What stands in
`--out` already is not run again, so a stopped run goes on.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from agents import GraphSpec, Runner, RunOptions
from agents.backward import TrainOptions
from agents.backward.rollout import Bench, Case
from agents.models import Scripted
from experiments.learning.methods import ABLATIONS, METHODS, RIVALS
from experiments.suites.planted_faults.families import FAMILIES, cases, planted
from experiments.suites.planted_faults.model import simulated
from store import Store

STEPS = 12
ROLLOUTS = 150
TOOLS = ("calculate", "solve_dc_opf")
OPTIONS = TrainOptions(steps=STEPS, patience=STEPS, tools=TOOLS, rollouts=ROLLOUTS, parallel=8)
Row = dict[str, Any]
Say = Callable[[str], None]
PER_STORE = 10  # trainings; a store in memory grows


def family_of(seed: int) -> str:
    """The family that a seed belongs to."""
    names = tuple(FAMILIES)
    return names[seed % len(names)]


async def measure(runner: Runner, seed: int, method: str) -> Row:
    """Plant, improve, and test on cases that nobody trained on."""
    name = family_of(seed)
    family = planted(name, seed)
    train, val, test = cases(family, seed)
    run = RunOptions(model="simulated", seed=seed)
    started = time.perf_counter()
    made = await METHODS[method](runner, family.faulty, train, val, run, OPTIONS)
    return {
        "seed": seed,
        "family": name,
        "method": method,
        "before": await accuracy(runner, family.faulty, test),
        "after": await accuracy(runner, made.graph, test),
        "healthy": await accuracy(runner, family.healthy, test),
        "steps": made.steps,
        "rollouts": made.rollouts,
        "blamed": made.blamed[0] if made.blamed else None,
        "at_fault": family.layer,
        "seconds": round(time.perf_counter() - started, 2),
    }


async def accuracy(runner: Runner, graph: GraphSpec, test: Sequence[Case]) -> float:
    log = runner.store.start_run(task="test", model="simulated")
    done = await Bench(runner.context(log, RunOptions(model="simulated")), 8).run(graph, test)
    log.finish("answered")
    return sum(r.score or 0.0 for r in done) / len(done)


def restored(row: Row) -> bool:
    """Whether the network is as good as the healthy one again."""
    return bool(row["after"] >= row["healthy"] - 1e-9)


def table(rows: Sequence[Row]) -> str:
    """A line for each method, then one for each family."""
    methods = list(dict.fromkeys(r["method"] for r in rows))
    lines = [
        f"{'method':14} {'restored':>16} {'accuracy on test':>24} {'first blame right':>18} {'steps':>6} {'rollouts':>9}"
    ]
    for method in methods:
        own = [r for r in rows if r["method"] == method]
        blamed = [r for r in own if r["blamed"] is not None]
        right = f"{_share(r['blamed'] == r['at_fault'] for r in blamed)}" if blamed else "-"
        change = f"{_mean(r['before'] for r in own):.3f} -> {_mean(r['after'] for r in own):.3f}"
        lines.append(
            f"{method:14} {_share(map(restored, own)):>16} {change:>24} {right:>18} "
            f"{_mean(r['steps'] for r in own):6.1f} {_mean(r['rollouts'] for r in own):9.1f}"
        )
    lines += ["", f"{'restored by family':20} " + " ".join(f"{m:>12}" for m in methods)]
    for family in dict.fromkeys(r["family"] for r in rows):
        of_family = [[r for r in rows if r["family"] == family and r["method"] == m] for m in methods]
        lines.append(f"{family:20} " + " ".join(f"{sum(map(restored, f))}/{len(f)}".rjust(12) for f in of_family))
    return "\n".join(lines)


def _share(found: Iterable[bool]) -> str:
    hits = list(found)
    return f"{sum(hits)}/{len(hits)} = {100 * sum(hits) / max(len(hits), 1):.1f} %"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / max(len(found), 1)


def sweep(seeds: int, methods: Sequence[str], out: Path | None = None, say: Say = lambda words: None) -> list[Row]:
    """The rows of all seeds and methods; those that stand in `out` are taken from there, new ones are added to it."""
    known = out.read_text().splitlines() if out and out.exists() else []
    rows: list[Row] = [json.loads(line) for line in known]
    done = {(r["seed"], r["method"]) for r in rows}
    todo = [(seed, method) for method in methods for seed in range(seeds) if (seed, method) not in done]
    for k in range(0, len(todo), PER_STORE):
        with Store.open("sqlite://") as store:
            model = Scripted(simulated)
            runner = Runner(store, {"simulated": model, "tiny": model})
            try:
                for seed, method in todo[k : k + PER_STORE]:
                    row = asyncio.run(measure(runner, seed, method))
                    rows.append(row)
                    if out:
                        with out.open("a") as file:
                            file.write(json.dumps(row) + "\n")
                    word = "restored" if restored(row) else f"{row['after']:.2f}"
                    say(f"{method:14} {row['family']:20} {seed:4} {word} {row['seconds']} s")
            finally:
                runner.close()
    return [r for r in rows if r["seed"] < seeds and r["method"] in methods]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--methods", default=",".join(dict.fromkeys((*RIVALS, *ABLATIONS))))
    parser.add_argument(
        "--out", type=Path, default=None, help="results, a JSON line each; those that are there are kept"
    )
    args = parser.parse_args()
    rows = sweep(args.seeds, args.methods.split(","), args.out, lambda words: print(words, file=sys.stderr, flush=True))
    print(f"{args.seeds} seeds over {len(FAMILIES)} families, a simulated model, at most {ROLLOUTS} rollouts")
    print(table(rows))


if __name__ == "__main__":
    main()
