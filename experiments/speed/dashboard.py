"""The dashboard over 10,000 runs and a run of 30,000 events: first paint, clicks, and the server's memory, in a real browser.

    python -m experiments.speed.dashboard --json dashboard.json

It makes the store (or takes the one of --store), serves the pages from it, and measures from the browser's side: from the
address, or the click, until what was asked for can be seen. The pages have come to rest before the next click. Beside the first
visit stands the same visit to the least page that Streamlit can show, a box for text. Needs the extra `browser` and a Chromium.
"""

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypedDict

from agents import GraphSpec, agent, graph, layer
from store import Store
from store.events import (
    AgentAnswered,
    AgentStarted,
    LayerCombined,
    LayerStarted,
    ModelCalled,
    Planned,
    Routed,
    RunFinished,
    RunStarted,
    ToolCalled,
)

RUNS, EVENTS = 10_000, 30_000
LAYERS, AGENTS = 10, 100  # of the long run; its agents share the events
PAINT, CLICK, MEMORY = 2.0, 1.0, 600  # s, s, MB: what is aimed at
PATIENCE = 60_000  # ms
REST = 0.7  # s, from one measure to the next
LEAST = (
    "import streamlit as st\nst.text_area('Task in plain words')\n"  # the peer: Streamlit with next to nothing in it
)
MODELS = ("local/qwen2.5-coder-1.5b", "openai/gpt-4o-mini", "scripted")
GRIDS = ("case30", "case118", "case300", "case1354")


class Row(TypedDict):
    what: str
    kind: str  # paint, click or peer
    median_s: float
    worst_s: float
    aim_s: float | None  # none for the peer


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; with --json, write it too."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="times each is measured, of which the median counts")
    parser.add_argument("--store", type=Path, help="database to use; made where it is missing")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = chosen.store or Path(folder) / "runs.db"
        if not place.exists():
            made = time.perf_counter()
            fill(place)
            print(
                f"made {RUNS:,} runs and one of {EVENTS:,} events in {time.perf_counter() - made:.0f} s",
                file=sys.stderr,
            )
        rows, memory = measure(place, chosen.repeats)
    for row in rows:
        aim = row["aim_s"]
        kept = "" if aim is None else f"  aim {aim:g} s  {'ok' if row['median_s'] <= aim else 'MISSED'}"
        print(f"{row['what']:<52}{row['median_s']:>7.2f} s  worst {row['worst_s']:.2f} s{kept}")
    print(
        f"{'memory of the server after all that':<52}{memory:>7.0f} MB  aim {MEMORY} MB  {'ok' if memory <= MEMORY else 'MISSED'}"
    )
    if chosen.json:
        chosen.json.write_text(json.dumps({"rows": rows, "server_mb": memory}, indent=2) + "\n")


# The store


def fill(place: Path, runs: int = RUNS, events: int = EVENTS) -> str:
    """Make a store of many short runs and one long one; returns the long one's id."""
    dice = random.Random(0)
    with Store.open(str(place)) as store:
        for k in range(runs - 1):
            task = f"Task {k}: what does the cheapest dispatch of {dice.choice(GRIDS)} cost at {dice.randint(80, 120)} % load?"
            log = store.start_run(task=task, model=dice.choice(MODELS))
            log.emit("layer/1-solve/started", LayerStarted(layer="1-solve", input=log.put("x")))
            _agent(log, "1-solve", "solver", 3, dice)
            log.finish(dice.choice(("answered", "answered", "answered", "refused", "failed", "cancelled")))
        return _long_run(store, events, dice)


def _long_run(store: Store, events: int, dice: random.Random) -> str:
    spec = _spec()
    log = store.start_run(task=f"A run of {events:,} events", model=MODELS[0])
    log.emit("run/started", RunStarted(task=log.put("long"), options=log.put('{"options": {}, "graph": null}'), seed=0))
    log.emit("plan/planned", Planned(graph=log.put(spec.canonical()), graph_hash=spec.hash))
    each = events // (LAYERS * AGENTS) - 2
    for x in spec.layers:
        log.emit(f"layer/{x.id}/started", LayerStarted(layer=x.id, input=log.put("x")))
        log.emit(f"layer/{x.id}/routed", Routed(layer=x.id, team="team", aggregator="majority", tier="only"))
        for a in x.teams[0].agents:
            _agent(log, x.id, a.id, each, dice)
        log.emit(f"layer/{x.id}/combined", LayerCombined(layer=x.id, aggregator="majority", output=log.put("{}")))
    log.emit("run/finished", RunFinished(status="answered"))
    return log.run_id


def _agent(log: Any, layer_id: str, name: str, calls: int, dice: random.Random) -> None:
    at = f"layer/{layer_id}/agent/{name}"
    log.emit(f"{at}/started", AgentStarted(layer=layer_id, agent=name))
    messages = [{"role": "system", "content": "Solve it."}, {"role": "user", "content": f"{name}, what does it cost?"}]
    request = log.put(json.dumps({"model": MODELS[0], "messages": messages}))
    reply = log.put(
        json.dumps({"text": "It costs 8,906 $/h.", "usage": {"prompt_tokens": 90, "completion_tokens": 12}})
    )
    for k in range(calls):
        if k % 3 == 2:
            tool = ToolCalled(
                call=f"{log.run_id}{at}{k}",
                tool="calculate",
                version="1",
                arguments=log.put('{"expression": "1 + 1"}'),
                output=log.put('{"value": 2, "unit": "1", "text": "2"}'),
            )
            log.emit(f"{at}/turn/{k}/call/a/tool", tool, dice.random() / 10)
            continue
        called = ModelCalled(
            call=f"{log.run_id}{at}{k}",
            model=MODELS[0],
            purpose="act",
            request=request,
            reply=reply,
            prompt_tokens=dice.randint(80, 900),
            completion_tokens=dice.randint(5, 90),
            usd=0.0001,
        )
        log.emit(f"{at}/turn/{k}/model#0", called, dice.random())
    log.emit(f"{at}/answered", AgentAnswered(layer=layer_id, agent=name, answer=log.put('{"text": "8,906 $/h"}')))


def _spec() -> GraphSpec:
    layers = [
        layer(f"l{k}", *(agent(f"a{k}-{n}", "Solve it.") for n in range(AGENTS)), combine="majority")
        for k in range(LAYERS)
    ]
    return graph(*layers, name="long")


# The measuring


def measure(place: Path, repeats: int) -> tuple[list[Row], float]:
    """Time the pages and the clicks; returns the rows and the server's memory [MB] at the end."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise SystemExit("needs playwright: pip install 'backprose[browser]'") from None

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("needs a Chromium: apt-get install chromium")
    with Store.open(str(place)) as store:
        from store import list_runs

        long_run = list_runs(store, text="A run of", limit=1).runs[0].id
    with (
        serving(place) as (url, process),
        tempfile.TemporaryDirectory() as folder,
        _least(Path(folder)) as least,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        times: dict[tuple[str, str], list[float]] = {}
        for turn in range(repeats + 1):
            page = browser.new_page(viewport={"width": 1360, "height": 900})
            page.set_default_timeout(PATIENCE)
            for what, kind, seconds in chain(_visit(browser, least), _tour(page, url, long_run)):
                if turn:  # the first one warms up
                    times.setdefault((what, kind), []).append(seconds)
                time.sleep(REST)
            page.close()
        memory = _memory(process.pid)
        browser.close()
    aims = {"paint": PAINT, "click": CLICK, "peer": None}
    return [
        Row(what=what, kind=kind, median_s=statistics.median(found), worst_s=max(found), aim_s=aims[kind])
        for (what, kind), found in times.items()
    ], memory


def _visit(browser: Any, url: str) -> Iterator[tuple[str, str, float]]:
    """Open the least page of Streamlit's in a browser that has nothing cached."""
    page = browser.new_page(viewport={"width": 1360, "height": 900})
    started = time.perf_counter()
    page.goto(url)
    page.get_by_label("Task in plain words").wait_for()
    yield "peer: the least Streamlit page, nothing cached", "peer", time.perf_counter() - started
    page.close()


def _tour(page: Any, url: str, long_run: str) -> Iterator[tuple[str, str, float]]:
    """Open pages and click through them; gives what was done, whether it is a first paint or a click, and the seconds."""

    def timed(what: str, kind: str, do: Callable[[], object], seen: Callable[[], Any]) -> tuple[str, str, float]:
        started = time.perf_counter()
        do()
        seen().wait_for()
        return what, kind, time.perf_counter() - started

    links = page.locator("[data-testid=stPageLink]")
    asked = page.get_by_label("Task in plain words")
    yield timed("ask: open, a browser that has nothing cached", "paint", lambda: page.goto(url), lambda: asked)
    yield timed("runs: open", "paint", lambda: page.goto(f"{url}/runs"), lambda: links.nth(5))
    box = page.get_by_label("Page", exact=True)
    yield timed(
        "runs: another page", "click", lambda: _enter(box, "250"), lambda: page.get_by_text("runs 4,981 to").first
    )
    search = page.get_by_label("Search")
    yield timed("runs: search", "click", lambda: _enter(search, "Task 77:"), lambda: page.get_by_text("Task 77:").first)
    yield timed("runs: open one", "click", links.first.click, lambda: page.get_by_text("What happened").first)
    yield timed("ask: open", "paint", lambda: page.goto(url), lambda: asked)
    yield timed("papers: open", "paint", lambda: page.goto(f"{url}/papers"), lambda: page.get_by_text("arXiv").nth(20))
    yield timed(
        "tools: open", "paint", lambda: page.goto(f"{url}/tools"), lambda: page.get_by_text("solve_dc_opf").first
    )
    yield timed(
        "learning: open", "paint", lambda: page.goto(f"{url}/learning"), lambda: page.get_by_text("No training").first
    )
    yield timed(
        "compare: open", "paint", lambda: page.goto(f"{url}/compare"), lambda: page.get_by_text("No evaluation").first
    )
    yield timed(
        "settings: open", "paint", lambda: page.goto(f"{url}/settings"), lambda: page.get_by_text("This machine").first
    )

    def opened(text: str, among: int = 0) -> Any:
        return page.locator("summary", has_text=text).nth(among)

    yield timed("long run: open", "paint", lambda: page.goto(f"{url}/run?id={long_run}"), lambda: opened("layer l9"))
    yield timed("long run: open a layer", "click", lambda: opened("layer l7").click(), lambda: opened("a7-3"))
    yield timed("long run: open an agent", "click", lambda: opened("a7-3").click(), lambda: opened("model act"))
    yield timed(
        "long run: open a call",
        "click",
        lambda: opened("model act").click(),
        lambda: page.get_by_text("Solve it.").last,
    )


def _enter(box: Any, text: str) -> None:
    box.fill(text)
    box.press("Enter")


@contextmanager
def serving(place: Path) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """Serve the dashboard over a store on a free port: its address and its process."""
    with _served("backprose", "ui", "--port", BACKPROSE_DB=str(place)) as found:
        yield found


@contextmanager
def _least(folder: Path) -> Iterator[str]:
    """Serve the least page of Streamlit's: its address."""
    page = folder / "least.py"
    page.write_text(LEAST, encoding="utf-8")
    still = ("--server.headless=true", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false")
    with _served("streamlit", "run", str(page), *still, "--server.port") as (url, _):
        yield url


@contextmanager
def _served(*command: str, **environment: str) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """Run a module whose last argument is the port to serve on, until it answers there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", *command, str(port)],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait()


def _memory(pid: int) -> float:
    """What a process holds in memory [MB]."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000


if __name__ == "__main__":
    main()
