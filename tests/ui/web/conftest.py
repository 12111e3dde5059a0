"""A served dashboard over a furnished store, and a real browser that notes every request it makes."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.needs import lacking
from tests.ui.stage import ModelServer
from tests.ui.web.scene import furnish
from ui.web.serving import command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

SHOTS = Path(__file__).parents[3] / "build" / "screenshots"
PATIENCE = 60_000  # ms, on a busy machine


@dataclass
class Dashboard:
    """The pages, served by a process of their own over a store of their own."""

    place: Path
    model: str
    runs: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    serve: bool = True  # at once

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        if self.serve:
            self.start()

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKPROSE_")}
        own = {f"XDG_{name}_HOME": str(self.place / name.lower()) for name in ("CONFIG", "STATE")}
        return {**kept, **own, "BACKPROSE_DB": self.database, "BACKPROSE_MODEL": self.model, **self.settings}

    @property
    def database(self) -> str:
        return str(self.place / "runs.db")

    def start(self) -> None:
        log = (self.place / "server.log").open("a")
        self._server = subprocess.Popen(
            command("127.0.0.1", self.port), env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
            assert time.monotonic() < deadline, (self.place / "server.log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        self._server.kill()
        self._server.wait()


@pytest.fixture(scope="session")
def model() -> Iterator[ModelServer]:
    running = ModelServer()
    yield running
    running.close()


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> Iterator[Dashboard]:
    place = tmp_path_factory.mktemp("dashboard")
    runs = furnish(str(place / "runs.db"))
    served = Dashboard(place, model.model, runs)
    yield served
    served.kill()


@pytest.fixture(scope="module")
def browser(dashboard: Dashboard) -> "Iterator[Browser]":
    """A browser for one module of tests: while it is open, its event loop is the thread's, and `asyncio.run` is refused. So the
    store is furnished before, and the browser closed again before other tests come."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        lacking("no Chromium", "apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own. What it asks of anybody but the dashboard stands in `strayed`."""

    page: "Page"
    dashboard: Dashboard
    strayed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("websocket", lambda socket: self._note(socket.url))

    def _note(self, url: str) -> None:
        if not re.match(rf"(https?|wss?)://127\.0\.0\.1:{self.dashboard.port}/|data:|blob:|file:|about:", url):
            self.strayed.append(url)

    def go(self, path: str = "") -> "Page":
        """Open a page and wait until it is drawn."""
        self.page.goto(f"{self.dashboard.url}/{path}")
        self.page.locator("[data-testid=stMain]").locator("h2, .bp-task").first.wait_for()
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until the page's script has ended and all of it is drawn."""
        self.page.wait_for_function(
            "!document.querySelector('[data-testid=stApp][data-test-script-state=running], [data-testid=stSkeleton]')"
        )

    def only(self, wanted: "Locator") -> "Locator":
        """What is wanted, once it stands on the page once: while a list is drawn anew, a line of it may stand there twice."""
        from playwright.sync_api import expect

        self.settled()
        expect(wanted).to_have_count(1, timeout=PATIENCE)
        return wanted

    def shot(self, name: str) -> None:
        """Keep a picture of the whole page as a build artefact."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        size = self.page.viewport_size or {"width": 1360, "height": 900}
        self.page.set_viewport_size({"width": size["width"], "height": min(max(int(height), 700), 4000)})
        self.page.wait_for_timeout(250)  # for pictures to take their place
        self.page.screenshot(path=SHOTS / f"{name}.png")
        self.page.set_viewport_size(size)


def filled_in(page: "Page") -> None:
    """Wait until the first example of `solve_dc_opf` stands in the form; what is changed before is overwritten by it."""
    from playwright.sync_api import expect

    field = page.get_by_test_id("stNumberInput").filter(has_text="load_scale").locator("input")
    expect(field).to_have_value("1.15", timeout=PATIENCE)


@pytest.fixture
def visit(browser: "Browser", dashboard: Dashboard) -> Iterator[Callable[..., Visitor]]:
    """Let somebody come with a browser of their own; at the end, none of them has asked anything of another machine."""
    came: list[tuple[BrowserContext, Visitor]] = []

    def come(scheme: str = "light", to: Dashboard = dashboard) -> Visitor:
        context = browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": 1360, "height": 900},
            accept_downloads=True,
        )
        visitor = Visitor(context.new_page(), to)
        came.append((context, visitor))
        return visitor

    yield come
    strayed = [url for _, visitor in came for url in visitor.strayed]
    for context, _ in came:
        context.close()
    assert strayed == []
