"""What people do with the dashboard, in a real browser over real runs; a scripted model thinks where none is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from store import Store, get_run, list_runs
from tests.needs import DEFAULT, local_model
from tests.ui.stage import TASK, ModelServer
from tests.ui.web.conftest import PATIENCE, Dashboard, Visitor, filled_in
from tests.ui.web.scene import ELSEWHERE, EVIL, GRID

Visit = Callable[..., Visitor]


_letters = iter("abcdefghijklmnopqrstuvwxyz")


def ask(visitor: Visitor) -> str:
    """Ask, by keyboard, what nobody asked before, so that no answer is known; arrive at the run and return its id."""
    task = f"Team {next(_letters)}: {TASK}"
    page = visitor.go()
    box = page.get_by_label("Task in plain words")
    box.fill(task)
    box.press("Control+Enter")
    page.wait_for_url("**/run?id=*")
    return page.url.split("id=")[1]


def status(dashboard: Dashboard, run_id: str) -> str:
    with Store.open(dashboard.database) as store:
        return get_run(store, run_id).status


def test_ask_and_watch_to_the_answer(visit: Visit, model: ModelServer) -> None:
    from playwright.sync_api import expect

    model.free.clear()
    visitor = visit()
    ask(visitor)
    page = visitor.page
    page.get_by_text("running", exact=True).wait_for()
    page.get_by_role("progressbar").wait_for()
    model.free.set()
    page.get_by_text("It is 6 MWh.").wait_for()
    page.get_by_text("answered", exact=True).first.wait_for()
    page.get_by_role("cell", name="a.value").wait_for()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=PATIENCE)


def test_a_refresh_a_second_browser_and_a_server_killed_in_mid_run_leave_it_alone(
    visit: Visit, model: ModelServer, dashboard: Dashboard
) -> None:
    model.free.clear()
    first, second = visit(), visit("dark")
    run_id = ask(first)
    second.go(f"run?id={run_id}")
    for visitor in (first, second):
        visitor.page.get_by_text("running", exact=True).wait_for()
    first.page.reload()
    first.page.get_by_text("running", exact=True).wait_for()
    dashboard.kill()
    assert status(dashboard, run_id) == "running"
    dashboard.start()
    model.free.set()
    for visitor in (first, second):  # they find the server again by themselves
        visitor.page.get_by_text("It is 6 MWh.").wait_for()
    assert status(dashboard, run_id) == "answered"


def test_cancel_and_go_on(visit: Visit, model: ModelServer, dashboard: Dashboard) -> None:
    model.free.clear()
    visitor = visit()
    run_id = ask(visitor)
    page = visitor.page
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Go on").wait_for()
    assert status(dashboard, run_id) == "cancelled"
    model.free.set()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(f"!location.href.includes('{run_id}')")
    page.get_by_text("It is 6 MWh.").wait_for()
    page.get_by_role("button", name=f"Continues {run_id}").wait_for()


def test_try_the_power_flow_by_form_and_see_its_plots(visit: Visit) -> None:
    from playwright.sync_api import expect

    visitor = visit()
    page = visitor.go("tools")
    page.get_by_label("Search").fill("cheapest dispatch of a power grid")
    page.get_by_label("Search").press("Enter")
    found = page.get_by_role("button", name="solve_dc_opf")
    expect(page.get_by_test_id("stBaseButton-tertiary").first).to_have_text(
        "solve_dc_opf", timeout=PATIENCE
    )  # the nearest is first
    visitor.only(found).click()
    page.get_by_role("button", name="Example 1").click()
    filled_in(page)
    page.get_by_text("plots", exact=True).click()
    page.get_by_role("button", name="Run it").click()
    page.locator("[data-testid=stImage] img").first.wait_for()
    assert page.get_by_text("$/h").count() >= 1
    assert page.get_by_text("within its limit").count() == 2
    visitor.shot("tool-tried-light")


def test_open_a_lineage_and_read_a_diff_with_its_critique(visit: Visit, dashboard: Dashboard) -> None:
    page = visit().go(f"learning?id={dashboard.runs['training']}")
    page.get_by_text("The critique that caused it").wait_for()
    page.locator("ins").first.wait_for()
    page.get_by_text("accepted", exact=True).first.click()
    page.get_by_text("paired validation").first.wait_for()
    page.get_by_role("columnheader", name="before").first.wait_for()


def test_compare_two_systems_and_read_the_verdict(visit: Visit) -> None:
    page = visit().go("compare")
    page.get_by_text("better by").first.wait_for()
    assert page.get_by_text("points").count() >= 1
    page.locator("[data-testid=stEChartsChart]").first.wait_for()


def test_export_a_run_and_open_the_file_without_a_server(visit: Visit, dashboard: Dashboard, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.go(f"run?id={dashboard.runs['grid']}")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Export").click()
    file = tmp_path / "run.html"
    coming.value.save_as(file)
    page.goto(file.as_uri())
    assert page.get_by_role("heading", name=GRID).count() == 1
    assert page.locator("img").first.is_visible()


def test_an_agent_is_looked_at_by_a_click_in_the_picture_or_from_the_list(visit: Visit, dashboard: Dashboard) -> None:
    from playwright.sync_api import expect

    page = visit().go(f"run?id={dashboard.runs['grid']}")
    drawn = page.get_by_test_id("stEChartsChart").first.locator("text", has_text="explainer")
    listed = page.get_by_role("combobox", name="What an agent is told and what it did")
    told = page.get_by_text("Say it in two sentences.")
    drawn.click()
    told.first.wait_for()
    expect(listed).to_have_value("explainer, layer 2-explain", timeout=PATIENCE)
    listed.fill("solver-1")
    listed.press("Enter")
    told.first.wait_for(state="detached")
    drawn.click()  # the same box again: not taken back, since the list was used between
    told.first.wait_for()


def test_markup_in_a_task_and_an_answer_is_text(visit: Visit, dashboard: Dashboard) -> None:
    page = visit().go(f"run?id={dashboard.runs['evil']}")
    page.get_by_text(EVIL).first.wait_for()
    assert page.title() != "owned"
    page.goto(f"{dashboard.url}/runs?q=script")
    page.get_by_text(EVIL[:45]).first.wait_for()
    assert page.locator(f"img[src^='{ELSEWHERE}'], a[href^='{ELSEWHERE}']").count() == 0


def test_runs_are_searched_and_the_address_holds_the_search(visit: Visit, dashboard: Dashboard) -> None:
    visitor = visit()
    page = visitor.go("runs")
    page.get_by_label("Search").fill("30-bus")
    page.get_by_label("Search").press("Enter")
    page.wait_for_url("**/runs?q=30-bus*")
    page.get_by_text("dream", exact=False).first.wait_for(state="detached")
    visitor.only(page.get_by_role("link", name="cheapest dispatch"))
    other = visit().go("runs?q=dream&status=refused")
    other.get_by_role("link", name="What did I dream?").wait_for()
    assert other.get_by_role("link", name="cheapest dispatch").count() == 0


def test_a_run_is_marked_and_deleted(visit: Visit, dashboard: Dashboard) -> None:
    with Store.open(dashboard.database) as store:
        store.start_run(task="to be deleted").finish("failed")
    page = visit().go("runs?q=deleted")
    page.get_by_text("Mark runs").click()
    page.locator("[data-testid=stCheckbox]", has_text="Mark 2").first.click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_text("No run is like that.").wait_for()
    with Store.open(dashboard.database) as store:
        assert list_runs(store, text="deleted").total == 0


def test_the_next_and_the_previous_run_are_a_key_away(visit: Visit, dashboard: Dashboard) -> None:
    runs = dashboard.runs
    page = visit().go(f"run?id={runs['refused']}")
    page.get_by_role("button", name="Older").wait_for()
    page.keyboard.press("k")
    page.get_by_text(f"Run {runs['plain']}").wait_for()
    assert runs["plain"] in page.url
    page.keyboard.press("j")
    page.get_by_text(f"Run {runs['refused']}").wait_for()
    assert runs["refused"] in page.url


def test_a_fork_with_another_prompt_is_another_run(visit: Visit, dashboard: Dashboard) -> None:
    visitor = visit()
    page = visitor.go(f"run?id={dashboard.runs['plain']}")
    page.get_by_role("button", name="Fork").click()
    page.get_by_role("combobox", name="Model").fill(dashboard.model)
    page.get_by_role("combobox", name="Model").press("Enter")
    page.get_by_text("Prompt of teller").click()
    page.get_by_label("Prompt", exact=True).last.fill("Say it in five words.")
    page.get_by_role("button", name="Run the fork").click()
    page.get_by_role("button", name=f"Stems from {dashboard.runs['plain']}").wait_for()
    visitor.settled()  # what is below is of the fork, and no longer of the run before
    page.get_by_text("It is 6 MWh.").wait_for()
    page.get_by_text("teller", exact=True).last.click()
    page.get_by_text("Say it in five words.").first.wait_for()


def test_a_replay_from_the_page_finds_no_difference(visit: Visit, dashboard: Dashboard) -> None:
    page = visit().go(f"run?id={dashboard.runs['plain']}")
    page.get_by_role("button", name="Replay").click()
    page.get_by_text("none differs").wait_for()


def test_a_wrong_id_says_which_was_meant(visit: Visit, dashboard: Dashboard) -> None:
    page = visit().go(f"run?id={dashboard.runs['plain'][:-1]}x")
    page.get_by_text("did you mean").wait_for()


@pytest.mark.local_model
def test_ask_the_real_local_model_and_watch_it_to_the_answer(
    visit: Visit, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one run with the real model that these tests make; every check of it is here."""
    name = local_model(DEFAULT)
    page = visit().go()
    page.get_by_role("combobox", name="Model").fill(name)
    page.get_by_role("combobox", name="Model").press("Enter")
    page.get_by_label("Task in plain words").fill(GRID)
    page.get_by_label("Task in plain words").press("Control+Enter")
    page.wait_for_url("**/run?id=*")
    page.get_by_text("planning").first.wait_for()
    page.get_by_text("Checked values").wait_for(timeout=5 * PATIENCE, state="attached")
    page.get_by_text("$/h").first.wait_for()
