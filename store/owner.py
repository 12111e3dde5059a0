"""Who writes a run: a process, told apart from a later one that was given the same number."""

import os
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process on a host. `born` names its start, so that a recycled process id is not mistaken for it."""

    host: str
    pid: int
    born: str

    def alive(self) -> bool:
        """Whether the process runs on this host now. On another host nobody can tell, so it counts as not alive."""
        return self.host == socket.gethostname() and bool(self.born) and _birth(self.pid) == self.born

    def may_run(self) -> bool:
        """Whether the process may be running: here it is alive, elsewhere it may be."""
        return self.host != socket.gethostname() or self.alive()


def this_process() -> Owner:
    """The owner of what this process starts."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> Owner:
    return Owner(socket.gethostname(), pid, _birth(pid))


def _birth(pid: int) -> str:
    """When a process started, in words that only this start has; empty when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()  # the name before it may hold spaces
        except OSError:
            return ""
        if fields[0] == "Z":  # a zombie has ended; its parent has merely not noticed
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        return f"{boot}-{fields[19]}"
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()
