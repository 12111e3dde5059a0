"""Importing the engine is cheap: what is heavy waits until it is used."""

import subprocess
import sys
from pathlib import Path

HEAVY = (
    "torch", "litellm", "pandapower", "sqlalchemy", "langgraph", "openai", "xllamacpp", "scipy", "numpy", "pint", "pandas",
    "streamlit", "matplotlib", "highspy", "pennylane",
)  # fmt: skip


def test_importing_the_engine_loads_nothing_heavy_and_takes_a_blink() -> None:
    script = (
        f"import sys, time; import agents, tools; tools.all_tools(); "
        f"print(*[m for m in {HEAVY!r} if m in sys.modules]); print(time.process_time())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    loaded, seconds = done.stdout.splitlines()
    assert loaded == ""
    assert float(seconds) < 1.5  # 0.25 s on a quiet machine
