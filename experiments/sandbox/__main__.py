"""Whether this machine can isolate a program, and what it costs: python -m experiments.sandbox."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from experiments.sandbox.box import NoIsolation, run_code

ROUNDS = 30


def main() -> int:
    try:
        user = run_code("import os; print(os.getuid())").stdout.strip()
    except NoIsolation as error:
        print(error, file=sys.stderr)
        return 1
    boxed = _median(lambda: run_code("pass"))
    plain = _median(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    print(f"programs are isolated, as user {user} inside")
    print(
        f"an empty program takes {boxed * 1e3:.0f} ms, in a plain Python process {plain * 1e3:.0f} ms (medians of {ROUNDS})"
    )
    return 0


def _median(action: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
