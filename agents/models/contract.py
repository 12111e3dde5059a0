"""What passes through the door to language models: requests, replies, prices, providers and typed errors."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolRequest(_Frozen):
    """A model asks for a tool: `arguments` is the JSON text it wrote, unparsed."""

    id: str
    name: str
    arguments: str


class Message(_Frozen):
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_requests: tuple[ToolRequest, ...] = ()  # assistant only
    tool_request_id: str = ""  # tool only: which request this answers


class ToolDefinition(_Frozen):
    name: str
    description: str
    parameters: dict[str, Any]  # JSON schema


class ModelRequest(_Frozen):
    """Everything that determines a reply. Two requests with equal `key()` are the same call."""

    model: str
    messages: tuple[Message, ...]
    answer_schema: dict[str, Any] | None = None  # JSON schema the reply must satisfy; key order is kept
    tools: tuple[ToolDefinition, ...] = ()
    temperature: float = 0.0
    seed: int = 0
    max_tokens: int = 512

    def key(self) -> str:
        """Content hash of the request (32 hex digits)."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Usage(_Frozen):
    prompt_tokens: int
    completion_tokens: int

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class ModelReply(_Frozen):
    text: str
    tool_requests: tuple[ToolRequest, ...] = ()
    finish: Literal["stop", "length", "tool_calls"] = "stop"
    usage: Usage
    usd: float = 0.0


class Price(_Frozen):
    """US dollars per token."""

    prompt: float = 0.0
    completion: float = 0.0


class Provider(Protocol):
    """One way to reach models. It makes one attempt per call; caching, budget, deadline and retries are the gateway's."""

    concurrency: int  # calls it can serve at once

    def price(self, model: str) -> Price | None:
        """What a token costs; None when nobody knows."""
        ...

    def prompt_bound(self, request: ModelRequest) -> int:
        """An upper bound on the prompt's tokens, cheap to compute."""
        ...

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None] | None) -> ModelReply:
        """One attempt. Calls `on_text` with each new piece of text when given. Raises `ModelError` subclasses only."""
        ...


class ModelError(Exception):
    """A model call that gave no usable reply. `kind` names why; `transient` says whether trying again may help."""

    kind: ClassVar[str] = "model_error"
    transient: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retry_after: float | None = None,
        usage: Usage | None = None,
        usd: float = 0.0,
        reply: ModelReply | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = retry_after  # seconds, when the provider said so
        self.usage = usage  # tokens spent all the same (a truncated or blank reply is paid for)
        self.usd = usd
        self.reply = reply  # what came all the same


class EmptyReply(ModelError):
    kind = "empty_reply"
    transient = True


class Truncated(ModelError):
    kind = "truncated"


class Unparsable(ModelError):
    """The reply does not satisfy the requested schema, after one repair."""

    kind = "unparsable"


class RateLimited(ModelError):
    kind = "rate_limited"
    transient = True


class ServerError(ModelError):
    kind = "server_error"
    transient = True


class TimedOut(ModelError):
    kind = "timed_out"
    transient = True


class Unreachable(ModelError):
    kind = "unreachable"
    transient = True


class AuthFailed(ModelError):
    kind = "auth_failed"


class BadRequest(ModelError):
    kind = "bad_request"


class UnknownModel(ModelError):
    kind = "unknown_model"


class WeightsMissing(ModelError):
    """A local model's weights are not on this machine, or could not be brought here."""

    kind = "weights_missing"


class BudgetExhausted(ModelError):
    kind = "budget_exhausted"


class PriceUnknown(ModelError):
    """A budget in dollars cannot be kept for a model whose price nobody knows."""

    kind = "price_unknown"


class NotRecorded(ModelError):
    """A replay met a call that the log does not hold."""

    kind = "not_recorded"


# They end the run, whoever meets them: nothing may stand in for the missing reply.
FATAL = (BudgetExhausted, NotRecorded)
