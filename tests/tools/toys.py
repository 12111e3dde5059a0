"""Small tools that behave in every way a tool can, for the tests of what runs tools."""

import ctypes
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any, Literal

from tools.contract import Artifact, BadInput, Frozen, NoAnswer, Tool, progress, quantity, save_artifact


class Nothing(Frozen):
    pass


class Text(Frozen):
    text: str = quantity("", "What the tool has to say")


class Numbers(Frozen):
    numbers: list[float] = quantity("m", "Lengths", min_length=1, max_length=10_000_000)


class Sum(Frozen):
    total: float = quantity("m", "Their sum")


class AddUp(Tool[Numbers, Sum]):
    """The sum of some lengths."""

    name = "add_up"
    source = "arithmetic"

    def __call__(self, inp: Numbers) -> Sum:
        return Sum(total=sum(inp.numbers))


class AddUpHere(AddUp):
    """The sum of some lengths, in the caller's process."""

    name = "add_up_here"
    inline = True


class WhoAmI(Tool[Nothing, Text]):
    """The worker's process id."""

    name = "who_am_i"
    source = "Descartes 1637"

    def __call__(self, inp: Nothing) -> Text:
        return Text(text=str(os.getpid()))


class Environment(Tool[Nothing, Text]):
    """What OMP_NUM_THREADS is in the worker, and which module is its main."""

    name = "environment"
    source = "POSIX"

    def __call__(self, inp: Nothing) -> Text:
        main = getattr(sys.modules["__main__"], "__spec__", None)
        return Text(text=f"{os.environ.get('OMP_NUM_THREADS')} {main and main.name}")


class SleepInput(Frozen):
    seconds: float = quantity("s", "How long", ge=0)
    child: bool = quantity("", "Sleep in a child process as well", False)


class Sleep(Tool[SleepInput, Text]):
    """Sleeps, saying how far it has come."""

    name = "sleep"
    source = "Hypnos"
    time_limit = 30.0

    def __call__(self, inp: SleepInput) -> Text:
        if inp.child:
            child = subprocess.Popen(["sleep", str(inp.seconds)])
            progress(0, f"{os.getpid()} {child.pid}")
        for step in range(4):
            progress(step / 4, f"{os.getpid()}")
            time.sleep(inp.seconds / 4)
        return Text(text=str(os.getpid()))


class HoldTheLock(Tool[Nothing, Text]):
    """Sleeps in native code that never lets another Python thread run."""

    name = "hold_the_lock"
    source = "GIL"

    def __call__(self, inp: Nothing) -> Text:
        progress(0, f"{os.getpid()}")
        ctypes.PyDLL(None).sleep(60)
        return Text(text="woke up")


class MisbehaveInput(Frozen):
    how: Literal["segfault", "exit", "kill", "raise", "memory", "import", "nan", "wrong type", "no answer", "print"] = (
        quantity("", "In which way")
    )


class NothingLeft(NoAnswer):
    """An error of the tool's own."""


class Misbehave(Tool[MisbehaveInput, Sum]):
    """Fails in the way asked for."""

    name = "misbehave"
    source = "Murphy 1949"
    extra = "power"

    def __call__(self, inp: MisbehaveInput) -> Sum:
        match inp.how:
            case "segfault":
                print("about to touch address 0", file=sys.stderr, flush=True)
                ctypes.string_at(0)
            case "exit":
                os._exit(7)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise KeyError("bus 7")
            case "memory":
                from tools.worker import MEMORY_LIMIT

                return Sum(total=float(len(bytearray(MEMORY_LIMIT + 2**20))))
            case "import":
                import no_such_solver  # type: ignore[import-not-found]

                no_such_solver.solve()
            case "nan":
                return Sum.model_construct(total=float("nan"))
            case "wrong type":
                wrong: Any = {"total": 1.0}
                return wrong  # type: ignore[no-any-return]
            case "no answer":
                raise NothingLeft("the grid has no load left", hint="add some", buses=[1, 2])
            case "print":
                print("noise" * 100_000)
                os.write(1, b"\x00\xff more noise\n" * 1000)
                subprocess.run(["echo", "noise of a child"], check=True)
                sys.stdin.read()
        return Sum(total=1.0)


class Picture(Frozen):
    pictures: list[Artifact]


class Draw(Tool[Nothing, Picture]):
    """Two files, the second of them large."""

    name = "draw"
    source = "Lascaux"

    def __call__(self, inp: Nothing) -> Picture:
        large = random.Random(0).randbytes(5_000_000)
        return Picture(
            pictures=[
                save_artifact("small.csv", "text/csv", b"a,b\n1,2\n", "A table"),
                save_artifact("large.bin", "application/octet-stream", large),
            ]
        )


LARGE_SHA256 = hashlib.sha256(random.Random(0).randbytes(5_000_000)).hexdigest()


class Grid(Frozen):
    bus: int = quantity("1", "Bus number", ge=0)


class CheckedInput(Frozen):
    case: Literal["case30", "case118"] = quantity("", "Which grid")
    load_scale: float = quantity("1", "Load as a multiple of the shipped one", 1.0, ge=0.1, le=1.5)
    outages: list[int] = quantity("1", "Branches out of service", [], max_length=3)
    demand: float | None = quantity("MW", "Demand", None, gt=0)
    at: Grid | None = quantity("", "Where", None)


class Checked(Tool[CheckedInput, Text]):
    """Takes arguments of many kinds."""

    name = "checked"
    source = "Euclid"

    def __call__(self, inp: CheckedInput) -> Text:
        if inp.load_scale == 1.25:
            raise BadInput("load_scale is 1.25, which is unlucky")
        return Text(text="fine")
