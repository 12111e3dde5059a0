"""The real local model: what its server promises, kept."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from agents.models import (
    BadRequest,
    Gateway,
    Message,
    ModelRequest,
    ToolDefinition,
    ToolRequest,
    WeightsMissing,
    load_request,
    resolve,
)
from agents.models.local import LocalModel, serve
from agents.models.structured import schema_of
from agents.models.weights import WEIGHTS
from tests.agents.models.asking import ask
from tests.agents.models.memory_log import MemoryLog

pytestmark = pytest.mark.local_model


class Place(BaseModel):
    zone: str = Field(max_length=12)
    city: Literal["Basel", "Bern"]
    bus: int = Field(ge=1, le=300)
    lines: list[Literal[3, 5, 7]] = Field(max_length=2)
    again: bool = False


ADD = ToolDefinition(
    name="add",
    description="Add two numbers",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
)


async def test_even_a_tiny_model_answers_in_the_schema_and_in_its_order(tiny: str) -> None:
    log = MemoryLog()
    await Gateway(log).structured(ask("Where?", model=tiny, max_tokens=120), Place, at="a", purpose="act")
    request = load_request(log.text, log.model_calls()[0].request)
    reply = await resolve(tiny).complete(request, None)
    written = Place.model_validate_json(reply.text)
    assert "\n" not in reply.text
    places = [reply.text.index(f'"{name}"') for name in schema_of(Place)["properties"]]
    assert places == sorted(places)
    assert written.city in ("Basel", "Bern")


class Wide(BaseModel):
    """Much of what pydantic can say about a field."""

    load: float = Field(ge=0.5, le=2.0)
    count: int = Field(gt=3, lt=6)
    name: str = Field(pattern="^[a-z]{3,5}$")
    maybe: bool | None
    either: Literal["a", "b"] | None
    nested: list[Place] = Field(min_length=1, max_length=1)
    pair: tuple[Literal[1, 2], Literal["x"]]


async def test_the_grammar_keeps_what_pydantic_asks_for(tiny: str) -> None:
    request = ask("Anything.", model=tiny, max_tokens=150, answer_schema=schema_of(Wide), temperature=1.0)
    replies = [await resolve(tiny).complete(request.model_copy(update={"seed": seed}), None) for seed in range(2)]
    whole = [reply for reply in replies if reply.finish == "stop"]
    assert whole
    for reply in whole:
        Wide.model_validate_json(reply.text)


async def test_the_same_request_gets_the_same_reply_at_temperature_zero_and_with_a_seed(tiny: str) -> None:
    for temperature in (0.0, 0.8):
        request = ask("Tell a story.", model=tiny, max_tokens=12, temperature=temperature, seed=7)
        # the first also computes the prompt, in a larger batch, whose rounding may differ in the last bit
        _, first, second = [(await resolve(tiny).complete(request, None)).text for _ in range(3)]
        assert first == second


async def test_text_streams_in_pieces_that_join_to_the_reply(tiny: str) -> None:
    said: list[str] = []
    reply = await resolve(tiny).complete(ask("Count to ten.", model=tiny, max_tokens=12), said.append)
    assert len(said) > 3
    assert "".join(said) == reply.text
    assert reply.finish == "length"


async def test_the_prompt_bound_is_never_below_the_prompt(tiny: str, small: str) -> None:
    for model, tools in ((tiny, ()), (small, ()), (small, (ADD,))):
        for words in ("hi", "Zürich 🔌⚡ " * 4, '{"a": [1, 2]}\n\n\t' * 4):
            messages = (Message(role="system", content=words), Message(role="user", content=words))
            request = ModelRequest(model=model, messages=messages, tools=tools, max_tokens=1)
            reply = await resolve(model).complete(request, None)
            assert 0 < reply.usage.prompt_tokens <= resolve(model).prompt_bound(request)


async def test_a_model_does_not_block_the_event_loop(tiny: str) -> None:
    ticks = 0

    async def clock() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(clock())
    await resolve(tiny).complete(ask("Tell a long story.", model=tiny, max_tokens=40), None)
    ticking.cancel()
    assert ticks > 10


async def test_a_model_stops_when_nobody_waits_any_more(tiny: str) -> None:
    model = resolve(tiny)
    await model.complete(ask("warm", model=tiny, max_tokens=1), None)
    long = asyncio.create_task(model.complete(ask("Write 1000 words.", model=tiny, max_tokens=4000), None))
    await asyncio.sleep(0.2)
    long.cancel()
    started = time.monotonic()
    await model.complete(ask("warm", model=tiny, max_tokens=1), None)
    assert time.monotonic() - started < 8  # four thousand tokens take twenty seconds and more


async def test_concurrent_requests_are_all_served(tiny: str) -> None:
    asks = [ask(f"Say {i}.", model=tiny, max_tokens=4) for i in range(8)]
    replies = await asyncio.gather(*(resolve(tiny).complete(request, None) for request in asks))
    assert all(reply.usage.completion_tokens > 0 for reply in replies)


async def test_a_prompt_that_is_too_long_and_a_tool_without_a_schema_are_bad_requests(tiny: str, small: str) -> None:
    with pytest.raises(BadRequest, match="exceeds the available context") as raised:
        await resolve(tiny).complete(ask("word " * 20_000, model=tiny), None)
    assert "shorten the prompt" in raised.value.hint
    with pytest.raises(BadRequest, match="refused the request"):
        bogus = ToolDefinition(name="add", description="", parameters={"type": "bogus"})
        await resolve(small).complete(ask("?", model=small, tools=(bogus,)), None)


async def test_a_small_model_calls_a_tool_and_reads_its_result(small: str) -> None:
    question = Message(role="user", content="What is 20 + 22? Use the tool.")
    request = ModelRequest(model=small, messages=(question,), tools=(ADD,), max_tokens=80)
    reply = await resolve(small).complete(request, None)
    assert reply.finish == "tool_calls"
    assert reply.tool_requests[0].name == "add"
    asked = ToolRequest(id="1", name="add", arguments='{"a": 20, "b": 22}')
    talk = (
        question,
        Message(role="assistant", content="", tool_requests=(asked,)),
        Message(role="tool", content="43.5", tool_request_id="1"),  # as no sum that the model knows by heart
        Message(role="user", content="What did the tool say?"),
    )
    answer = await resolve(small).complete(ModelRequest(model=small, messages=talk, max_tokens=30), None)
    assert "43.5" in answer.text


async def test_a_process_starts_one_server_per_model(tiny: str) -> None:
    weights = WEIGHTS["smollm2-135m"]
    assert serve(weights.path()) is serve(weights.path())
    assert LocalModel(weights).base_url() == LocalModel(weights).base_url()


async def test_missing_weights_say_which_command_brings_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissing) as raised:
        await resolve("local/smollm2-135m").complete(ask("?"), None)
    assert raised.value.hint == "run: backprose model fetch smollm2-135m"


def test_a_process_that_used_a_model_ends_promptly_and_quietly(tiny: str) -> None:
    program = (
        "import asyncio; from agents.models import *;"
        f"r = ModelRequest(model={tiny!r}, messages=(Message(role='user', content='hi'),), max_tokens=3);"
        "print(bool(asyncio.run(resolve(r.model).complete(r, None)).text)); import time; print(time.time())"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    answered, ended = result.stdout.split()
    assert answered == "True"
    assert time.time() - float(ended) < 8
    assert result.stderr == ""
