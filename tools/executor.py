"""Where a tool call runs: in a warm worker process with one BLAS thread, a time limit, live progress and a way to stop it.

Workers are separate programs (`python -m tools.worker`), so they never re-import the caller's script and a crash in native
code costs one call. Each pool thread talks to one worker at a time; to stop a call is to kill its worker, which ends the
thread's read, so there is nothing to poll and no event loop to be bound to.
"""

import asyncio
import atexit
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from time import perf_counter
from typing import Any, BinaryIO, Self, cast

from tools.check import check_arguments
from tools.contract import Artifact, Cancelled, Frozen, TimedOut, ToolCrashed, ToolError
from tools.perform import Progress, ToolResult, perform
from tools.registry import AnyTool, get_tool
from tools.wire import receive, send

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_LAST_LINES = 20  # of a worker's standard error, kept for the report of a crash


class Executor:
    """Runs tool calls, at most `workers` at a time; more wait their turn.

    Args:
        workers: Worker processes at most, by default one per core. They start when first needed and are used again.

    Safe to share between threads and event loops. Close it, or use it as a context manager, to end its workers early;
    they end with this process in any case.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._threads = ThreadPoolExecutor(workers or os.cpu_count() or 1, thread_name_prefix="tool")
        self._inline = ThreadPoolExecutor(1, thread_name_prefix="inline-tool")
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._calls: set[_Call] = set()

    async def call(
        self,
        tool: str | AnyTool,
        arguments: Mapping[str, Any],
        *,
        on_progress: Progress | None = None,
        time_limit: float | None = None,
    ) -> ToolResult:
        """Call a tool, by name or by class, with arguments as they would stand in JSON.

        Args:
            tool: The tool.
            arguments: Its input; checked here, before a worker is used.
            on_progress: Called in this event loop with the share done (0 to 1) and what is being done.
            time_limit: Seconds the call may take once it has a worker, instead of the tool's own limit.

        Raises:
            BadInput: The arguments are wrong; the message says which and what would be right.
            NoAnswer: The question has no answer.
            TimedOut, ToolCrashed, MemoryExceeded, MissingExtra: The call came to nothing, and why.

        Cancelling the awaiting task kills the worker at once.
        """
        loop = asyncio.get_running_loop()

        def tell(done: float, what: str) -> None:
            if on_progress:
                loop.call_soon_threadsafe(on_progress, done, what)

        call, future = self._start(tool, arguments, tell, time_limit)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            call.stop(Cancelled(f"{call.tool.name} was cancelled"))
            raise

    def run(
        self,
        tool: str | AnyTool,
        arguments: Mapping[str, Any],
        *,
        on_progress: Progress | None = None,
        time_limit: float | None = None,
    ) -> ToolResult:
        """`call` for those who have no event loop; `on_progress` is called from another thread."""
        call, future = self._start(tool, arguments, on_progress or _ignore, time_limit)
        try:
            return future.result()
        except KeyboardInterrupt:
            call.stop(Cancelled(f"{call.tool.name} was cancelled"))
            raise

    def close(self) -> None:
        """Stop what is running and end the workers."""
        with self._lock:
            calls, idle, self._idle = list(self._calls), self._idle, []
        for call in calls:
            call.stop(Cancelled(f"{call.tool.name} was cancelled: its executor was closed"))
        self._threads.shutdown()
        self._inline.shutdown()
        for worker in [*idle, *self._idle]:
            worker.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(
        self, tool: str | AnyTool, arguments: Mapping[str, Any], on_progress: Progress, time_limit: float | None
    ) -> tuple["_Call", "Future[ToolResult]"]:
        tool = get_tool(tool) if isinstance(tool, str) else tool
        call = _Call(tool, check_arguments(tool, arguments), on_progress, time_limit or tool.time_limit)
        if tool.inline:
            return call, self._inline.submit(call.run_here)
        with self._lock:
            self._calls.add(call)
        future = self._threads.submit(self._run_in_worker, call)
        future.add_done_callback(lambda _: self._forget(call))
        return call, future

    def _forget(self, call: "_Call") -> None:
        with self._lock:
            self._calls.discard(call)

    def _run_in_worker(self, call: "_Call") -> ToolResult:
        call.refuse_if_stopped()
        worker = self._take_worker(call.tool)
        try:
            result = call.run_in(worker)
        except ToolCrashed:
            worker.kill()  # nobody knows what state it is in
            raise
        finally:
            if worker.alive:
                with self._lock:
                    self._idle.append(worker)
        return result

    def _take_worker(self, tool: AnyTool) -> "_Worker":
        """An idle worker, best one that has this tool's libraries loaded, or a new one."""
        with self._lock:
            self._idle = [worker for worker in self._idle if worker.alive]
            if self._idle:
                worker = max(self._idle, key=lambda worker: tool in worker.has_run)
                self._idle.remove(worker)
                return worker
        return _Worker()


class _Call:
    """One call on its way, which anybody may stop from any thread, at any moment, once."""

    def __init__(self, tool: AnyTool, inp: Frozen, on_progress: Progress, time_limit: float) -> None:
        self.tool = tool
        self._input = inp
        self._on_progress = on_progress
        self._time_limit = time_limit
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._stopped_by: ToolError | None = None

    def run_here(self) -> ToolResult:
        """Run in this process."""
        started = perf_counter()
        output, artifacts, files = perform(self.tool, self._input, self._on_progress)
        return ToolResult(output, artifacts, files, perf_counter() - started)

    def run_in(self, worker: "_Worker") -> ToolResult:
        """Run in a worker, within the time limit."""
        self._hold(worker)
        timer = threading.Timer(self._time_limit, self.stop, [self._too_slow()])
        timer.daemon = True
        timer.start()
        try:
            return worker.perform(self.tool, self._input, self._on_progress)
        except ToolCrashed:
            if self._stopped_by:
                raise self._stopped_by from None
            raise
        finally:
            timer.cancel()
            self._let_go()

    def stop(self, reason: ToolError) -> None:
        """End the call with `reason` as its error; without effect when it is over."""
        with self._lock:
            self._stopped_by = self._stopped_by or reason
            if self._worker:
                self._worker.kill()

    def refuse_if_stopped(self) -> None:
        """Raise the reason, if the call was stopped while it waited for its turn."""
        if self._stopped_by:
            raise self._stopped_by

    def _hold(self, worker: "_Worker") -> None:
        with self._lock:
            self.refuse_if_stopped()
            self._worker = worker

    def _let_go(self) -> None:
        with self._lock:
            self._worker = None

    def _too_slow(self) -> TimedOut:
        return TimedOut(
            f"{self.tool.name} ran past its time limit of {self._time_limit:g} s and was stopped",
            hint="give it more time, or ask for less at once",
            time_limit=self._time_limit,
        )


class _Worker:
    """A worker process and the pipes to it."""

    def __init__(self) -> None:
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tools.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is the caller's; and what a tool starts dies with its worker
        )
        self.has_run: set[AnyTool] = set()
        self._last_lines: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._listener = threading.Thread(target=self._last_lines.extend, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def perform(self, tool: AnyTool, inp: Frozen, on_progress: Progress) -> ToolResult:
        self.has_run.add(tool)
        self._last_lines.clear()
        request = {"tool": f"{tool.__module__}:{tool.__qualname__}"}
        try:
            send(cast(BinaryIO, self._process.stdin), request, inp.model_dump_json().encode())
            return self._await_result(on_progress)
        except (EOFError, BrokenPipeError) as end:
            self.kill()
            raise self._crash(tool) from end

    def _await_result(self, on_progress: Progress) -> ToolResult:
        files: dict[str, bytes] = {}
        while True:
            message, body = receive(cast(BinaryIO, self._process.stdout))
            match message["type"]:
                case "progress":
                    on_progress(message["done"], message["what"])
                case "file":
                    files[message["sha256"]] = body
                case "output":
                    artifacts = tuple(Artifact(**artifact) for artifact in message["artifacts"])
                    return ToolResult(message["output"], artifacts, files, message["seconds"])
                case _:
                    raise _as_error(message)

    def _crash(self, tool: AnyTool) -> ToolCrashed:
        code = self._process.returncode
        cause = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self._listener.join(timeout=1)
        said = b"".join(self._last_lines).decode(errors="replace").strip()
        out_of_memory = "the system may have run out of memory: ask for less at once" if code == -signal.SIGKILL else ""
        return ToolCrashed(
            f"{tool.name} crashed: its worker process {cause}",
            hint=out_of_memory or "this is a fault of the tool or of a library it uses, not of the input",
            last_lines=said,
        )


def _as_error(message: Mapping[str, Any]) -> ToolError:
    """The error a worker reports, as the nearest class that this process knows; tools may define their own."""
    known = {cls.__name__: cls for cls in _error_classes(ToolError)}
    cls = next(known[kind] for kind in message["kinds"] if kind in known)
    return cls(message["message"], hint=message["hint"], **message["facts"])


def _error_classes(root: type[ToolError]) -> Iterator[type[ToolError]]:
    yield root
    for child in root.__subclasses__():
        yield from _error_classes(child)


def _ignore(done: float, what: str) -> None: ...


@cache
def _shared() -> Executor:
    executor = Executor()
    atexit.register(executor.close)
    return executor


def run_tool(tool: str | AnyTool, arguments: Mapping[str, Any], *, on_progress: Progress | None = None) -> ToolResult:
    """Call a tool from a script: `run_tool("calculate", {"expression": "3.5 MW * 2 h in kWh"}).output`."""
    return _shared().run(tool, arguments, on_progress=on_progress)
