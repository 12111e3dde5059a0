"""What a provider's refusal means: from an HTTP status to the typed error a caller can act on."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from agents.models.contract import (
    AuthFailed,
    BadRequest,
    ModelError,
    RateLimited,
    ServerError,
    TimedOut,
    UnknownModel,
    Unreachable,
)

NOT_REACHED = "check the address and the network"


def failure(model: str, status: int, words: str, headers: Mapping[str, str] | None = None) -> ModelError:
    """The typed error for an HTTP status."""
    said = f"{model} answered {status}: {_brief(words)}"
    if status in (401, 403):
        return AuthFailed(said, hint="check the provider's API key in the environment")
    if status == 404 or "LLM Provider NOT provided" in words:
        return UnknownModel(
            said, hint="check the model's name: PROVIDER/MODEL, local/NAME or http://HOST:PORT/v1#MODEL"
        )
    if status == 429:
        return RateLimited(said, retry_after=retry_after(headers or {}))
    if status in (408, 504):
        return TimedOut(said)
    if words.endswith("Connection error."):  # LiteLLM's words for it, which it calls a 500
        return Unreachable(f"{model} cannot be reached", hint=NOT_REACHED)
    if status >= 500:
        return ServerError(said, retry_after=retry_after(headers or {}))
    too_long = "context" in words.lower() and ("exceed" in words.lower() or "maximum" in words.lower())
    return BadRequest(said, hint="shorten the prompt or use a model with a longer context" if too_long else "")


def failure_of(model: str, error: Exception) -> ModelError:
    """The typed error for an exception of the openai client, or of LiteLLM, whose exceptions derive from it."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return TimedOut(f"{model} did not answer in time")
    if isinstance(error, openai.APIStatusError):
        return failure(model, error.status_code, error.message, _headers(error))
    if isinstance(error, openai.APIConnectionError):
        reason = error.__cause__ or error
        return Unreachable(
            f"{model} cannot be reached: {_brief(str(reason))}", hint="check the address and the network"
        )
    return ServerError(
        f"{model} gave an answer that is no chat completion: {type(error).__name__}: {_brief(str(error))}"
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from a `retry-after` header, which holds seconds or a date (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after") or headers.get("Retry-After")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except ValueError:
        return None


def _headers(error: Any) -> Mapping[str, str]:
    """LiteLLM puts a made-up response into its exceptions and the real headers beside it."""
    headers: Mapping[str, str] = getattr(error, "litellm_response_headers", None) or error.response.headers
    return headers


def _brief(words: str, most: int = 300) -> str:
    words = " ".join(words.split())
    return words if len(words) <= most else f"{words[:most]}…"
