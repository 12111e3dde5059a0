"""From a model's name to whoever answers for it, and the name that is used when none is given."""

import difflib
import json
import os
import re
import socket
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from agents.models.contract import Provider, UnknownModel
from agents.models.live import Live
from agents.models.local import LocalModel
from agents.models.openai_compatible import OpenAICompatible
from agents.models.scrub import scrub
from agents.models.weights import WEIGHTS, Weights

LOCAL = "local/"
FIRST_CHOICE = "local/qwen2.5-coder-1.5b"
SETTING = "BACKPROSE_MODEL"
LIVE_KEYS = {  # the providers most people have a key for; LiteLLM knows a hundred more
    "anthropic": "ANTHROPIC_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "xai": "XAI_API_KEY",
}


@cache
def resolve(name: str) -> Provider:
    """The provider of a model: one per name and process, so that its limit of concurrent calls holds across runs.

    Args:
        name: `local/NAME`, `http://HOST:PORT/v1#MODEL`, or any name LiteLLM knows (`openai/gpt-4o-mini`).

    Raises:
        UnknownModel: nothing answers to this name; the hint says what comes close.
    """
    if name.startswith(LOCAL):
        return LocalModel(local_weights(name))
    if re.match(r"https?://", name):
        base_url, mark, served = name.partition("#")
        if not mark or not served:
            raise UnknownModel(f"{scrub(name)} names an address but no model", hint=f"write {scrub(base_url)}#MODEL")
        return OpenAICompatible(base_url, served)
    if not name.strip():
        raise UnknownModel("the model's name is empty", hint=f"write {FIRST_CHOICE}, for instance")
    return _live()


@cache
def _live() -> Live:
    return Live()


def local_weights(name: str) -> Weights:
    """The weights of a local model, named with or without `local/`."""
    short = name.removeprefix(LOCAL)
    if short not in WEIGHTS:
        close = difflib.get_close_matches(short, WEIGHTS, n=1, cutoff=0.4)
        raise UnknownModel(
            f"no local model named {short}" + (f"; did you mean {LOCAL}{close[0]}?" if close else ""),
            hint=f"local models: {', '.join(WEIGHTS)}",
        )
    return WEIGHTS[short]


# The default


def default_model() -> str:
    """BACKPROSE_MODEL, else what `set_default` stored, else the local model that needs no key."""
    if name := os.environ.get(SETTING):
        return name
    try:
        return str(json.loads(_settings_file().read_text())["model"])
    except (OSError, ValueError, KeyError):
        return FIRST_CHOICE


def set_default(name: str) -> None:
    """Store the default model's name in the user's configuration folder.

    Raises:
        UnknownModel: nothing answers to this name.
    """
    resolve(name)
    file = _settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"model": name}))


def _settings_file() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir("backprose")) / "settings.json"


# What is usable now


class ModelRow(BaseModel):
    """One line of `backprose model list`."""

    model_config = ConfigDict(frozen=True)

    name: str
    what: str
    usable: bool
    why_not: str = ""  # and what to do about it
    default: bool = False


def list_models() -> list[ModelRow]:
    """Every local model, the providers one may have a key for, and the default, with what is missing. No key is shown."""
    default = default_model()
    rows = [_local_row(weights, default) for weights in WEIGHTS.values()]
    rows += [_live_row(provider, key, default) for provider, key in LIVE_KEYS.items()]
    if not any(row.default for row in rows):
        rows.append(_other_row(default))
    return rows


def _local_row(weights: Weights, default: str) -> ModelRow:
    usable = weights.ready()
    return ModelRow(
        name=LOCAL + weights.name,
        what=f"{weights.what}, {weights.size / 1e9:.2g} GB",
        usable=usable,
        why_not="" if usable else f"weights missing: backprose model fetch {weights.name}",
        default=default == LOCAL + weights.name,
    )


def _live_row(provider: str, key: str, default: str) -> ModelRow:
    usable = bool(os.environ.get(key))
    is_default = default.startswith(f"{provider}/")
    return ModelRow(
        name=default if is_default else f"{provider}/MODEL",
        what=f"{provider} through LiteLLM",
        usable=usable,
        why_not="" if usable else f"{key} is not set",
        default=is_default,
    )


def _other_row(name: str) -> ModelRow:
    """The default, where it is neither local nor of a well-known provider."""
    try:
        provider = resolve(name)
    except UnknownModel as error:
        return ModelRow(name=scrub(name), what="unknown", usable=False, why_not=error.message, default=True)
    if not isinstance(provider, OpenAICompatible):
        return ModelRow(name=name, what="through LiteLLM", usable=True, default=True)
    why_not = _unreachable(provider.base_url)
    return ModelRow(
        name=scrub(name), what="OpenAI-compatible server", usable=not why_not, why_not=why_not, default=True
    )


def _unreachable(base_url: str) -> str:
    """Why nothing listens at an address, or nothing."""
    address = urlsplit(base_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=1.0).close()
    except OSError as error:
        return f"nothing listens at {address.hostname}:{port}: {error.strerror or error}"
    return ""
