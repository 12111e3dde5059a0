"""Computed prompts that outlive the process: what a server's slots hold when it stops is there when the next one starts.

A planner's or a solver's instructions are the same in run after run, and on a small machine computing them is most of what a
first answer costs. llama.cpp can write the state of a slot to a file and read it back; its next prompt then begins where it
first differs. The files lie beside the weights, in a folder of the version that wrote them, for no other may read them.
They hold the text of the last prompts, as the run log does. A file that is lost or broken costs only time.
"""

import json
import os
import shutil
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

WORTH = 500  # tokens (8 s of computing, 14 MB of a file): a shorter prompt is computed again
PATIENCE_S = 10.0  # for one slot; a slot that is still at work when the process ends is not waited for longer


def folder() -> str:
    """Where this version's states lie, made where missing; with the closing slash that llama.cpp wants. Empty: nowhere."""
    import xllamacpp

    from agents.models.weights import cache_folder

    place = cache_folder().parent / "prompts" / xllamacpp.__version__
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:  # a cache that cannot be written to keeps nothing
        return ""
    for other in place.parent.iterdir():
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
    return f"{place}/"


def restore(server: Any, place: str, name: str, slots: int) -> None:
    """Give a server that has just started what was kept under this name."""
    for slot in range(slots):
        if place and Path(place, f"{name}-{slot}").exists():
            _ask(server, slot, "restore", f"{name}-{slot}")


def keep(server: Any, place: str, name: str, slots: int) -> None:
    """Write what the server's slots hold; whole files only, whoever else is writing or reading them."""
    for slot in range(slots if place else 0):
        fresh = f"{name}-{slot}.{os.getpid()}"
        written = _ask(server, slot, "save", fresh)
        with suppress(OSError):
            if written.get("n_saved", 0) >= WORTH:
                Path(place, fresh).replace(Path(place, f"{name}-{slot}"))
            else:
                Path(place, fresh).unlink(missing_ok=True)


def _ask(server: Any, slot: int, action: str, file: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{server.listening_address}/slots/{slot}?action={action}",
        json.dumps({"filename": file}).encode(),
        {"Content-Type": "application/json"},
    )
    with suppress(OSError, HTTPException, ValueError), urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
        answer: dict[str, Any] = json.load(reply)
        return answer
    return {}
