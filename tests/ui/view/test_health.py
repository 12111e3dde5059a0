import pytest

from store import Store
from tests.ui.stage import make_run
from ui.view import health


def test_keys_are_present_or_not_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-indeed")
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    told = health.keys()
    assert (told["OPENAI_API_KEY"], told["GROQ_API_KEY"]) == ("present", "not set")
    assert "secret" not in str(told)


def test_the_database_is_told_with_its_schema_and_its_size(place: str) -> None:
    make_run(place)
    with Store.open(place) as store:
        told = health.database(store)
    assert told["address"].endswith("runs.db")
    assert told["schema"].endswith("current")
    assert told["size"].endswith("kB")


def test_versions_are_told() -> None:
    assert {"Backprose", "Python", "Streamlit", "processors"} <= set(health.machine())
