"""Real suites: a network before and after training, beside simple baselines and GEPA at equal tokens, on the sealed test split.

    python -m experiments.learning.suites gsm8k --train 24 --val 24 --test 60 --tokens 400000 --folder trained

Training reads `train` and `val` only and may spend `--tokens` in all, whatever the method. Each method's best network is written
to the folder. Then all systems take the same test items, self-consistency with as many samples as cost what the trained network
costs.
Given again, the command goes on where it was stopped, also after kill -9; what is paid is not paid again.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from agents import Budget, GraphSpec, Network, Runner, RunOptions
from agents.backward import Rates, TrainOptions
from agents.models import default_model
from experiments.evaluate import evaluate
from experiments.learning.cases import Open, spread
from experiments.learning.methods import METHODS
from experiments.report import as_json, boards, note, rows, title
from experiments.results import Evaluation
from experiments.suites import Suite, find_suite
from experiments.systems import find_system
from store import Store

START = {"grid_questions": "single", "tool_questions": "single"}
PLAIN = "chain_of_thought"
BASELINES = ("one_call", "chain_of_thought")
MOST_SAMPLES = 9


def begin_with(suite: Suite, system: str) -> GraphSpec:
    """The network that is trained: a system's, for the first training item; or one from a file."""
    name = system or START.get(suite.name, PLAIN)
    spec = find_system(name).graph(Open(suite).items("train")[0].prompt)
    if spec is None:
        raise SystemExit(
            f"{name} is planned anew for each task, so there is no network to train; give another --system"
        )
    return spec


async def study(args: argparse.Namespace, store: Store) -> None:
    """Train by each method, then take the test items with all systems and print what they say."""
    suite = find_suite(args.suite)
    model = args.model or default_model()
    folder: Path = args.folder
    folder.mkdir(parents=True, exist_ok=True)
    learn, decide = Open(suite).cases("train", args.train), Open(suite).cases("val", args.val)
    start = begin_with(suite, args.system)
    run = RunOptions(model=model, seed=args.seed, budget=Budget(tokens=args.tokens))
    how = TrainOptions(
        steps=args.steps,
        parallel=args.parallel,
        batch=args.batch,
        rates=Rates(readings=args.readings, failures=args.failures, critic=args.critic),
        tools=tuple(args.tool),
    )
    runner = Runner(store, watch=None)
    try:
        files = {"untrained": _kept(folder, suite, "untrained", start)}
        for method in args.methods.split(","):
            file = folder / f"{suite.name}-{method}.json"
            if not file.exists():
                name = f"{suite.name}/{method}"
                made = await METHODS[method](runner, start, learn, decide, run, how, name=name)
                print(f"{name}: {made.reason}, {made.tokens} tokens", file=sys.stderr)
                _kept(folder, suite, method, made.graph)
            files[method] = file
        if args.test:
            await _test(suite, files, runner, RunOptions(model=model, seed=args.seed), args, folder)
    finally:
        runner.close()


async def _test(
    suite: Suite,
    files: dict[str, Path],
    runner: Runner,
    options: RunOptions,
    args: argparse.Namespace,
    folder: Path,
) -> None:
    items = spread(suite.items("test"), args.test)
    found: dict[str, Evaluation] = {}
    for name in [*(str(f) for f in files.values()), *BASELINES]:
        found[name] = await evaluate(suite, items, find_system(name), runner, options, parallel=args.parallel)
        print(f"{name}: {sum(r.score for r in found[name].results):g} of {len(items)}", file=sys.stderr, flush=True)
    ours = found[str(files["ours"])] if "ours" in files else found[BASELINES[1]]
    tokens = sum(r.tokens for r in ours.results) / max(sum(r.tokens for r in found[BASELINES[1]].results), 1)
    samples = min(max(round(tokens), 3), MOST_SAMPLES)
    votes = f"self_consistency@{samples}"
    found[votes] = await evaluate(suite, items, find_system(votes), runner, options, parallel=args.parallel)
    (board,) = boards(found.values(), baseline=_strongest(found, files))
    lines = [title(board), *("  ".join(row) for row in rows(board)), note(board)]
    print("\n".join(lines))
    (folder / f"{suite.name}.json").write_text(json.dumps(as_json(board), indent=1, ensure_ascii=False) + "\n")


def _strongest(found: dict[str, Evaluation], files: dict[str, Path]) -> str:
    """The best of the systems that ours has to beat: all but what our own method trained."""
    own = str(files.get("ours", ""))
    rivals = {name: made for name, made in found.items() if name != own}
    best = max(rivals, key=lambda name: sum(r.score for r in rivals[name].results))
    return rivals[best].plan.system


def _kept(folder: Path, suite: Suite, method: str, graph: GraphSpec) -> Path:
    file = folder / f"{suite.name}-{method}.json"
    Network(graph).save(file)
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("--system", default="", help="what is trained: a system's name or a network's file")
    parser.add_argument("--methods", default="ours,gepa", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--model", default="")
    parser.add_argument("--critic", default="", help="model of critics and editor; left out, the same model")
    parser.add_argument("--train", type=int, default=24, help="cases to learn from")
    parser.add_argument("--val", type=int, default=24, help="cases that decide")
    parser.add_argument("--test", type=int, default=60, help="test items; 0 trains only")
    parser.add_argument("--tokens", type=int, default=400_000, help="tokens of one training")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--readings", type=int, default=1, help="looks of the global critic in a step")
    parser.add_argument("--failures", type=int, default=3, help="failed cases that critics look at")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tool", action="append", default=[], help="a tool that the editor may give to agents")
    parser.add_argument("--folder", type=Path, default=Path("trained"))
    args = parser.parse_args()
    with Store.open() as store:
        asyncio.run(study(args, store))


if __name__ == "__main__":
    main()
