"""A program that starts runs, kills each at a random moment, and lets another process resume it; it reports as JSON.

It loads everything once and forks for each process, so that a fresh one is there in milliseconds. What a process calls
outside, a model or a tool, it notes in a file before and after, as a provider would in its books.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401 - loaded before the forks, and used by none but them

from agents import GraphSpec, Runner, RunOptions, agent, function, graph, layer
from agents.models import ModelReply, ModelRequest, Price, Scripted, Usage
from agents.models.ledger import spent_by
from agents.run import CannotResume
from store import Store, get_events, get_run, list_runs
from store.events import ModelCalled, ToolCalled
from tests.agents.lab import Kiln, KilnInput, KilnOutput, turn
from tools import registry

PRICE = Price(prompt=1e-6, completion=3e-6)
Work = Callable[[Callable[[], None]], Any]  # is given what to call when it begins


def network() -> GraphSpec:
    solvers = [agent(f"solver{k}", f"You are {k}.", tools=("kiln",)) for k in range(4)]
    writers = [agent(f"writer{k}", f"You write {k}.") for k in range(3)]
    pair = [agent(name, f"You are {name}.", tools=("kiln",)) for name in ("one", "two")]
    return graph(
        layer("solve", *solvers, combine="majority"),
        layer("check", agent("check", "", function="think")),
        layer("debate", *writers, combine="debate", rounds=2),
        layer("refine", *pair),
        layer("merge", *writers, combine="synthesise"),
        layer("say", agent("last", "You say it.")),
    )


@function("think")
async def think(brief: object) -> str:
    await asyncio.sleep(0.005)
    return "checked"


@dataclass(frozen=True)
class Place:
    """A folder with one run's store and the book of the calls that its processes made."""

    folder: Path

    def note(self, what: str) -> None:
        with open(self.folder / "calls", "a") as book:
            book.write(f"{what}\n")

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def open(self) -> Store:
        return Store.open(f"{self.folder}/runs.db")

    async def speak(self, request: ModelRequest) -> ModelReply:
        self.note(f"asked model {request.key()}")
        dice = random.Random(request.key())
        await asyncio.sleep(dice.uniform(0.002, 0.02))
        text = f"It is {dice.random()} hard."
        if request.answer_schema:
            heat = 100 * (1 + dice.randrange(18))
            text = turn(("a", "kiln", {"temperature": heat}), answers=["a.hardness", "a.cost * 2"])
        usage = Usage(prompt_tokens=100, completion_tokens=len(text))
        self.note(f"done model {request.key()}")
        return ModelReply(text=text, usage=usage, usd=0.0001 + len(text) * 3e-6)

    def kiln(self) -> type[Kiln]:
        """The tool, slower than it is, and with an entry in the book for each firing."""

        def fire(tool: Kiln, inp: KilnInput) -> KilnOutput:
            self.note(f"asked tool {inp.temperature:g}")
            time.sleep(0.004)
            self.note(f"done tool {inp.temperature:g}")
            return Kiln.__call__(tool, inp)

        return type("SlowKiln", (Kiln,), {"__doc__": Kiln.__doc__, "__call__": fire})


def execute(place: Place, run_id: str | None, begin: Callable[[], None]) -> dict[str, Any]:
    """Run, or resume; then replay. What came of it, as far as an uninterrupted run must have it too."""
    registry._found()["kiln"] = place.kiln()
    with place.open() as store:
        runner = Runner(store, {"scripted": Scripted(place.speak, price=PRICE)})
        options = RunOptions(model="scripted")
        begin()
        try:
            run = asyncio.run(runner.resume(run_id) if run_id else runner.run("the task", options, graph=network()))
        except CannotResume:  # it was killed after its last event
            run = None
        again, differences = asyncio.run(runner.replay(run.run_id if run else run_id or ""))
        runner.close()
        row, spent = get_run(store, again.run_id), spent_by(r.event for r in get_events(store, again.run_id))
        assert run is None or (run.answer == again.answer and run.spent == spent)
    return {
        "status": again.status,
        "answer": again.answer and again.answer.model_dump(mode="json"),
        "graph": again.graph and again.graph.hash,
        "spent": [spent.calls, spent.tokens, str(spent.usd)],
        "row": [row.status, row.calls, row.prompt_tokens, row.completion_tokens, row.usd, row.graph_hash],
        "differences": [str(d) for d in differences],
    }


def look(place: Place, begin: Callable[[], None]) -> dict[str, Any]:
    """What the store holds of the newest run, as another process sees it: its status, and the calls it recorded."""
    begin()
    with place.open() as store:
        found = list_runs(store).runs
        if not found:
            return {"run": None, "status": "", "recorded": [], "events": 0}
        events = [r.event for r in get_events(store, found[0].id)]
        models = [e.call for e in events if isinstance(e, ModelCalled) and not e.cached]
        fired = [store.text(e.arguments) for e in events if isinstance(e, ToolCalled) and e.tool == "kiln"]
        return {
            "run": found[0].id if events else None,  # killed before it was on record, it is started again
            "status": found[0].status,
            "recorded": [*(f"model {c}" for c in models), *(f"tool {json.loads(f)['temperature']:g}" for f in fired)],
            "events": len(events),
        }


def apart(work: Work, *, kill_after: float | None = None) -> tuple[Any, float]:
    """Do some work in a process of its own; its result, None when it was killed before, and the seconds it took."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            os.write(write, json.dumps(work(lambda: os.write(write, b"!"))).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        pipe.read(1)
        started = time.perf_counter()
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        said = pipe.read()
    os.waitpid(child, 0)
    seconds = time.perf_counter() - started
    try:
        return json.loads(said), seconds
    except ValueError:  # it was killed before it said all
        return None, seconds


def one(place: Place, seconds: float, dice: random.Random) -> dict[str, Any]:
    """A run that is killed once or several times and resumed, with what its processes called in turn."""
    kills: list[dict[str, Any]] = []
    result, run_id = None, None
    while result is None and (not kills or (len(kills) < 3 and dice.random() < 0.3)):
        before = len(place.calls())
        result, _ = apart(partial(execute, place, run_id), kill_after=dice.uniform(0.0, seconds))
        seen, _ = apart(partial(look, place))
        kills.append({"calls": place.calls()[before:], "seen": seen})
        run_id = seen["run"]
    before = len(place.calls())
    if result is None:
        result, _ = apart(partial(execute, place, run_id))
    return {"kills": kills, "result": result, "calls": place.calls()[before:]}


def main(folder: str, wanted: int, seed: int) -> None:
    def place(name: str) -> Place:
        made = Place(Path(folder, name))
        made.folder.mkdir()
        apart(partial(look, made))  # makes the tables
        return made

    dice, runs = random.Random(seed), []
    quiet = place("whole")
    whole, seconds = apart(partial(execute, quiet, None))
    while sum(len(r["kills"]) for r in runs) < wanted:
        runs.append(one(place(str(len(runs))), 0.8 * seconds, dice))
    print(json.dumps({"whole": whole, "calls": quiet.calls(), "runs": runs}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
