"""Models behind a provider's API, under the name LiteLLM gives them (`openai/gpt-4o-mini`, `anthropic/claude-...`, ...).

LiteLLM is imported by the first call, never before, and without asking the network for prices.
"""

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from agents.models.contract import ModelReply, ModelRequest, Price
from agents.models.failures import failure_of
from agents.models.ledger import cost
from agents.models.wire import Assembler, Body, chat_reply, chat_request, prompt_bytes

_PLAIN = {
    "num_retries": 0,  # the gateway has the retries
    "max_retries": 0,
    "drop_params": True,  # what a provider lacks (a seed) is left out
    "_skip_mcp_handler": True,  # tools are called by agents, and this handler needs a package of its own
}
# Strict decoding at the providers refuses these; the answer's own validation still enforces them.
_NOT_STRICT = frozenset({"minLength", "maxLength", "uniqueItems", "propertyNames", "minProperties", "maxProperties"})
_NAMED_SCHEMAS = frozenset({"properties", "$defs"})


@cache
def _litellm() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # every failure is raised, and kept in the run's log
    return litellm


class Live:
    """Any model LiteLLM knows; a `Provider`."""

    def __init__(self, *, concurrency: int = 8) -> None:
        self.concurrency = concurrency

    def price(self, model: str) -> Price | None:
        """Dollars per token from LiteLLM's table; None for a model that is not in it."""
        try:
            info = _litellm().get_model_info(model)
        except Exception:  # LiteLLM raises a bare Exception for a model it has no price for
            return None
        return Price(prompt=info["input_cost_per_token"] or 0.0, completion=info["output_cost_per_token"] or 0.0)

    def prompt_bound(self, request: ModelRequest) -> int:
        schema = (
            len(str(request.answer_schema).encode()) if request.answer_schema else 0
        )  # some providers prompt with it
        return prompt_bytes(request) + 2 * schema

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None] | None) -> ModelReply:
        reply = await self._complete(request, on_text)
        price = self.price(request.model) or Price()
        usd = cost(price, reply.usage.prompt_tokens, reply.usage.completion_tokens)
        return reply.model_copy(update={"usd": float(usd)})

    async def _complete(self, request: ModelRequest, on_text: Callable[[str], None] | None) -> ModelReply:
        litellm = _litellm()
        body = _strict(chat_request(request)) | {"model": request.model, **_PLAIN}
        try:
            if on_text is None:
                return chat_reply(request, (await litellm.acompletion(**body)).model_dump())
            assembler = Assembler()
            async for chunk in await litellm.acompletion(**body, stream=True, stream_options={"include_usage": True}):
                if added := assembler.add(chunk.model_dump()):
                    on_text(added)
            return assembler.reply(request)
        except Exception as error:
            raise failure_of(request.model, error) from None


def _strict(body: Body) -> Body:
    if "response_format" in body:
        answer = body["response_format"]["json_schema"]
        answer["schema"] = _decodable(answer["schema"])
    return body


def _decodable(schema: Any) -> Any:
    """The schema without the words that strict decoding refuses."""
    if isinstance(schema, list):
        return [_decodable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: {name: _decodable(inner) for name, inner in value.items()}
        if word in _NAMED_SCHEMAS
        else _decodable(value)
        for word, value in schema.items()
        if word not in _NOT_STRICT
    }
