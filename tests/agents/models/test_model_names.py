"""From a name to a provider, the default, and what is usable."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agents.models import UnknownModel, default_model, list_models, resolve, set_default
from agents.models.live import Live
from agents.models.local import LocalModel
from agents.models.openai_compatible import OpenAICompatible


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BACKPROSE_MODEL", raising=False)


def test_a_name_says_who_answers_for_it() -> None:
    assert isinstance(resolve("local/smollm2-135m"), LocalModel)
    assert isinstance(resolve("http://localhost:11434/v1#llama3.2"), OpenAICompatible)
    assert isinstance(resolve("openai/gpt-4o-mini"), Live)
    assert resolve("local/smollm2-135m") is resolve("local/smollm2-135m")


def test_all_live_models_share_one_limit_of_concurrent_calls() -> None:
    assert resolve("openai/gpt-4o-mini") is resolve("anthropic/claude-x")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("local/qwen2.5-coder-7b", "did you mean local/qwen2.5-coder-"),
        ("local/zzz", "no local model named zzz"),
        ("http://localhost:8000/v1", "names an address but no model"),
        (" ", "is empty"),
    ],
)
def test_a_name_nobody_answers_to_says_what_would_be_right(name: str, words: str) -> None:
    with pytest.raises(UnknownModel, match=words) as raised:
        resolve(name)
    assert raised.value.hint


def test_the_default_is_local_until_set_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_model() == "local/qwen2.5-coder-1.5b"
    set_default("local/smollm2-135m")
    assert default_model() == "local/smollm2-135m"
    monkeypatch.setenv("BACKPROSE_MODEL", "openai/gpt-4o-mini")
    assert default_model() == "openai/gpt-4o-mini"


def test_a_default_nobody_answers_to_is_refused() -> None:
    with pytest.raises(UnknownModel):
        set_default("local/nothing")
    assert default_model() == "local/qwen2.5-coder-1.5b"


def test_the_list_says_what_is_usable_and_why_not_and_shows_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    rows = {row.name: row for row in list_models()}
    assert rows["local/smollm2-135m"].why_not == "weights missing: backprose model fetch smollm2-135m"
    assert rows["openai/MODEL"].usable
    assert rows["mistral/MODEL"].why_not == "MISTRAL_API_KEY is not set"
    assert [name for name, row in rows.items() if row.default] == ["local/qwen2.5-coder-1.5b"]
    assert "very-secret" not in str(rows)


def test_a_default_server_is_listed_with_whether_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("BACKPROSE_MODEL", f"http://127.0.0.1:{port}/v1#m")
        row = list_models()[-1]
        assert (row.usable, row.default) == (True, True)
    row = list_models()[-1]
    assert not row.usable
    assert f"nothing listens at 127.0.0.1:{port}" in row.why_not


def test_importing_the_door_loads_no_heavy_library() -> None:
    heavy = ("litellm", "openai", "xllamacpp", "torch")
    program = f"import sys, agents.models.gateway; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "[]"
