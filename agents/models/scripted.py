"""A scripted model: a function plays the language model, for tests and for measuring the engine itself."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable

from agents.models.contract import ModelError, ModelReply, ModelRequest, Price, Usage
from agents.models.ledger import cost

FREE = Price()
Line = str | ModelReply | ModelError
Script = Callable[[ModelRequest], Line | Awaitable[Line]]


def count_tokens(text: str) -> int:
    """The scripted tokenizer: four characters are a token, and an empty text is none."""
    return (len(text) + 3) // 4


class Scripted:
    """A provider whose replies come from a function.

    A text becomes a whole reply, a `ModelError` is raised, a `ModelReply` is given as it is, an awaitable is awaited. A text
    that needs more than `max_tokens` is cut there, as a real model's would be.

    Args:
        reply: Plays the model.
        price: Dollars per token; free when left out.
        concurrency: Calls it serves at once.
    """

    def __init__(self, reply: Script, *, price: Price = FREE, concurrency: int = 10_000) -> None:
        self.concurrency = concurrency
        self.calls = 0  # attempts made so far
        self._reply = reply
        self._price = price

    def price(self, model: str) -> Price:
        return self._price

    def prompt_bound(self, request: ModelRequest) -> int:
        """Exactly the prompt's tokens: contents only, whatever the schema and the tools."""
        return sum(count_tokens(message.content) for message in request.messages)

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None] | None) -> ModelReply:
        self.calls += 1
        line = self._reply(request)
        if isawaitable(line):
            line = await line
        if isinstance(line, ModelError):
            raise line
        reply = line if isinstance(line, ModelReply) else self._say(line, request)
        if on_text:
            on_text(reply.text)
        return reply

    def _say(self, text: str, request: ModelRequest) -> ModelReply:
        spoken = text[: 4 * request.max_tokens]
        usage = Usage(prompt_tokens=self.prompt_bound(request), completion_tokens=count_tokens(spoken))
        return ModelReply(
            text=spoken,
            finish="stop" if spoken == text else "length",
            usage=usage,
            usd=float(cost(self._price, usage.prompt_tokens, usage.completion_tokens)),
        )
