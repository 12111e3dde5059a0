"""A program that evaluates, kills the evaluation twice on the way, lets a third process end it, and reports as JSON."""

import asyncio
import json
import random
import sys
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


def execute(place: Place, system: str, begin: Callable[[], None]) -> list[dict[str, Any]]:
    async def speak(request: ModelRequest) -> ModelReply:
        place.note(f"asked {request.key()}")
        await asyncio.sleep(random.Random(request.key()).uniform(0.005, 0.02))
        text = by_dice(request)
        return ModelReply(text=text, usage=Usage(prompt_tokens=50, completion_tokens=len(text)), usd=len(text) * 1e-6)

    with Store.open(f"{place.folder}/runs.db") as store:
        begin()
        made = run(store, system, Scripted(speak), parallel=3)
    return [{k: v for k, v in asdict(r).items() if k not in ("run_id", "seconds")} for r in made.results]


def main(folder: str, system: str, seed: int) -> None:
    whole, killed = Place(Path(folder, "whole")), Place(Path(folder, "killed"))
    for place in (whole, killed):
        place.folder.mkdir()
    uninterrupted, seconds = apart(partial(execute, whole, system))
    dice = random.Random(seed)
    deaths = []
    for share in (dice.uniform(0.15, 0.4), dice.uniform(0.15, 0.4)):
        survived, _ = apart(partial(execute, killed, system), kill_after=share * seconds)
        deaths.append({"survived": survived is not None, "asked": len(killed.calls())})
    result, _ = apart(partial(execute, killed, system))
    asked = len(killed.calls())
    again, _ = apart(partial(execute, killed, system))
    told = {"whole": uninterrupted, "killed": result, "again": again, "deaths": deaths}
    print(json.dumps(told | {"asked": [whole.calls(), killed.calls()], "asked_again": len(killed.calls()) - asked}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
