"""Isolates itself, then runs a program: the script that `box.run_code` starts as a process of its own.

Three processes stand in a row. The first stays outside, maps the user ids and waits. The second, process 1 of new namespaces,
builds a root folder that holds only the interpreter, its libraries and an empty writable folder; the third gives up all
rights, sets the limits and runs the program. If one dies, the kernel ends those after it. Only the standard library is
imported, and nothing of this project, since nothing of it is to be seen inside.
"""

import builtins
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

NOBODY = 65534
FOLDER = "/box"
NEW_ROOT = "/proc"  # where the new root is mounted: a folder that every Linux has and that nothing is taken from
SYSCALLS = {"x86_64": {"clone": 56, "pivot_root": 155}, "aarch64": {"clone": 220, "pivot_root": 41}}[os.uname().machine]
MOUNT_SETATTR = 442
NAMESPACES = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
"""CLONE_NEW: USER, NS (mounts), PID, NET, IPC, UTS, CGROUP."""
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
READ_ONLY, NOSUID, NODEV = 1, 2, 4  # MOUNT_ATTR
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38

libc = ctypes.PyDLL(
    None, use_errno=True
)  # PyDLL keeps the interpreter's lock, so that a process made by `clone` has it


class Refused(Exception):
    """A step towards isolation did not succeed."""

    def __init__(self, step: str, error: OSError | None = None) -> None:
        self.step, self.errno = step, error.errno if error else None


def main() -> None:
    request = json.load(sys.stdin)
    status = request["status"]
    try:
        _start(request)
    except Refused as refused:
        _say(status, refused=refused.step, errno=refused.errno)


def _start(request: dict[str, Any]) -> None:
    """The first process: outside of the namespaces, but gone as soon as the caller is."""
    _die_with_parent()
    if os.getppid() != request["parent"]:
        return
    mapped, tell = os.pipe()
    pid = _call(
        "make user, mount, process and network namespaces",
        libc.syscall,
        *map(ctypes.c_long, (SYSCALLS["clone"], NAMESPACES | signal.SIGCHLD, 0, 0, 0, 0)),
    )
    if pid == 0:
        os.close(tell)
        _first_inside(request, mapped)
    os.close(mapped)
    _map_ids(pid)
    os.write(tell, b"x")
    os.waitpid(pid, 0)


def _map_ids(pid: int) -> None:
    """Let the inside be nobody: really so where we are root and may choose, else our own user under that name."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        try:
            _write(f"/proc/{pid}/gid_map", f"0 {gid} 1\n{NOBODY} {NOBODY} 1")
            _write(f"/proc/{pid}/uid_map", f"0 {uid} 1\n{NOBODY} {NOBODY} 1")
        except OSError:  # a container that has one user only
            pass
        else:
            return
    try:
        _write(f"/proc/{pid}/setgroups", "deny")
        _write(f"/proc/{pid}/gid_map", f"{NOBODY} {gid} 1")
        _write(f"/proc/{pid}/uid_map", f"{NOBODY} {uid} 1")
    except OSError as error:
        raise Refused("map the user ids of a user namespace", error) from None


def _first_inside(request: dict[str, Any], mapped: int) -> NoReturn:
    """The second process: has all rights in its namespaces and runs nothing that came from outside."""
    status = request["status"]
    try:
        _die_with_parent()
        if not os.read(mapped, 1):
            os._exit(1)
        os.close(mapped)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 gets no signal that it has no handler for
        os.setsid()
        _make_root(request)
        worker = os.fork()
        if worker == 0:
            _give_up_rights(request)
    except Refused as refused:
        _say(status, refused=refused.step, errno=refused.errno)
        os._exit(1)
    if worker == 0:
        _say(status, begun=True)
        os.close(status)
        sys.exit(_run(request))
    _, ended, usage = os.wait4(worker, 0)
    code = os.waitstatus_to_exitcode(ended)
    _say(status, code=code, cpu=usage.ru_utime + usage.ru_stime)
    os._exit(0)


def _make_root(request: dict[str, Any]) -> None:
    """Leave of all files only those that are asked for, read-only, and one empty folder in memory to write to."""
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in request["read_only"]:
        _bind(path, READ_ONLY | NOSUID | NODEV)
    for device in ("null", "zero", "random", "urandom"):
        _bind(f"/dev/{device}", READ_ONLY | NOSUID)
    for place in ("/tmp", "/dev/shm"):
        if not os.path.lexists(NEW_ROOT + place):  # it is there where the packages themselves lie below it
            os.symlink(FOLDER, NEW_ROOT + place)
    folder = NEW_ROOT + FOLDER
    os.mkdir(folder)
    options = f"size={request['folder_bytes']},nr_inodes={request['folder_files']},mode=700,uid={NOBODY},gid={NOBODY}"
    _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
    for name, source in request["files"].items():
        try:
            with open(source, "rb") as given, open(f"{folder}/{name}", "wb") as copy:
                while block := given.read(1 << 20):
                    copy.write(block)
            os.chown(f"{folder}/{name}", NOBODY, NOBODY)
        except OSError as error:
            raise Refused(f"copy the file {source} into the sandbox", error) from None
    os.chdir(NEW_ROOT)
    _call("change the root folder", libc.syscall, ctypes.c_long(SYSCALLS["pivot_root"]), b".", b".")
    _call("let go of the old root folder", libc.umount2, b".", 2)
    _set_mount("/", READ_ONLY, recursive=False)
    os.chdir(FOLDER)


def _give_up_rights(request: dict[str, Any]) -> None:
    """The third process, before it runs the program: limits, no rights, the filter, and a look whether all of it holds."""
    os.setsid()
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for name, value in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    try:
        if os.getuid() != NOBODY:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError as error:
        raise Refused("become an unprivileged user", error) from None
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call("drop all capabilities", libc.capset, header, (ctypes.c_uint32 * 6)())
    _call("forbid new privileges", libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _filter(bytes.fromhex(request["filter"]))
    _must_fail("use the network", lambda: socket.socket().close())
    _must_fail("start a process", lambda: os.fork() or os._exit(0))
    _must_fail("leave its folder", lambda: os.mkdir("/outside"))
    _must_fail("become root", lambda: os.setuid(0))


def _filter(code: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    program = Program(len(code) // 8, code)
    step = "filter system calls (seccomp)"
    _call(
        step, libc.prctl, PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(program), ctypes.c_ulong(0), ctypes.c_ulong(0)
    )


def _must_fail(what: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except OSError:
        return
    raise Refused(f"make sure that a program cannot {what}")


def _run(request: dict[str, Any]) -> int:
    """Run the program as `__main__`; report how it ended to the caller, with the token that proves that it is we who say so."""
    import _sitebuiltins  # what an interactive Python has and programs use: exit(), quit()

    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "ctrl-D"))
    sys.path += request["packages"]
    finished = json.dumps([request["token"], "finished", ""]).encode()  # before the program can change what json is
    main_module = ModuleType("__main__")
    sys.modules["__main__"] = main_module
    sys.argv = ["program.py"]
    end, error, code = "finished", "", 0
    try:
        exec(compile(request["code"], "program.py", "exec", dont_inherit=True), main_module.__dict__)
        sys.stdout.flush()
    except SystemExit as exited:
        end, code = "exited", exited.code if isinstance(exited.code, int) else int(exited.code is not None)
    except MemoryError as out:
        main_module.__dict__.clear()
        end, error, code = "memory", f"MemoryError: {out}", 1
    except BaseException as raised:
        end, error, code = "raised", _describe(raised, request["code"]), 1
    os.write(request["report"], finished if end == "finished" else json.dumps([request["token"], end, error]).encode())
    os.close(request["report"])
    return code & 0xFF


def _describe(raised: BaseException, code: str) -> str:
    """The traceback without our own frame, its lines shown from the program's text."""
    import linecache
    import traceback

    try:
        linecache.cache["program.py"] = (len(code), None, code.splitlines(True), "program.py")
        inner = raised.__traceback__.tb_next if raised.__traceback__ else None
        lines = traceback.format_exception(type(raised), raised, inner, limit=-4)
        sys.stderr.write("".join(lines))
        return lines[-1].strip()[:500]
    except BaseException:  # an exception whose own words fail
        return type(raised).__name__


def _die_with_parent() -> None:
    _call("tie the sandbox to its caller", libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _bind(path: str, attributes: int) -> None:
    """Show a file, a folder or a link of the outside at the same place inside, if there is such a thing."""
    target = NEW_ROOT + path
    if os.path.lexists(target) or not os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    _mount(path, target, None, MS_BIND | MS_REC)
    _set_mount(target, attributes, recursive=True)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    arguments = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    _call(f"mount {source or target}", libc.mount, *arguments[:3], ctypes.c_ulong(flags), arguments[3])


def _set_mount(target: str, attributes: int, *, recursive: bool) -> None:
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = 0x8000 if recursive else 0  # AT_RECURSIVE
    arguments = (ctypes.c_long(MOUNT_SETATTR), -100, target.encode(), flags, wanted, ctypes.c_size_t(32))
    _call(f"make {target.removeprefix(NEW_ROOT) or '/'} read-only (Linux 5.12 or later)", libc.syscall, *arguments)


def _call(step: str, function: Callable[..., int], *arguments: object) -> int:
    result = function(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise Refused(step, OSError(number, os.strerror(number)))
    return result


def _say(status: int, **facts: object) -> None:
    os.write(status, json.dumps(facts).encode() + b"\n")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
