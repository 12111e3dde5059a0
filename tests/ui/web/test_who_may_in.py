import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from tests.ui.web.conftest import Dashboard, Visitor
from ui.view.access import TOKEN
from ui.web.serving import command

SECRET = "a-secret-nobody-guesses"


def test_another_address_without_a_token_is_refused_before_anything_is_served(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    done = cli("ui", "--address", "0.0.0.0")
    assert done.exit_code == 2
    assert "not a loopback address" in done.stderr
    assert TOKEN in done.stderr


def test_the_token_stands_in_the_environment_and_not_on_the_command_line(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, words: served.append(words))
    monkeypatch.setenv(TOKEN, "")
    assert cli("ui", "--address", "0.0.0.0", "--token", SECRET).exit_code == 0
    assert SECRET not in " ".join(served[0])
    assert os.environ[TOKEN] == SECRET


def test_nothing_is_sent_home_and_strangers_names_are_refused_on_loopback() -> None:
    words = command("127.0.0.1", 8501)
    assert "--browser.gatherUsageStats=false" in words
    assert "--server.allowedHosts=127.0.0.1" in words
    assert not [word for word in command("0.0.0.0", 8501) if "allowedHosts" in word]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Dashboard]:
    served = Dashboard(tmp_path, "scripted", settings={TOKEN: SECRET})
    yield served
    served.kill()


def test_the_token_is_asked_for_once_in_a_browsers_session_and_nothing_is_seen_before(
    visit: Callable[..., Visitor], guarded: Dashboard
) -> None:
    page = visit(to=guarded).page
    page.goto(f"{guarded.url}/settings?kept=1")
    assert page.get_by_text("Database").count() == 0
    page.get_by_label("Token").fill("a-wrong-guess-at-it")
    page.get_by_label("Token").press("Enter")
    page.get_by_text("That is not the token.").wait_for()
    page.get_by_label("Token").fill(SECRET)
    page.get_by_label("Token").press("Enter")
    page.get_by_text("Database").first.wait_for()
    assert page.url == f"{guarded.url}/settings?kept=1"
    assert SECRET not in page.content()
    page.reload()
    page.get_by_text("Database").first.wait_for()
    assert SECRET not in str(page.context.cookies())
    assert page.evaluate("document.cookie").count("backprose") == 0  # no script can read it
    stranger = visit(to=guarded).page
    stranger.goto(f"{guarded.url}/settings")
    stranger.get_by_label("Token").wait_for()
