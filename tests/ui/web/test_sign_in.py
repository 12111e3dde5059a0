"""Signing in with an identity provider: a real one, on loopback, with real signatures."""

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.needs import lacking
from tests.ui.stage import make_run
from tests.ui.web.conftest import Dashboard, Visitor
from tests.ui.web.provider import CLIENT, CLIENT_SECRET, USER, Provider
from ui.view.access import LOGIN

TASK = "Nobody may read this before signing in"
PAGES = ("", "runs", "run", "learning", "compare", "tools", "papers", "settings")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    if find_spec("authlib") is None:
        lacking("no Authlib", "pip install 'backprose[login]'")
    running = Provider()
    yield running
    running.close()


@pytest.fixture(scope="module")
def closed(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard with one run, for which one must sign in."""
    place = tmp_path_factory.mktemp("closed")
    make_run(str(place / "runs.db"), task=TASK)
    file = place / "secrets.toml"
    served = Dashboard(place, "scripted", settings={LOGIN: "1", "STREAMLIT_SECRETS_FILES": str(file)}, serve=False)
    lines = {
        "redirect_uri": f"{served.url}/oauth2callback",
        "cookie_secret": "a-secret-that-signs-the-cookies",
        "client_id": CLIENT,
        "client_secret": CLIENT_SECRET,
        "server_metadata_url": f"{provider.url}/.well-known/openid-configuration",
    }
    file.write_text("[auth]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items()))
    served.start()
    yield served
    served.kill()


@pytest.fixture
def visitor(closed: Dashboard, visit: Callable[..., Visitor], provider: Provider) -> Iterator[Visitor]:
    come = visit(to=closed)
    yield come
    assert all(url.startswith(f"{provider.url}/") for url in come.strayed)
    come.strayed.clear()  # the one other address that a page may lead to


def test_nothing_of_the_store_is_shown_at_any_address_before_one_has_signed_in(visitor: Visitor) -> None:
    for path in PAGES:
        page = visitor.go(path)
        page.get_by_role("button", name="Sign in").wait_for()
        assert TASK not in page.content(), path
        assert page.get_by_role("link", name="Runs").count() == 0, path


def test_who_signed_in_sees_the_pages_also_after_a_refresh_until_signing_out(
    visitor: Visitor, provider: Provider, closed: Dashboard
) -> None:
    page = visitor.go("runs")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="I am Ada").click()
    page.get_by_label("Task in plain words").wait_for()
    assert provider.signed_in == 1
    page = visitor.go("runs")
    page.get_by_role("link", name=TASK).wait_for()
    page.reload()
    page.get_by_role("link", name=TASK).wait_for()
    page = visitor.go("settings")
    page.get_by_text(USER["email"]).wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    assert TASK not in visitor.go("runs").content()


def test_a_signature_that_is_not_the_providers_opens_nothing(visitor: Visitor, provider: Provider) -> None:
    provider.forges, before = True, provider.signed_in
    try:
        page = visitor.go("runs")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="I am Ada").click()
        page.get_by_role("button", name="Sign in").wait_for()
        assert provider.signed_in == before + 1  # it did sign, and that was not believed
        assert TASK not in visitor.go("runs").content()
    finally:
        provider.forges = False


def test_a_cookie_that_the_server_did_not_sign_opens_nothing(visitor: Visitor, closed: Dashboard) -> None:
    said = json.dumps({"is_logged_in": True, "origin": closed.url, **USER})
    visitor.page.context.add_cookies([{"name": "_streamlit_user", "value": said, "url": closed.url}])
    page = visitor.go("runs")
    page.get_by_role("button", name="Sign in").wait_for()
    assert TASK not in page.content()


def test_without_a_provider_the_page_says_what_is_missing(
    visit: Callable[..., Visitor], provider: Provider, tmp_path: Path
) -> None:
    served = Dashboard(tmp_path, "scripted", settings={LOGIN: "1", "STREAMLIT_SECRETS_FILES": str(tmp_path / "none")})
    try:
        page = visit(to=served).go("runs")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("secrets.toml").first.wait_for()
    finally:
        served.kill()
