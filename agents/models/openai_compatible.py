"""Models behind any OpenAI-compatible address (vLLM, Ollama, llama.cpp, ...), named `http://HOST:PORT/v1#MODEL`."""

import asyncio
import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from agents.models.contract import ModelReply, ModelRequest, Price
from agents.models.failures import failure_of
from agents.models.wire import Assembler, chat_reply, chat_request, prompt_bytes

KEY = "BACKPROSE_API_KEY"  # sent to such addresses; a provider's own key never is


class OpenAICompatible:
    """A server of one's own: it has no price; a `Provider`."""

    def __init__(self, base_url: str, served_model: str, *, concurrency: int = 8) -> None:
        self.base_url = base_url
        self.served_model = served_model
        self.concurrency = concurrency
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    def price(self, model: str) -> Price:
        return Price()

    def prompt_bound(self, request: ModelRequest) -> int:
        return prompt_bytes(request)

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None] | None) -> ModelReply:
        body = chat_request(request) | {"model": self.served_model}
        completions = self._client().chat.completions
        try:
            if on_text is None:
                return chat_reply(request, (await completions.create(**body)).model_dump())
            assembler = Assembler()
            stream = await completions.create(**body, stream=True, stream_options={"include_usage": True})
            async with stream:
                async for chunk in stream:
                    if added := assembler.add(chunk.model_dump()):
                        on_text(added)
            return assembler.reply(request)
        except Exception as error:
            raise failure_of(request.model, error) from None

    def _client(self) -> Any:
        """The client of this event loop: its connections cannot be used from another."""
        from openai import AsyncOpenAI

        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # the gateway has the retries and the deadline
            self._clients[loop] = AsyncOpenAI(
                base_url=self.base_url, api_key=os.environ.get(KEY, "none"), max_retries=0, timeout=None
            )
        return self._clients[loop]
