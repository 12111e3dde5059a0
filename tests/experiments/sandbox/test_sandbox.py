"""What the sandbox promises besides containment: legitimate programs run as anywhere, and nothing runs without isolation."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.sandbox import Limits, NoIsolation, run_code
from experiments.sandbox.seccomp import CLONE, DENIED, FIRST_NEW, build_filter

REPO = Path(__file__).parents[3]
LEGITIMATE = """
import asyncio, collections, dataclasses, datetime, decimal, enum, functools, hashlib, io, itertools, json, logging, math, pickle
import random, re, statistics, string, sys, tempfile, threading, time, typing, uuid, zoneinfo
from concurrent.futures import ThreadPoolExecutor

@dataclasses.dataclass
class Point:
    x: int

class Colour(enum.Enum):
    RED = 1

assert pickle.loads(pickle.dumps(Point(3))) == Point(3)
assert typing.get_type_hints(Point)["x"] is int
with ThreadPoolExecutor(4) as pool:
    assert list(pool.map(abs, [-1, -2])) == [1, 2]
async def wait():
    await asyncio.sleep(0.001)
    return Colour.RED
assert asyncio.run(wait()) is Colour.RED
with tempfile.TemporaryDirectory() as folder, open(f"{folder}/a.txt", "w+") as file:
    file.write("é"); file.seek(0)
    assert file.read() == "é"
assert datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")).utcoffset().seconds == 3600
assert sys.argv == ["program.py"] and hashlib.sha256(b"").hexdigest().startswith("e3b0")
if __name__ == "__main__":
    print("all is well")
"""


def test_a_legitimate_program_notices_nothing() -> None:
    outcome = run_code(LEGITIMATE)
    assert (outcome.end, outcome.stdout, outcome.stderr) == ("finished", "all is well\n", "")


def test_pandas_reads_a_table_that_was_given(tmp_path: Path) -> None:
    table = tmp_path / "a b.csv"
    table.write_text("x,y\n1,2\n3,6\n")
    fit = "import pandas as pd, sklearn.linear_model as m; d = pd.read_csv('t.csv')"
    code = f"{fit}; print(m.LinearRegression().fit(d[['x']], d.y).coef_)"
    limits = Limits(cpu_seconds=20, wall_seconds=60, memory=3 << 30)
    outcome = run_code(code, files={"t.csv": table}, packages=True, limits=limits)
    assert (outcome.end, outcome.stdout) == ("finished", "[2.]\n"), outcome
    assert table.read_text() == "x,y\n1,2\n3,6\n"


def test_packages_are_seen_only_when_asked_for() -> None:
    assert run_code("import pandas").error == "ModuleNotFoundError: No module named 'pandas'"


def test_the_same_program_prints_the_same_each_time() -> None:
    code = "print({'a', 'b', 'c', 'd'}, hash('x'))"
    assert run_code(code).stdout == run_code(code).stdout


@pytest.mark.parametrize(
    ("code", "end", "error"),
    [
        ("x = 1", "finished", ""),
        ("assert 1 == 2, 'no'", "raised", "AssertionError: no"),
        ("def f(:", "raised", "SyntaxError: invalid syntax"),
        ("raise SystemExit", "exited", "it exited with code 0 before its end"),
        ("exit(3)", "exited", "it exited with code 3 before its end"),
        ("raise KeyboardInterrupt", "raised", "KeyboardInterrupt"),
        ("bytearray(1 << 40)", "memory", "it asked for more than 512 MiB of memory"),
        ("while True: pass", "time", "it took more than 1 s of processor time"),
        ("print('x' * 10**7)", "output", "it printed more than 1048576 bytes"),
        ("import os; os.abort()", "killed", "it was ended by SIGABRT"),
    ],
)
def test_an_outcome_says_how_a_program_ended(code: str, end: str, error: str) -> None:
    outcome = run_code(code, limits=Limits(cpu_seconds=1))
    assert (outcome.end, outcome.error) == (end, error)


def test_a_program_that_waits_is_ended_by_the_clock() -> None:
    outcome = run_code("import time; time.sleep(99)", limits=Limits(wall_seconds=1))
    assert (outcome.end, outcome.error) == ("time", "it ran longer than 1 s")


def test_a_traceback_shows_the_program_and_nothing_of_the_sandbox() -> None:
    trace = run_code("def f(x):\n    return 1 / x\n\nf(0)\n").stderr
    assert "    return 1 / x\n" in trace and "ZeroDivisionError" in trace
    assert "jail.py" not in trace and str(REPO) not in trace


def test_what_was_printed_before_a_limit_is_kept() -> None:
    outcome = run_code("print('early', flush=True)\nwhile True: pass", limits=Limits(cpu_seconds=1))
    assert (outcome.end, outcome.stdout) == ("time", "early\n")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "..", "/etc/passwd"])
def test_a_file_cannot_be_put_outside_the_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(ValueError, match="is not a plain file name"):
        run_code("", files={name: tmp_path / "x"})


def test_bad_input_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"to be t\.csv in the sandbox, does not exist"):
        run_code("", files={"t.csv": tmp_path / "none"})
    with pytest.raises(ValueError, match="the limit memory is 0, must be above 0"):
        Limits(memory=0)


def test_other_systems_are_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(NoIsolation, match=r"needs Linux on x86_64 or aarch64, this is Darwin"):
        run_code("print('ran')")


def elsewhere(code: str, *unshare: str) -> subprocess.CompletedProcess[str]:
    """Run code in a user namespace of its own, with other rights than ours."""
    if not unshare_works():
        pytest.skip("unshare cannot make a user namespace here: install util-linux, allow user namespaces")
    command = ["unshare", "--user", *unshare, sys.executable, "-c", code]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60, check=False)


def unshare_works() -> bool:
    try:
        return subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


RUN = "from experiments.sandbox import run_code; print(run_code('import os; print(os.getuid())'))"


def test_nothing_runs_where_the_kernel_refuses_namespaces() -> None:
    forbid = "open('/proc/sys/user/max_user_namespaces', 'w').write('0')"
    done = elsewhere(f"{forbid}; {RUN}", "--map-root-user")
    last = done.stderr.strip().splitlines()[-1]
    assert "NoIsolation: the sandbox could not make user, mount, process and network namespaces" in last
    assert "user.max_user_namespaces" in last
    assert done.stdout == ""


@pytest.mark.parametrize("user", [("--map-root-user",), ("--map-user=1000", "--map-group=1000")])
def test_it_works_for_an_unprivileged_user(user: tuple[str, ...]) -> None:
    done = elsewhere(RUN, *user)
    assert "end='finished'" in done.stdout and "stdout='65534\\n'" in done.stdout, done.stderr


def children(pid: int) -> list[int]:
    """All descendants of a process."""
    try:
        own = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [*own, *(grandchild for child in own for grandchild in children(child))]


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_no_program_outlives_a_caller_that_is_killed() -> None:
    code = "from experiments.sandbox import *; run_code('while True: pass', limits=Limits(cpu_seconds=60, wall_seconds=60))"
    caller = subprocess.Popen([sys.executable, "-c", code], cwd=REPO)
    try:
        assert until(lambda: len(children(caller.pid)) >= 3), "the sandbox is three processes deep"
        inside = children(caller.pid)
    finally:
        os.kill(caller.pid, signal.SIGKILL)
        caller.wait()
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in inside))


def test_the_numbers_of_system_calls_are_those_of_the_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("the kernel's headers are not here: install linux-libc-dev")
    words = [line.split() for line in header.read_text().splitlines() if line.startswith("#define __NR_")]
    numbers = {name.removeprefix("__NR_"): int(number) for _, name, number in words}
    assert {name: both[0] for name, both in DENIED.items()} == {name: numbers[name] for name in DENIED}
    assert CLONE["x86_64"] == numbers["clone"]
    assert (
        min(n for name, n in numbers.items() if name in ("pidfd_send_signal", "io_uring_setup", "open_tree"))
        == FIRST_NEW
    )


def test_a_filter_is_short_enough_for_the_kernel_and_differs_between_machines() -> None:
    assert build_filter("x86_64") != build_filter("aarch64")
    assert all(len(build_filter(machine)) // 8 < 4096 for machine in ("x86_64", "aarch64"))
    with pytest.raises(KeyError):
        build_filter("sparc")
