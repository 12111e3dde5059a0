"""A program that starts trainings, kills each at a random moment, and lets another process resume it; it reports as JSON."""

import asyncio
import json
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401 - loaded before the forks, and used by none but them

from agents import Runner, RunOptions, SpecError
from agents.backward import Trainer, TrainOptions
from agents.models import ModelReply, ModelRequest, Price, Scripted, Usage
from agents.models.ledger import spent_by
from agents.models.scripted import count_tokens
from experiments.suites.planted_faults.families import cases, planted
from experiments.suites.planted_faults.model import simulated
from store import Store, get_events, get_run, list_runs
from store.events import ModelCalled, RolledOut
from tests.agents.killed import apart

PRICE = Price(prompt=1e-6, completion=3e-6)
OPTIONS = TrainOptions(steps=5, patience=5, parallel=4)
SEED = 2  # a training of several steps, some of them refused


async def speak(request: ModelRequest) -> ModelReply:
    """The simulated model, which takes its time."""
    await asyncio.sleep(random.Random(request.key()).uniform(0.0, 0.003))
    text = simulated(request)
    usage = Usage(
        prompt_tokens=sum(count_tokens(m.content) for m in request.messages), completion_tokens=len(text) // 4
    )
    return ModelReply(text=text, usage=usage, usd=usage.prompt_tokens * 1e-6 + usage.completion_tokens * 3e-6)


def execute(folder: str, run_id: str | None, begin: Callable[[], None]) -> dict[str, Any]:
    """Train, or resume. What came of it, as far as an uninterrupted training must have it too."""
    family = planted("missing_input", SEED)
    train, val, _ = cases(family, SEED)
    train, val = train[:6], val[:12]
    with Store.open(f"{folder}/runs.db") as store:
        model = Scripted(speak, price=PRICE)
        runner = Runner(store, {"simulated": model, "tiny": model})
        trainer = Trainer(runner, OPTIONS)
        begin()
        try:
            if run_id:
                fit = asyncio.run(trainer.resume(run_id, train, val))
            else:
                run = RunOptions(model="simulated", seed=SEED)
                fit = asyncio.run(trainer.fit(family.faulty, train, val, run))
            run_id = fit.run_id
        except SpecError as e:  # it was killed after its last event
            assert "is finished" in str(e), e
        runner.close()
        assert run_id
        row = get_run(store, run_id)
        events = get_events(store, run_id)
        spent = spent_by(r.event for r in events)
    return {
        "status": row.status,
        "graph": row.graph_hash,
        "answer": row.answer,
        "spent": [spent.calls, spent.tokens, str(spent.usd)],
        "row": [row.calls, row.prompt_tokens, row.completion_tokens, row.usd],
        "events": sorted(r.key for r in events),
        "scores": {r.key: r.event.score for r in events if isinstance(r.event, RolledOut)},
        "calls": sorted(r.event.call for r in events if isinstance(r.event, ModelCalled) and not r.event.cached),
    }


def look(folder: str, begin: Callable[[], None]) -> dict[str, Any]:
    """What the store holds of the training, as another process sees it."""
    begin()
    with Store.open(f"{folder}/runs.db") as store:
        found = list_runs(store).runs
        n = len(get_events(store, found[0].id)) if found else 0
        return {"run": found[0].id if n > 1 else None, "events": n, "status": found[0].status if found else ""}


def main(folder: str, wanted: int, seed: int) -> None:
    def place(name: str) -> str:
        made = Path(folder, name)
        made.mkdir()
        apart(partial(look, str(made)))  # makes the tables
        return str(made)

    dice, trainings, kills = random.Random(seed), [], 0
    whole, seconds = apart(partial(execute, place("whole"), None))
    while kills < wanted:
        here, result, run_id, seen = place(str(len(trainings))), None, None, []
        for _ in range(3):  # some are killed more than once
            result, _ = apart(partial(execute, here, run_id), kill_after=dice.uniform(0.0, 0.9 * seconds))
            kills += 1
            seen.append(apart(partial(look, here))[0])
            run_id = seen[-1]["run"]
            if result is not None or dice.random() < 0.5:
                break
        if result is None:
            result, _ = apart(partial(execute, here, run_id))
        trainings.append({"seen": seen, "result": result})
    print(json.dumps({"whole": whole, "trainings": trainings}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
