"""A program that evaluates, kills the evaluation twice on the way, lets a third process end it, and reports as JSON."""

import asyncio
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401 - loaded before the forks

from agents.models import ModelReply, ModelRequest, Scripted, Usage
from store import Store
from tests.agents.killed import Place, apart
from tests.experiments.lab import by_dice, run


def execute(
    place: Place, system: str, death: tuple[int, float] | None, begin: Callable[[], None]
) -> list[dict[str, Any]]:
    """Evaluate; die a moment after so many calls, when a death is given."""
    if death:
        threading.Thread(target=die, args=(place, *death), daemon=True).start()

    async def speak(request: ModelRequest) -> ModelReply:
        place.note(f"asked {request.key()}")
        await asyncio.sleep(random.Random(request.key()).uniform(0.005, 0.02))
        text = by_dice(request)
        return ModelReply(text=text, usage=Usage(prompt_tokens=50, completion_tokens=len(text)), usd=len(text) * 1e-6)

    with Store.open(f"{place.folder}/runs.db") as store:
        begin()
        made = run(store, system, Scripted(speak), parallel=3)
    return [{k: v for k, v in asdict(r).items() if k not in ("run_id", "seconds")} for r in made.results]


def die(place: Place, calls: int, moment: float) -> None:
    while len(place.calls()) < calls:
        time.sleep(0.001)
    time.sleep(moment)
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, system: str, seed: int) -> None:
    whole, killed = Place(Path(folder, "whole")), Place(Path(folder, "killed"))
    for place in (whole, killed):
        place.folder.mkdir()
    uninterrupted, _ = apart(partial(execute, whole, system, None))
    calls, dice, deaths = len(whole.calls()), random.Random(seed), []
    for share in (0.3, 0.7):
        death = round(share * calls), dice.uniform(0.0, 0.02)
        survived, _ = apart(partial(execute, killed, system, death))
        deaths.append({"survived": survived is not None, "asked": len(killed.calls())})
    result, _ = apart(partial(execute, killed, system, None))
    asked = len(killed.calls())
    again, _ = apart(partial(execute, killed, system, None))
    told = {"whole": uninterrupted, "killed": result, "again": again, "deaths": deaths}
    print(json.dumps(told | {"asked": [whole.calls(), killed.calls()], "asked_again": len(killed.calls()) - asked}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
