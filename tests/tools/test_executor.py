import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.tools.toys import (
    LARGE_SHA256,
    AddUp,
    AddUpHere,
    Draw,
    Environment,
    HoldTheLock,
    Misbehave,
    NothingLeft,
    Sleep,
    WhoAmI,
)
from tools.contract import BadInput, Cancelled, MemoryExceeded, MissingExtra, TimedOut, ToolCrashed
from tools.executor import Executor, run_tool
from tools.registry import UnknownTool


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with Executor(workers=2) as executor:
        yield executor


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] not in "ZX"


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_call_gives_the_output_of_the_tool_as_json(executor: Executor) -> None:
    result = executor.run(AddUp, {"numbers": [1, 2.5]})
    assert result.output == {"total": 3.5}
    assert result.seconds < 1


def test_a_worker_is_started_once_and_used_again(executor: Executor) -> None:
    assert len({executor.run(WhoAmI, {}).output["text"] for _ in range(5)}) == 1


def test_a_worker_has_one_blas_thread_and_does_not_import_the_callers_program(executor: Executor) -> None:
    assert executor.run(Environment, {}).output["text"] == "1 tools.worker"


def test_two_workers_work_at_the_same_time_and_a_third_call_waits(executor: Executor) -> None:
    async def all_three() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(executor.call(Sleep, {"seconds": 0.4}) for _ in range(3)))
        return time.perf_counter() - started

    asyncio.run(all_three())  # starts the workers
    assert 0.8 <= min(asyncio.run(all_three()) for _ in range(2)) < 1.15


def test_progress_arrives_while_the_tool_runs(executor: Executor) -> None:
    seen: list[tuple[float, float]] = []

    async def call() -> float:
        await executor.call(
            Sleep, {"seconds": 0.4}, on_progress=lambda done, what: seen.append((time.monotonic(), done))
        )
        return time.monotonic()

    end = asyncio.run(call())
    assert [done for _, done in seen] == [0, 0.25, 0.5, 0.75]
    assert end - seen[0][0] > 0.35


def test_a_call_past_its_time_limit_is_stopped(executor: Executor) -> None:
    started = time.perf_counter()
    with pytest.raises(TimedOut, match=r"sleep ran past its time limit of 0.3 s"):
        executor.run(Sleep, {"seconds": 20}, time_limit=0.3)
    assert time.perf_counter() - started < 5


def test_cancelling_the_task_kills_the_worker_at_once_and_a_fresh_one_takes_over(executor: Executor) -> None:
    pids: list[int] = []

    async def call_and_cancel() -> None:
        task = asyncio.create_task(
            executor.call(Sleep, {"seconds": 20}, on_progress=lambda _, what: pids.append(int(what)))
        )
        while not pids:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(call_and_cancel())
    assert gone_within(pids[0], 0.2)
    assert executor.run(WhoAmI, {}).output["text"] != str(pids[0])


def test_a_stopped_worker_takes_its_child_processes_with_it(executor: Executor) -> None:
    said: list[str] = []
    with pytest.raises(TimedOut):
        executor.run(Sleep, {"seconds": 20, "child": True}, time_limit=1, on_progress=lambda _, what: said.append(what))
    assert all(gone_within(int(pid), 0.5) for pid in said[0].split())


def test_a_call_that_still_waits_for_a_worker_can_be_cancelled() -> None:
    async def wait_and_cancel(executor: Executor) -> None:
        first = asyncio.create_task(executor.call(Sleep, {"seconds": 0.3}))
        second = asyncio.create_task(executor.call(Sleep, {"seconds": 20}))
        await asyncio.sleep(0.1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert (await first).output

    with Executor(workers=1) as executor:
        asyncio.run(wait_and_cancel(executor))


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("segfault", ToolCrashed, "killed by SIGSEGV"),
        ("exit", ToolCrashed, "ended with exit code 7"),
        ("kill", ToolCrashed, "killed by SIGKILL"),
        ("raise", ToolCrashed, "KeyError: 'bus 7'"),
        ("memory", MemoryExceeded, "ran out of memory"),
        ("import", MissingExtra, r"misbehave needs no_such_solver: pip install 'backprose\[power\]'"),
        ("nan", ToolCrashed, "JSON compliant"),
        ("wrong type", ToolCrashed, "returned a dict instead of its Sum"),
        ("no answer", NothingLeft, "no load left"),
    ],
)
def test_each_way_to_fail_is_a_typed_error_and_the_next_call_works(
    executor: Executor, how: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        executor.run(Misbehave, {"how": how})
    assert executor.run(AddUp, {"numbers": [1]}).output == {"total": 1}


def test_a_crash_report_holds_the_last_lines_the_worker_said(executor: Executor) -> None:
    with pytest.raises(ToolCrashed) as caught:
        executor.run(Misbehave, {"how": "segfault"})
    assert "about to touch address 0" in caught.value.facts["last_lines"]
    assert "toys.py" in caught.value.facts["last_lines"]


def test_an_error_of_the_tools_own_keeps_its_class_hint_and_facts(executor: Executor) -> None:
    with pytest.raises(NothingLeft) as caught:
        executor.run(Misbehave, {"how": "no answer"})
    assert (caught.value.kind, caught.value.hint, caught.value.facts) == ("NothingLeft", "add some", {"buses": [1, 2]})


def test_what_a_tool_prints_or_reads_does_not_break_the_wire(executor: Executor) -> None:
    assert executor.run(Misbehave, {"how": "print"}).output == {"total": 1}


def test_artifacts_come_with_their_bytes(executor: Executor) -> None:
    result = executor.run(Draw, {})
    assert [a.name for a in result.artifacts] == ["small.csv", "large.bin"]
    assert result.artifacts[1].sha256 == LARGE_SHA256
    assert len(result.files[LARGE_SHA256]) == 5_000_000
    assert result.output["pictures"][0]["caption"] == "A table"


def test_wrong_arguments_are_refused_before_a_worker_is_started() -> None:
    with Executor() as executor, pytest.raises(BadInput):
        executor.run(AddUp, {"numbers": []})
        assert not executor._idle


def test_a_large_input_goes_through(executor: Executor) -> None:
    assert executor.run(AddUp, {"numbers": [1.0] * 300_000}).output == {"total": 300_000}


def test_an_inline_tool_needs_no_worker() -> None:
    with Executor() as executor:
        assert executor.run(AddUpHere, {"numbers": [1, 2]}).output == {"total": 3}
        assert not executor._idle


def test_an_unknown_tool_is_a_typed_error_that_guesses_what_was_meant(executor: Executor) -> None:
    with pytest.raises(UnknownTool, match="no tool named calcualte; did you mean calculate"):
        executor.run("calcualte", {})


def test_closing_the_executor_stops_what_is_running() -> None:
    pids: list[int] = []

    async def call_and_close() -> None:
        executor = Executor(workers=1)
        running = asyncio.create_task(
            executor.call(Sleep, {"seconds": 20}, on_progress=lambda _, what: pids.append(int(what)))
        )
        waiting = asyncio.create_task(executor.call(Sleep, {"seconds": 20}))
        while not pids:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(executor.close)
        for call in (running, waiting):
            with pytest.raises(Cancelled, match="closed"):
                await call

    asyncio.run(call_and_close())
    assert gone_within(pids[0], 0.2)


@pytest.mark.parametrize(("tool", "arguments"), [(Sleep, {"seconds": 60}), (HoldTheLock, {})])
def test_workers_die_with_a_parent_that_is_killed(tool: type, arguments: dict[str, float]) -> None:
    script = (
        f"from tests.tools.toys import {tool.__name__}\nfrom tools.executor import run_tool\n"
        f"run_tool({tool.__name__}, {arguments}, on_progress=lambda _, what: print(what, flush=True))"
    )
    path = os.pathsep.join(sys.path)
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert parent.stdout
    worker = int(parent.stdout.readline())
    assert is_running(worker)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone_within(worker, 5)


def test_run_tool_serves_scripts() -> None:
    assert run_tool(AddUp, {"numbers": [1, 2]}).output == run_tool(AddUp, {"numbers": [2, 1]}).output == {"total": 3}


def test_a_warm_call_costs_few_milliseconds(executor: Executor) -> None:
    executor.run(WhoAmI, {})

    def seconds() -> float:
        started = time.perf_counter()
        executor.run(WhoAmI, {})
        return time.perf_counter() - started

    assert median(seconds() for _ in range(100)) < 0.01
