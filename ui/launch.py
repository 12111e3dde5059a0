"""Starting, carrying out and cancelling runs, for every face alike: each run is carried by one process, and found by its id.

A terminal carries its own runs (`carry_out`). A page asks for a process that outlives it (`launch`). Whoever carries a run leaves
a mark for it and listens to SIGTERM, so that anybody on the machine may cancel it (`cancel`), and no process is ever signalled
that does not expect it.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agents import Budget, GraphSpec, Runner, RunOptions, RunResult
from agents.watch import Watch
from store.events import Event, RunStarted
from tools import Executor

if TYPE_CHECKING:
    from store import Store

OnStart = Callable[[str], None]  # the run's id
LAST_WORDS = 2000  # characters


class LaunchError(Exception):
    """A run could not be started or cancelled. `message` says why, `hint` what would be right."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class Start(BaseModel):
    """The order to run a task: through a given network, or through one that is planned for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["start"] = "start"
    task: str
    options: RunOptions = RunOptions()
    graph: GraphSpec | None = None
    parent: str | None = None
    relation: Literal["fork", "continue"] | None = None

    def do(self, runner: Runner) -> Coroutine[Any, Any, RunResult]:
        return runner.run(self.task, self.options, graph=self.graph, parent=self.parent, relation=self.relation)


class Resume(BaseModel):
    """The order to go on with a run. A budget left out stays as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["resume"] = "resume"
    run_id: str
    budget: Budget | None = None

    def do(self, runner: Runner) -> Coroutine[Any, Any, RunResult]:
        return runner.resume(self.run_id, budget=self.budget)


Order = Annotated[Start | Resume, Field(discriminator="kind")]
_ORDER: TypeAdapter[Start | Resume] = TypeAdapter(Order)


def carry_out(
    store: "Store",
    order: Start | Resume,
    *,
    executor: Executor | None = None,
    watch: Watch | None = None,
    on_start: OnStart = lambda run_id: None,
) -> RunResult:
    """Carry a run out in this process and wait for its end.

    Args:
        store: Where the run is kept.
        order: What to do.
        executor: Where tools run; it is closed at the end.
        watch: Sees every event as it happens.
        on_start: Called with the run's id once it has one.

    Raises:
        asyncio.CancelledError: Somebody cancelled the run; what is done is kept.
        KeyboardInterrupt: Ctrl-C did.
    """
    mark: list[Path] = []

    def see(key: str, event: Event) -> None:
        if isinstance(event, RunStarted) and not mark:
            run_id = own_run(store)
            mark.append(_mark(run_id))
            mark[0].parent.mkdir(parents=True, exist_ok=True)
            mark[0].write_text(str(os.getpid()))
            on_start(run_id)
        if watch:
            watch(key, event)

    runner = Runner(store, executor=executor or Executor(), watch=see)
    try:
        return asyncio.run(_listening(order.do(runner)))
    finally:
        runner.close()
        for file in mark:
            file.unlink(missing_ok=True)


def launch(order: Start | Resume) -> str:
    """Start a process of its own for a run; return the run's id as soon as it has one.

    Raises:
        LaunchError: The process ended before that; the message holds what it said.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ui.launch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=_environment(),
            text=True,
            start_new_session=True,  # whatever ends the page's server leaves the run alone
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(order.model_dump_json())
        with process.stdout as stdout:
            run_id = stdout.readline().strip()
        if not run_id:
            process.wait()
            said.seek(0)
            raise LaunchError(*_reason(said.read()))
    return run_id


def cancel(store: "Store", run_id: str) -> None:
    """Ask the process that carries a run to end it; what is done is kept.

    Raises:
        LaunchError: The run is over, or its process is out of reach.
        UnknownRun, AmbiguousRun: There is not exactly one such run.
    """
    from store import get_run

    run = get_run(store, run_id)
    if run.status != "running" or run.pid is None:
        raise LaunchError(f"run {run.id} is not running: it is {run.status}")
    if run.host != socket.gethostname():
        raise LaunchError(f"run {run.id} runs on {run.host}", "cancel it there")
    mark = _mark(run.id)
    if not mark.exists() or mark.read_text() != str(run.pid):
        hint = "stop that program itself, or wait for it"
        raise LaunchError(f"run {run.id} belongs to a program of somebody's own, process {run.pid}", hint)
    os.kill(run.pid, signal.SIGTERM)


@dataclass(frozen=True)
class Replayed:
    """What a replay found: events compared, calls made (none), and each difference in words."""

    events: int
    calls: int
    differences: tuple[str, ...]


def replay(run_id: str) -> Replayed:
    """Execute a finished run again from its log alone, in a process of its own.

    Raises:
        LaunchError: The log does not hold all that the run needs.
    """
    command = [sys.executable, "-P", "-m", "backprose", "runs", "replay", run_id, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
    if not done.stdout.strip():
        raise LaunchError(*_reason(done.stderr))
    told = json.loads(done.stdout)
    return Replayed(told["events"], told["calls"], tuple(told["differences"]))


def own_run(store: "Store") -> str:
    """The id of the run that this process is executing, empty if none."""
    from store import list_runs

    running = list_runs(store, status="running", limit=1000).runs
    return next((run.id for run in running if run.pid == os.getpid() and run.host == socket.gethostname()), "")


def last_words(run_id: str) -> str:
    """What the process of a launched run said before it died; empty when it ended well or said nothing."""
    file = _log(run_id)
    return file.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:] if file.exists() else ""


async def _listening(work: Coroutine[Any, Any, RunResult]) -> RunResult:
    """Do the work; SIGTERM cancels it."""
    doing = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, doing.cancel)
    try:
        return await doing
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _environment() -> dict[str, str]:
    """So that another process imports what this one does."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}


def _folder() -> Path:
    import platformdirs

    return platformdirs.user_state_path("backprose") / "runs"


def _mark(run_id: str) -> Path:
    """Holds the process id of whoever carries the run and listens."""
    return _folder() / f"{run_id}.pid"


def _log(run_id: str) -> Path:
    return _folder() / f"{run_id}.log"


def _reason(said: str) -> tuple[str, str]:
    """Message and hint, from what a process that died at once said."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    told = {line.split(": ", 1)[0]: line.split(": ", 1)[1] for line in lines if ": " in line}
    if "error" in told:
        return told["error"], told.get("hint", "")
    return f"the run's process ended at once: {lines[-1] if lines else 'it said nothing'}", ""


def _main(orders: IO[str]) -> None:
    """Carry one order out, read as JSON; print the run's id, then nothing more."""
    from store import Store

    order = _ORDER.validate_json(orders.read())
    log: list[Path] = []

    def tell(run_id: str) -> None:
        print(run_id, flush=True)
        log.append(_log(run_id))
        with log[0].open("w") as file:  # whoever launched this may be gone by the time that something is said
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)

    try:
        with Store.open() as store, suppress(asyncio.CancelledError):
            carry_out(store, order, on_start=tell)
    except Exception as error:
        if log or not hasattr(error, "hint"):
            raise
        print(f"error: {getattr(error, 'message', error)}\nhint: {error.hint}", file=sys.stderr)
        raise SystemExit(1) from None
    for file in log:
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    _main(sys.stdin)
