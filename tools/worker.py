"""A worker process: calls tools for the executor, one at a time, until its parent closes the pipe or dies.

Standard output is the wire; whatever a tool prints goes to standard error instead, where it can hurt nobody.
"""

import contextlib
import faulthandler
import json
import os
import queue
import signal
import sys
import threading
import time
from importlib import import_module
from typing import Any, BinaryIO

from tools.contract import ToolError
from tools.perform import Progress, perform
from tools.registry import AnyTool
from tools.wire import receive, send

MEMORY_LIMIT = 8 * 2**30  # bytes of data one worker may hold
PROGRESS_EVERY = 0.02  # seconds between two progress messages, so that an eager tool cannot flood the pipe


def main() -> None:
    """Serve until the end of standard input."""
    faulthandler.enable()
    _die_with_parent()
    _limit_memory()
    requests, replies = _take_the_pipes()
    inbox: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, inbox), daemon=True).start()
    while True:
        request, arguments = inbox.get()
        _serve(request["tool"], arguments, replies)


def _serve(place: str, arguments: bytes, replies: BinaryIO) -> None:
    try:
        tool = _resolve(place)
        inp = tool.input_type().model_validate_json(arguments)
        started = time.perf_counter()
        output, artifacts, files = perform(tool, inp, _progress_to(replies))
        seconds = time.perf_counter() - started
        for sha256, content in files.items():
            send(replies, {"type": "file", "sha256": sha256}, content)
        kept = [artifact.model_dump() for artifact in artifacts]
        send(replies, {"type": "output", "output": output, "artifacts": kept, "seconds": seconds})
    except ToolError as error:
        send(replies, _as_message(error))


def _as_message(error: ToolError) -> dict[str, Any]:
    kinds = [cls.__name__ for cls in type(error).__mro__ if issubclass(cls, ToolError)]
    facts = json.loads(json.dumps(error.facts, default=str))
    return {"type": "error", "kinds": kinds, "message": error.message, "hint": error.hint, "facts": facts}


def _progress_to(replies: BinaryIO) -> Progress:
    due = 0.0

    def tell(done: float, what: str) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + PROGRESS_EVERY
            send(replies, {"type": "progress", "done": done, "what": what})

    return tell


def _resolve(place: str) -> AnyTool:
    module, _, name = place.partition(":")
    tool: AnyTool = getattr(import_module(module), name)
    return tool


def _read(requests: BinaryIO, inbox: "queue.SimpleQueue[tuple[dict[str, Any], bytes]]") -> None:
    """Hand on what the parent sends. Its end is ours, also in the middle of a call."""
    with contextlib.suppress(EOFError):
        while True:
            inbox.put(receive(requests))
    os._exit(0)


def _take_the_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The wire's two ends, moved away from descriptors 0 and 1, where tools and native libraries read and print."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _die_with_parent() -> None:
    """Ask Linux to kill this process with its parent: native code that never lets the reader thread run would outlive it."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _limit_memory() -> None:
    """Bound the data segment and private mappings, not the address space, which a GPU driver reserves by the terabyte."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = MEMORY_LIMIT if hard == resource.RLIM_INFINITY else min(MEMORY_LIMIT, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


if __name__ == "__main__":
    main()
