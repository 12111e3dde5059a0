"""What people do with the dashboard, done by those who use no mouse: every step is a key, and every place is come to by Tab."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from store import Store, get_run
from tests.ui.stage import TASK, ModelServer
from tests.ui.web.conftest import PATIENCE, Dashboard, Visitor, filled_in
from tests.ui.web.scene import GRID

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

FAR = 120  # presses of Tab within which everything is reached
FOCUSED = "e => e === document.activeElement || e.contains(document.activeElement)"


@dataclass
class Hands:
    """Somebody at a keyboard. Of the page they have only what can be seen on it, and keys."""

    visitor: Visitor

    @property
    def page(self) -> "Page":
        return self.visitor.page

    def to(self, wanted: "Locator", most: int = FAR) -> "Hands":
        """Press Tab until the focus is on what is wanted."""
        wanted.wait_for(state="attached")
        for _ in range(most):
            if wanted.evaluate(FOCUSED):
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {wanted}")

    def press(self, *keys: str) -> "Hands":
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def write(self, text: str) -> "Hands":
        self.page.keyboard.type(text)
        return self

    def turn_to(self, title: str) -> "Page":
        """Go to a page by the menu."""
        self.to(self.page.get_by_role("link", name=title, exact=True)).press("Enter")
        self.page.wait_for_url(f"**/{title.lower()}*")
        self.page.get_by_role("heading", name=title, exact=True).wait_for()
        self.visitor.settled()
        return self.page

    def ask(self, task: str) -> str:
        """Ask by the button, arrive at the run, and return its id."""
        page = self.visitor.go()
        self.to(page.get_by_label("Task in plain words")).write(task)
        self.to(page.get_by_role("button", name="Ask", exact=True)).press("Enter")
        page.wait_for_url("**/run?id=*")
        return page.url.split("id=")[1]


@pytest.fixture(scope="module")
def hands(browser: "Browser", dashboard: Dashboard) -> "Iterator[Hands]":
    """One browser for all these journeys, whose cache makes each page quick."""
    context = browser.new_context(viewport={"width": 1360, "height": 900}, accept_downloads=True)
    visitor = Visitor(context.new_page(), dashboard)
    yield Hands(visitor)
    context.close()
    assert visitor.strayed == []


@pytest.fixture
def busy(model: ModelServer) -> Iterator[ModelServer]:
    """A model that does not answer before it is set free."""
    model.free.clear()
    yield model
    model.free.set()


def test_ask_watch_refresh_and_read_the_answer(hands: Hands, busy: ModelServer) -> None:
    hands.ask(f"By keys: {TASK}")
    page = hands.page
    page.get_by_text("running", exact=True).wait_for()
    page.reload()  # the browser's own key
    page.get_by_text("running", exact=True).wait_for()
    busy.free.set()
    page.get_by_text("It is 6 MWh.").first.wait_for()
    page.get_by_text("answered", exact=True).first.wait_for()


def test_cancel_and_go_on(hands: Hands, busy: ModelServer, dashboard: Dashboard) -> None:
    run_id = hands.ask(f"By keys, twice: {TASK}")
    page = hands.page
    hands.to(page.get_by_role("button", name="Cancel")).press("Space")
    page.get_by_role("button", name="Go on").wait_for()
    with Store.open(dashboard.database) as store:
        assert get_run(store, run_id).status == "cancelled"
    busy.free.set()
    hands.to(page.get_by_role("button", name="Go on")).press("Enter")
    page.get_by_role("button", name=f"Continues {run_id}").wait_for()
    page.get_by_text("It is 6 MWh.").first.wait_for()


def test_try_the_power_flow_by_form_and_see_its_plots(hands: Hands) -> None:
    from playwright.sync_api import expect

    hands.visitor.go()
    page = hands.turn_to("Tools")
    hands.to(page.get_by_label("Search")).write("cheapest dispatch of a power grid").press("Enter")
    found = page.get_by_test_id("stBaseButton-tertiary")
    expect(found.first).to_have_text("solve_dc_opf", timeout=PATIENCE)
    hands.to(hands.visitor.only(page.get_by_role("button", name="solve_dc_opf"))).press("Enter")
    hands.to(page.get_by_role("button", name="Example 1")).press("Enter")
    filled_in(page)
    plots = page.get_by_role("checkbox", name="plots")
    hands.to(plots).press("Space")
    expect(plots).to_be_checked(timeout=PATIENCE)
    hands.to(page.get_by_role("button", name="Run it")).press("Enter")
    page.locator("[data-testid=stImage] img").first.wait_for()
    page.get_by_text("$/h").first.wait_for()


def test_go_through_a_lineage_and_read_a_diff_with_its_critique(hands: Hands) -> None:
    from playwright.sync_api import expect

    hands.visitor.go()
    page = hands.turn_to("Learning")
    page.get_by_text("The critique that caused it").wait_for()
    page.locator("ins").first.wait_for()
    versions = page.get_by_role("radiogroup", name="Version")
    heading = page.locator("h3", has_text=re.compile("^Version "))
    best = heading.inner_text()
    hands.to(versions).press("ArrowUp")
    page.wait_for_url("**version=*")
    expect(heading).not_to_have_text(best, timeout=PATIENCE)
    hands.to(versions, most=1).press("ArrowDown")  # the focus has stayed
    expect(heading).to_have_text(best, timeout=PATIENCE)
    accepted = page.locator("summary", has_text="accepted").first
    hands.to(accepted).press("Enter")
    page.get_by_text("paired validation").first.wait_for()
    page.get_by_role("columnheader", name="before").first.wait_for()


def test_compare_two_systems_and_read_the_verdict_from_either_side(hands: Hands) -> None:
    hands.visitor.go()
    page = hands.turn_to("Compare")
    page.get_by_text("better by").first.wait_for()
    hands.to(page.get_by_role("combobox", name="Compared with")).write("chain").press("Enter")
    page.get_by_text("worse by").first.wait_for()


def test_find_a_run_look_at_an_agent_of_its_network_and_export_it(hands: Hands, tmp_path: Path) -> None:
    hands.visitor.go()
    page = hands.turn_to("Runs")
    hands.to(page.get_by_label("Search")).write("30-bus").press("Enter")
    page.wait_for_url("**/runs?q=30-bus*")
    page.get_by_text("dream").first.wait_for(state="detached")
    hands.to(hands.visitor.only(page.get_by_role("link", name="cheapest dispatch"))).press("Enter")
    page.get_by_text("What happened").first.wait_for()
    agents = page.get_by_role("combobox", name="What an agent is told and what it did")
    hands.to(agents).write("explainer").press("Enter")
    page.get_by_text("Say it in two sentences.").first.wait_for()
    call = page.locator("summary", has_text="model").first
    hands.to(call).press("Enter")
    page.get_by_role("heading", name="reply").first.wait_for()
    export = page.get_by_role("button", name="Export")
    with page.expect_download() as coming:
        hands.to(export).press("Enter")
    file = tmp_path / "run.html"
    coming.value.save_as(file)
    page.goto(file.as_uri())
    assert page.get_by_role("heading", name=GRID).count() == 1
    assert page.locator("img").first.is_visible()


def test_runs_are_marked_and_deleted(hands: Hands, dashboard: Dashboard) -> None:
    with Store.open(dashboard.database) as store:
        gone = store.start_run(task="to go by keys")
        gone.finish("failed")
    page = hands.visitor.go("runs?q=by+keys")
    hands.to(page.get_by_role("switch", name="Mark runs")).press("Space")
    hands.to(page.get_by_role("checkbox", name=f"Mark {gone.run_id}")).press("Space")
    hands.to(page.get_by_role("button", name="Delete")).press("Enter")
    hands.to(page.get_by_role("button", name="Delete for good")).press("Enter")
    page.get_by_role("checkbox", name=f"Mark {gone.run_id}").wait_for(state="detached")
