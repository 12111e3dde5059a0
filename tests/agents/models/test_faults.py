"""A storm of failures: every call ends in a valid value or in a typed error."""

import asyncio
import random

from pydantic import BaseModel

from agents.models import Gateway, ModelError, ModelRequest, RateLimited, Scripted, ServerError, spent_by
from tests.agents.models.asking import ask
from tests.agents.models.memory_log import MemoryLog


class Answer(BaseModel):
    number: int


GOOD = '{"number": 42}'


def storm(luck: random.Random) -> Scripted:
    async def reply(request: ModelRequest) -> str | ModelError:
        if luck.random() > 0.5:
            return GOOD
        match luck.randrange(6):
            case 0:
                return RateLimited("429", retry_after=0.001)
            case 1:
                return ServerError("500")
            case 2:
                await asyncio.sleep(3600)
                return GOOD
            case 3:
                return " \n"
            case 4:
                return GOOD[: luck.randrange(1, len(GOOD))]
            case _:
                return '{"wrong": "schema"}'

    async def line(request: ModelRequest) -> str:
        said = await reply(request)
        if isinstance(said, ModelError):
            raise said
        return said

    return Scripted(line)


async def test_every_call_in_a_storm_ends_in_a_value_or_a_typed_error() -> None:
    log = MemoryLog()
    gateway = Gateway(
        log, providers={"scripted": storm(random.Random(1))}, deadline_s=0.05, attempts=3, backoff_s=0.001
    )
    ends = await asyncio.gather(
        *(gateway.structured(ask(f"question {i}"), Answer, at=f"q/{i}", purpose="act") for i in range(300)),
        return_exceptions=True,
    )
    assert all(isinstance(end, ModelError) or end == Answer(number=42) for end in ends)
    assert sum(isinstance(end, Answer) for end in ends) > 200
    assert {end.kind for end in ends if isinstance(end, ModelError)} <= {
        "rate_limited", "server_error", "timed_out", "empty_reply", "unparsable",
    }  # fmt: skip
    assert gateway.ledger.spent == spent_by(log.events.values())
    assert gateway.ledger.held.calls == 0


async def test_a_storm_replays_exactly() -> None:
    log = MemoryLog()

    async def run(gateway: Gateway) -> list[str]:
        asks = (gateway.structured(ask(f"{i}"), Answer, at=f"q/{i}", purpose="act") for i in range(60))
        return [repr(end) for end in await asyncio.gather(*asks, return_exceptions=True)]

    model = storm(random.Random(2))
    ends = await run(Gateway(log, providers={"scripted": model}, deadline_s=0.05, attempts=3, backoff_s=0.001))
    made = model.calls
    assert ends == await run(Gateway(log.again(), providers={"scripted": model}, replay=True))
    assert model.calls == made
