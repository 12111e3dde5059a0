"""Every call is paid once, kept, and never made again."""

import asyncio
from collections.abc import Callable

import pytest

from agents.models import (
    Amount,
    BadRequest,
    Budget,
    BudgetExhausted,
    EmptyReply,
    Gateway,
    ModelError,
    ModelRequest,
    NotRecorded,
    Price,
    PriceUnknown,
    Provider,
    RateLimited,
    Scripted,
    ServerError,
    TimedOut,
    Truncated,
    UnknownModel,
    load_reply,
    load_request,
    spent_by,
)
from store.events import BudgetRefused
from tests.agents.models.asking import ask
from tests.agents.models.memory_log import MemoryLog


def door(log: MemoryLog, provider: Provider, **options: object) -> Gateway:
    return Gateway(log, providers={"scripted": provider}, **({"backoff_s": 0.001} | options))  # type: ignore[arg-type]


def in_turn(*lines: str | ModelError) -> Callable[[ModelRequest], str | ModelError]:
    left = iter(lines)
    return lambda request: next(left)


async def test_a_call_is_logged_with_its_request_reply_tokens_and_cost() -> None:
    log, price = MemoryLog(), Price(prompt=2e-6, completion=4e-6)
    await door(log, Scripted(lambda _: "four", price=price)).call(ask("12345678"), at="a", purpose="act")
    (event,) = log.model_calls()
    assert (event.prompt_tokens, event.completion_tokens, event.usd) == (2, 1, 8e-6)
    assert load_request(log.text, event.request) == ask("12345678")
    assert event.reply is not None
    assert load_reply(log.text, event.reply).text == "four"
    assert list(log.events) == ["a/model#0"]


async def test_a_reply_is_durable_before_it_is_handed_on() -> None:
    log = MemoryLog()
    await door(log, Scripted(lambda _: "yes")).call(ask("?"), at="a", purpose="act")
    assert log.flushes == 1


async def test_a_resumed_run_takes_recorded_replies_and_asks_only_for_the_rest() -> None:
    log, model = MemoryLog(), Scripted(lambda request: request.messages[0].content.upper())
    await door(log, model).call(ask("one"), at="a", purpose="act")
    resumed, again = log.again(), Scripted(lambda _: "two")
    resumed.memos = {}
    gateway = door(resumed, again)
    assert (await gateway.call(ask("one"), at="a", purpose="act")).text == "ONE"
    assert (await gateway.call(ask("other"), at="b", purpose="act")).text == "two"
    assert again.calls == 1


async def test_a_resumed_run_passes_recorded_failures_without_sleeping() -> None:
    log = MemoryLog()
    with pytest.raises(ServerError):
        await door(log, Scripted(lambda _: ServerError("down"))).call(ask("?"), at="a", purpose="act")
    model = Scripted(lambda _: "never asked")
    with pytest.raises(ServerError, match="down"):
        async with asyncio.timeout(1):
            await door(log.again(), model, backoff_s=100.0).call(ask("?"), at="a", purpose="act")
    assert model.calls == 0


async def test_a_run_killed_between_two_attempts_goes_on_with_the_next() -> None:
    log = MemoryLog()
    with pytest.raises(ServerError):
        await door(log, Scripted(lambda _: ServerError("down")), attempts=1).call(ask("?"), at="a", purpose="act")
    resumed = log.again()
    assert (await door(resumed, Scripted(lambda _: "up")).call(ask("?"), at="a", purpose="act")).text == "up"
    assert list(resumed.events) == ["a/model#1"]


async def test_a_replay_answers_from_the_log_and_asks_nobody() -> None:
    log = MemoryLog()
    first = door(log, Scripted(in_turn(RateLimited("slow down"), "done", BadRequest("no"))))
    await first.call(ask("one"), at="a", purpose="act")
    with pytest.raises(BadRequest):
        await first.call(ask("two"), at="b", purpose="act")
    model = Scripted(lambda _: "never asked")
    replayed = log.again()
    gateway = door(replayed, model, replay=True)
    assert (await gateway.call(ask("one"), at="a", purpose="act")).text == "done"
    with pytest.raises(BadRequest, match="no"):
        await gateway.call(ask("two"), at="b", purpose="act")
    assert model.calls == 0
    assert replayed.events == {}


async def test_a_replay_refuses_what_the_log_lacks_or_holds_for_another_request() -> None:
    log = MemoryLog()
    await door(log, Scripted(lambda _: "done")).call(ask("one"), at="a", purpose="act")
    gateway = door(log.again(), Scripted(lambda _: "never"), replay=True)
    with pytest.raises(NotRecorded, match="holds no call at b"):
        await gateway.call(ask("one"), at="b", purpose="act")
    with pytest.raises(NotRecorded, match="another request"):
        await gateway.call(ask("changed"), at="a", purpose="act")


async def test_a_replay_reproduces_a_refused_budget() -> None:
    log, model = MemoryLog(), Scripted(lambda _: "done")
    with pytest.raises(BudgetExhausted):
        await door(log, model, budget=Budget(calls=0)).call(ask("one"), at="a", purpose="act")
    assert log.events == {"a/budget#0": BudgetRefused(purpose="act", limit="calls", spent=0, needed=1, cap=0)}
    with pytest.raises(BudgetExhausted):
        await door(log.again(), model, replay=True, budget=Budget(calls=0)).call(ask("one"), at="a", purpose="act")


async def test_a_refused_call_stays_refused_in_its_run_and_is_made_by_a_continuation() -> None:
    log, model = MemoryLog(), Scripted(lambda _: "done")
    with pytest.raises(BudgetExhausted):
        await door(log, model, budget=Budget(calls=0)).call(ask("one"), at="a", purpose="act")
    with pytest.raises(BudgetExhausted, match="the budget of 0 calls"):
        await door(log.again(), model, budget=Budget(calls=1)).call(ask("one"), at="a", purpose="act")
    continuation = door(log.beside(), model, budget=Budget(calls=1))
    assert (await continuation.call(ask("one"), at="a", purpose="act")).text == "done"


async def test_another_run_pays_nothing_for_a_call_already_paid() -> None:
    log, model = MemoryLog(), Scripted(lambda _: "done", price=Price(prompt=1.0, completion=1.0))
    await door(log, model).call(ask("one"), at="a", purpose="act")
    other = log.beside()
    gateway = door(other, model, budget=Budget(calls=0))
    assert (await gateway.call(ask("one"), at="x", purpose="act")).text == "done"
    (event,) = other.model_calls()
    assert event.cached
    assert event.usd == 2.0  # what it would have cost
    assert gateway.ledger.spent == spent_by(other.events.values()) == Amount()
    assert model.calls == 1


async def test_identical_concurrent_calls_are_made_once() -> None:
    async def slowly(request: ModelRequest) -> str:
        await asyncio.sleep(0.01)
        return "done"

    log, model = MemoryLog(), Scripted(slowly)
    gateway = door(log, model)
    replies = await asyncio.gather(*(gateway.call(ask("same"), at=f"a{i}", purpose="act") for i in range(20)))
    assert {reply.text for reply in replies} == {"done"}
    assert model.calls == 1
    assert sum(not event.cached for event in log.model_calls()) == 1


async def test_when_the_first_of_identical_calls_is_cancelled_the_next_makes_it() -> None:
    started = asyncio.Event()

    async def reply(request: ModelRequest) -> str:
        if not started.is_set():
            started.set()
            await asyncio.sleep(3600)
        return "done"

    gateway = door(MemoryLog(), Scripted(reply))
    first = asyncio.create_task(gateway.call(ask("same"), at="a", purpose="act"))
    await started.wait()
    second = asyncio.create_task(gateway.call(ask("same"), at="b", purpose="act"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).text == "done"
    assert gateway.ledger.held == Amount()


async def test_a_cancelled_call_gives_its_reservation_back_as_spent_since_it_may_be_billed() -> None:
    async def hang(request: ModelRequest) -> str:
        await asyncio.sleep(3600)
        return ""

    gateway = door(MemoryLog(), Scripted(hang), budget=Budget(tokens=1000))
    call = asyncio.create_task(gateway.call(ask("1234", max_tokens=100), at="a", purpose="act"))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert gateway.ledger.held == Amount()
    assert gateway.ledger.spent.tokens == 101


async def test_transient_failures_are_tried_again_and_each_attempt_is_logged() -> None:
    log = MemoryLog()
    model = Scripted(in_turn(RateLimited("429"), ServerError("500"), "  ", "done"))
    assert (await door(log, model).call(ask("?"), at="a", purpose="act")).text == "done"
    kinds = [event.error.kind if event.error else None for event in log.model_calls()]
    assert kinds == ["rate_limited", "server_error", "empty_reply", None]
    assert [event.attempt for event in log.model_calls()] == [0, 1, 2, 3]


async def test_a_permanent_failure_is_raised_at_once() -> None:
    model = Scripted(lambda _: BadRequest("no"))
    with pytest.raises(BadRequest):
        await door(MemoryLog(), model).call(ask("?"), at="a", purpose="act")
    assert model.calls == 1


async def test_a_provider_that_says_when_to_come_back_is_taken_at_its_word() -> None:
    model = Scripted(in_turn(RateLimited("429", retry_after=0.05), "done"))
    started = asyncio.get_running_loop().time()
    await door(MemoryLog(), model).call(ask("?"), at="a", purpose="act")
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_nobody_waits_an_hour_for_a_provider() -> None:
    model = Scripted(lambda _: RateLimited("429", retry_after=3600.0))
    with pytest.raises(RateLimited):
        await door(MemoryLog(), model).call(ask("?"), at="a", purpose="act")
    assert model.calls == 1


async def test_a_hanging_provider_meets_its_deadline_and_is_charged_at_the_bound() -> None:
    async def hang(request: ModelRequest) -> str:
        await asyncio.sleep(3600)
        return ""

    log = MemoryLog()
    gateway = door(log, Scripted(hang), deadline_s=0.01, attempts=2)
    with pytest.raises(TimedOut, match=r"within 0\.01 s"):
        await gateway.call(ask("1234", max_tokens=9), at="a", purpose="act")
    assert gateway.ledger.spent == spent_by(log.events.values()) == Amount(2, 20)


async def test_blank_and_truncated_replies_are_typed_errors_that_are_paid_for_and_kept() -> None:
    log = MemoryLog()
    gateway = door(log, Scripted(lambda request: " " if request.seed else "too long " * 9), attempts=1)
    with pytest.raises(EmptyReply):
        await gateway.call(ask("?", seed=1), at="a", purpose="act")
    with pytest.raises(Truncated, match="cut off at 2 tokens") as raised:
        await gateway.call(ask("?", max_tokens=2), at="b", purpose="act")
    assert raised.value.reply is not None
    assert raised.value.reply.text == "too long"
    assert log.model_calls()[1].reply is not None
    assert gateway.ledger.spent == spent_by(log.events.values()) == Amount(2, 1 + 1 + 1 + 2)


async def test_a_provider_serves_no_more_calls_at_once_than_it_can() -> None:
    under_way = most = 0

    async def reply(request: ModelRequest) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return "done"

    model = Scripted(reply, concurrency=3)
    two_runs = [door(MemoryLog(), model), door(MemoryLog(), model)]
    await asyncio.gather(*(two_runs[i % 2].call(ask(str(i)), at=str(i), purpose="act") for i in range(20)))
    assert most == 3


async def test_text_streams_when_it_is_made_and_comes_whole_when_it_is_kept() -> None:
    log, model = MemoryLog(), Scripted(lambda _: "done")
    for run in (log, log.again(), log.beside()):
        said: list[str] = []
        await door(run, model).call(ask("?"), at="a", purpose="act", on_text=said.append)
        assert said == ["done"]
    assert model.calls == 1


async def test_no_secret_reaches_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "very-secret-value")
    words = "401 for very-secret-value, Authorization: Bearer abc.def-ghi, key sk-abcdefghijklmnop1234"
    log = MemoryLog()
    with pytest.raises(BadRequest) as raised:
        await door(log, Scripted(lambda _: BadRequest(words))).call(ask("?"), at="a", purpose="act")
    (event,) = log.model_calls()
    assert event.error is not None
    for said in (event.error.message, str(raised.value)):
        assert not any(secret in said for secret in ("very-secret", "abc.def", "sk-abc"))
    assert event.error.message.startswith("401 for ***")


async def test_an_unknown_model_is_a_recorded_failure() -> None:
    log = MemoryLog()
    with pytest.raises(UnknownModel, match=r"did you mean local/qwen2\.5-coder-1\.5b"):
        await Gateway(log).call(ask("?", model="local/qwen2.5-coder-1.5"), at="a", purpose="act")
    with pytest.raises(UnknownModel):
        await Gateway(log.again(), replay=True).call(ask("?", model="local/qwen2.5-coder-1.5"), at="a", purpose="act")


async def test_a_budget_in_dollars_needs_a_known_price() -> None:
    class Priceless(Scripted):
        def price(self, model: str) -> None:  # type: ignore[override]
            return None

    with pytest.raises(PriceUnknown, match="price of scripted is not known"):
        await door(MemoryLog(), Priceless(lambda _: "?"), budget=Budget(usd=1.0)).call(ask("?"), at="a", purpose="act")
    assert (await door(MemoryLog(), Priceless(lambda _: "fine")).call(ask("?"), at="a", purpose="act")).text == "fine"
