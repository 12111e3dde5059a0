"""Run a program that a language model wrote, so that nothing but its output comes out."""

import json
import os
import platform
import secrets
import selectors
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from experiments.sandbox.seccomp import MACHINES, build_filter

JAIL = Path(__file__).with_name("jail.py")
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
MiB = 2**20
START_SECONDS = 120.0  # to build the isolation; a busy machine may be slow, which is no fault of the program
PIPE = 65536

End = Literal["finished", "raised", "exited", "time", "memory", "output", "killed"]


class NoIsolation(Exception):
    """This machine cannot isolate a program, so none was run. `hint` says what would help."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"{reason}; {hint}")
        self.reason, self.hint = reason, hint


@dataclass(frozen=True)
class Limits:
    """What one program may use. It is one process; threads are allowed, other processes are not."""

    cpu_seconds: int = 3
    """Processor time, so that a busy machine takes nothing away from a program. Whole seconds, from 1."""
    wall_seconds: float = 60.0
    """Time by the clock from the program's start on, for programs that wait."""
    memory: int = 512 * MiB
    """Address space [bytes]; an empty program has about 40 MiB."""
    folder: int = 16 * MiB
    """Bytes of all files in its folder together, and so of one file; files that were given do not count."""
    files: int = 256
    """Files in its folder, beside those that were given."""
    threads: int = 32
    output: int = MiB
    """Bytes that it may print to stdout, and to stderr; it is ended when it prints more."""

    def __post_init__(self) -> None:
        if low := [name for name, value in vars(self).items() if value <= 0]:
            raise ValueError(f"the limit {low[0]} is {getattr(self, low[0])}, must be above 0")


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and what it printed."""

    end: End
    """`finished`: ran to its last line. `raised`: by an exception. `exited`: left early, with any exit code. `time`, `memory`,
    `output`: reached that limit. `killed`: by a signal, such as a segmentation fault or a forbidden way into the kernel."""
    error: str
    """The exception, or what limit was reached, in one line; empty if finished."""
    stdout: str
    stderr: str
    cpu_seconds: float
    """Processor time of the program with the start of its interpreter; 0 if it was ended from outside."""


@dataclass
class _Heard:
    """What came out of each pipe until now."""

    stdout: bytes = b""
    stderr: bytes = b""
    status: bytes = b""
    report: bytes = b""
    stopped: Literal["", "time", "output"] = field(default="")


def run_code(
    code: str, *, limits: Limits = Limits(), files: Mapping[str, Path] | None = None, packages: bool = False
) -> Outcome:
    """Run Python code in a process of its own: no network, no other process, no files but the interpreter's and its own folder.

    The code runs as `__main__` in an empty folder, as user `nobody` where this process is root, with hash seed 0. It protects
    the machine from the program. Whoever judges by `finished` is protected from a program that leaves early, by accident or
    not, but no Python process can be protected from code inside it that searches the interpreter for the judge.

    Args:
        code: Python source.
        limits: What it may use.
        files: Files to copy into its folder, by plain name.
        packages: Whether it sees the packages that are installed beside this one, such as pandas.

    Raises:
        NoIsolation: The kernel denies a part of the isolation. Nothing was run.
        ValueError: A name in `files` is not a plain file name.
        FileNotFoundError: A file in `files` is missing.
    """
    files = files or {}
    for name, path in files.items():
        if Path(name).name != name or name in ("", ".", ".."):
            raise ValueError(f"{name!r} is not a plain file name, such as 'table.csv'")
        if not path.is_file():
            raise FileNotFoundError(f"the file {path}, to be {name} in the sandbox, does not exist")
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        raise NoIsolation(
            f"the sandbox needs Linux on {' or '.join(MACHINES)}, this is {platform.system()} on {platform.machine()}",
            "run it in a Linux container or virtual machine",
        )
    token = secrets.token_hex(16)
    status, status_in = os.pipe()
    report, report_in = os.pipe()
    try:
        process = _start(status_in, report_in)
    finally:
        os.close(status_in)
        os.close(report_in)
    with open(status, "rb") as status_file, open(report, "rb") as report_file, process:
        try:
            with suppress(BrokenPipeError):  # the jail ended early and says why in its status
                assert process.stdin is not None
                request = _request(code, limits, files, packages)
                request |= {"token": token, "status": status_in, "report": report_in}
                process.stdin.write(json.dumps(request).encode())
                process.stdin.close()
            heard = _listen(process, {"status": status_file, "report": report_file}, limits)
        finally:
            process.kill()
    return _outcome(heard, token, limits)


def _start(*pipes: int) -> subprocess.Popen[bytes]:
    environment = {
        "HOME": "/box",
        "TMPDIR": "/box",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/box",
        "LOKY_MAX_CPU_COUNT": "1",
        "MALLOC_ARENA_MAX": "1",  # each thread would reserve 64 MiB of the address space
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-s", "-S", "-B", str(JAIL)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=pipes,
        env=environment,
        cwd="/",
        start_new_session=True,
    )


def _request(code: str, limits: Limits, files: Mapping[str, Path], packages: bool) -> dict[str, object]:
    given = {name: str(path.resolve()) for name, path in files.items()}
    size = sum(path.stat().st_size for path in files.values())
    site = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}) if packages else []
    shown = [Path(sys.base_prefix) / "lib", *map(Path, site)]
    return {
        "code": code,
        "files": given,
        "parent": os.getpid(),
        "filter": build_filter(platform.machine()).hex(),
        "packages": site,
        "read_only": [*LIBRARIES, *(str(place) for path in shown for place in (path, path.resolve()))],
        "folder_bytes": limits.folder + size + 4096 * len(given),  # a file takes whole pages
        "folder_files": limits.files + len(given) + 1,
        "limits": {
            "RLIMIT_CPU": limits.cpu_seconds,
            "RLIMIT_AS": limits.memory,
            "RLIMIT_FSIZE": limits.folder,
            "RLIMIT_NPROC": limits.threads + 1,
            "RLIMIT_NOFILE": 256,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
        },
    }


def _listen(process: subprocess.Popen[bytes], extra: Mapping[str, IO[bytes]], limits: Limits) -> _Heard:
    """Read until all writers are gone, ending the process when it takes too long or says too much."""
    assert process.stdout is not None and process.stderr is not None
    heard = _Heard()
    until = time.monotonic() + START_SECONDS
    with selectors.DefaultSelector() as pipes:
        for name, file in {"stdout": process.stdout, "stderr": process.stderr, **extra}.items():
            pipes.register(file, selectors.EVENT_READ, name)
        while pipes.get_map():
            ready = pipes.select(max(0.0, until - time.monotonic()))
            if not ready and heard.stopped:
                break  # the kernel is still taking the process down; nothing more is read from it
            if not ready:
                heard.stopped = "time"
            for key, _ in ready:
                block = os.read(key.fd, PIPE)
                if not block:
                    pipes.unregister(key.fileobj)
                said = getattr(heard, key.data) + block
                if key.data == "status" and not heard.status:
                    until = time.monotonic() + limits.wall_seconds
                most = limits.output if key.data in ("stdout", "stderr") else PIPE
                setattr(heard, key.data, said[:most])
                if len(said) > most:
                    heard.stopped = heard.stopped or "output"
            if heard.stopped and process.returncode is None:
                process.kill()
                process.wait()
                until = time.monotonic() + 5
    return heard


def _outcome(heard: _Heard, token: str, limits: Limits) -> Outcome:
    first, *more = [json.loads(line) for line in heard.status.splitlines()] or [{}]
    if "refused" in first:
        raise _no_isolation(first["refused"], first["errno"])
    if "begun" not in first:
        last = heard.stderr.decode(errors="replace").strip().splitlines()[-1:]
        late = f"did not begin within {START_SECONDS:g} s" if heard.stopped else "ended before the program began"
        raise NoIsolation(f"the sandbox {late}", f"its last words: {''.join(last) or 'none'}")
    status = more[0] if more else {}
    end, error = _ending(heard, status.get("code", 0), status.get("cpu", 0.0), token, limits)
    stdout, stderr = (text.decode(errors="replace") for text in (heard.stdout, heard.stderr))
    return Outcome(end, error, stdout, stderr, status.get("cpu", 0.0))


def _ending(heard: _Heard, code: int, cpu: float, token: str, limits: Limits) -> tuple[End, str]:
    if heard.stopped == "time":
        return "time", f"it ran longer than {limits.wall_seconds:g} s"
    if heard.stopped == "output":
        return "output", f"it printed more than {limits.output} bytes"
    if code == -signal.SIGKILL and cpu > limits.cpu_seconds - 0.5:
        return "time", f"it took more than {limits.cpu_seconds} s of processor time"
    if code < 0:
        return "killed", f"it was ended by {signal.Signals(-code).name}"
    if heard.report.startswith(f'["{token}", '.encode()):  # else it is not from us, and may be anything
        with suppress(ValueError):
            _, end, error = json.loads(heard.report)
            if end == "memory":
                error = f"it asked for more than {limits.memory // MiB} MiB of memory"
            return end, error or (f"it exited with code {code} before its end" if end == "exited" else "")
    return "exited", f"it exited with code {code} before its end"


def _no_isolation(step: str, number: int | None) -> NoIsolation:
    why = f": {os.strerror(number)}" if number else ""
    return NoIsolation(
        f"the sandbox could not {step}{why}",
        "allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0;"
        " in a container: a seccomp profile that allows unshare and mount)",
    )
