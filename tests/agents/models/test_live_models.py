"""The live paths, for real: LiteLLM and the openai client against llama.cpp's server on loopback."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import BaseModel, Field

from agents.models import (
    AuthFailed,
    BadRequest,
    Budget,
    BudgetExhausted,
    Gateway,
    ModelError,
    PriceUnknown,
    RateLimited,
    ToolDefinition,
    UnknownModel,
    Unreachable,
    resolve,
    spent_by,
)
from agents.models.local import LocalModel
from agents.models.weights import WEIGHTS
from tests.agents.models.asking import ask
from tests.agents.models.memory_log import MemoryLog

PRICED = "openai/gpt-4o-mini"  # LiteLLM's name and price; the address is ours


class Answer(BaseModel):
    zone: str = Field(max_length=12)
    bus: int


ADD = ToolDefinition(
    name="add",
    description="Add two numbers",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
)


@pytest.fixture(params=["litellm", "openai"])
def live(request: pytest.FixtureRequest, small: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A live model's name, answered by the local server through the client under test."""
    base_url = LocalModel(WEIGHTS[small.removeprefix("local/")]).base_url()
    if request.param == "openai":
        return f"{base_url}#any"
    monkeypatch.setenv("OPENAI_API_BASE", base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key-000000")
    return PRICED


@pytest.mark.local_model
async def test_a_live_model_answers_whole_and_streamed(live: str) -> None:
    gateway, said = Gateway(MemoryLog()), list[str]()
    whole = await gateway.call(ask("Count to five.", model=live, max_tokens=30), at="a", purpose="act")
    assert whole.usage.prompt_tokens > 5
    streamed = await Gateway(MemoryLog()).call(
        ask("Count to five.", model=live, max_tokens=30), at="a", purpose="act", on_text=said.append
    )
    assert len(said) > 3
    assert "".join(said) == streamed.text
    assert streamed.usage.prompt_tokens == whole.usage.prompt_tokens


@pytest.mark.local_model
async def test_a_live_model_answers_in_the_schema(live: str) -> None:
    request = ask("The zone is North and the bus is 7.", model=live, max_tokens=60)
    answer = await Gateway(MemoryLog()).structured(request, Answer, at="a", purpose="act")
    assert answer.bus == 7


@pytest.mark.local_model
async def test_a_live_model_calls_tools_whole_and_streamed(live: str) -> None:
    request = ask("What is 20 + 22? Use the tool.", model=live, max_tokens=80, tools=(ADD,))
    for on_text in (None, lambda text: None):
        reply = await resolve(live).complete(request, on_text)
        assert [tool.name for tool in reply.tool_requests] == ["add"]


@pytest.mark.local_model
async def test_a_live_call_costs_what_the_price_table_says_and_never_more_than_the_bound(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", LocalModel(WEIGHTS[small.removeprefix("local/")]).base_url())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key-000000")
    log = MemoryLog()
    gateway = Gateway(log, budget=Budget(usd=0.001))
    request = ask("Count to five.", model=PRICED, max_tokens=30)
    reply = await gateway.call(request, at="a", purpose="act")
    price = resolve(PRICED).price(PRICED)
    assert price is not None
    assert reply.usd == pytest.approx(
        reply.usage.prompt_tokens * price.prompt + reply.usage.completion_tokens * price.completion
    )
    assert reply.usage.prompt_tokens <= resolve(PRICED).prompt_bound(request)
    assert gateway.ledger.spent == spent_by(log.events.values())
    with pytest.raises(BudgetExhausted):
        await gateway.call(ask("More.", model=PRICED, max_tokens=5000), at="b", purpose="act")


async def test_a_budget_in_dollars_refuses_a_model_without_a_price() -> None:
    gateway = Gateway(MemoryLog(), budget=Budget(usd=1.0))
    with pytest.raises(PriceUnknown, match="price of openai/no-such-model is not known"):
        await gateway.call(ask("?", model="openai/no-such-model"), at="a", purpose="act")


# What providers answer when they do not answer


class Refusing(BaseHTTPRequestHandler):
    """A server that answers everything with the status in its path: /429/v1/chat/completions."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status = int(self.path.split("/")[1])
        words = b'{"error": {"message": "refused, key sk-abcdefghijklmnop1234", "type": "t", "code": null}}'
        body = b"no json" if status == 200 else words
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def name_at(client: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    if client == "openai":
        return f"{base_url}#m"
    monkeypatch.setenv("OPENAI_API_BASE", base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key-000000")
    return PRICED


@pytest.mark.parametrize("client", ["litellm", "openai"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, AuthFailed),
        (404, UnknownModel),
        (429, RateLimited),
        (500, ModelError),
        (200, ModelError),
    ],
)
async def test_a_refusal_is_a_typed_error_without_a_key(
    client: str, status: int, kind: type[ModelError], refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, log = name_at(client, f"{refusing}/{status}/v1", monkeypatch), MemoryLog()
    with pytest.raises(kind) as raised:
        await Gateway(log, attempts=1).call(ask("?", model=model), at="a", purpose="act")
    assert raised.value.transient == (status in (429, 500, 200))
    if status == 429:
        assert raised.value.retry_after == 7.0
    (event,) = log.model_calls()
    assert event.error is not None
    assert "sk-" not in event.error.message


@pytest.mark.parametrize("client", ["litellm", "openai"])
async def test_an_address_where_nobody_listens_is_unreachable(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = name_at(client, "http://127.0.0.1:9/v1", monkeypatch)
    with pytest.raises(Unreachable, match="cannot be reached"):
        await resolve(model).complete(ask("?", model=model), None)


async def test_a_name_litellm_cannot_place_is_unknown() -> None:
    with pytest.raises(UnknownModel):
        await resolve("some-model").complete(ask("?", model="some-model"), None)


def test_a_client_may_be_used_from_one_event_loop_after_another(refusing: str) -> None:
    model = f"{refusing}/400/v1#m"
    for _ in range(2):
        with pytest.raises(BadRequest):
            asyncio.run(resolve(model).complete(ask("?", model=model), None))
