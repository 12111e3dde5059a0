"""No budget is ever exceeded, whoever calls at the same time, and dollars add up exactly."""

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.models import (
    Amount,
    Budget,
    BudgetExhausted,
    BudgetRefusal,
    Gateway,
    ModelRequest,
    Price,
    Scripted,
    spent_by,
)
from agents.models.ledger import Ledger, dollars
from tests.agents.models.asking import ask
from tests.agents.models.memory_log import MemoryLog

PRICE = Price(prompt=1.5e-7, completion=6e-7)
caps = st.builds(
    Budget,
    calls=st.none() | st.integers(0, 40),
    tokens=st.none() | st.integers(0, 4000),
    usd=st.none() | st.floats(0, 2e-3),
)


def within(spent: Amount, budget: Budget) -> bool:
    return (
        (budget.calls is None or spent.calls <= budget.calls)
        and (budget.tokens is None or spent.tokens <= budget.tokens)
        and (budget.usd is None or spent.usd <= dollars(budget.usd))
    )


@settings(max_examples=200, deadline=None)
@given(caps, st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 64))
def test_random_caps_hold_under_concurrent_callers(budget: Budget, seed: int, callers: int, concurrency: int) -> None:
    luck = random.Random(seed)
    log = MemoryLog()

    async def reply(request: ModelRequest) -> str:
        for _ in range(luck.randrange(3)):
            await asyncio.sleep(0)
            assert within(gateway.ledger.spent.plus(gateway.ledger.held), budget)
        return "word " * luck.randrange(1, 40)

    model = Scripted(reply, price=PRICE, concurrency=concurrency)
    gateway = Gateway(log, budget=budget, providers={"scripted": model})

    async def caller(i: int) -> bool:
        for turn in range(3):
            request = ask(f"{i} {turn} " + "x" * luck.randrange(200), max_tokens=luck.randrange(50, 100))
            try:
                await gateway.call(request, at=f"{i}/{turn}", purpose="act")
            except BudgetExhausted:
                return False
        return True

    async def everybody() -> list[bool]:
        return await asyncio.gather(*map(caller, range(callers)))

    finished = asyncio.run(everybody())
    assert within(gateway.ledger.spent, budget)
    assert gateway.ledger.held == Amount()
    assert gateway.ledger.spent == spent_by(log.events.values())
    if budget == Budget():
        assert all(finished)


async def test_a_refusal_says_which_limit_what_is_spent_and_what_was_needed() -> None:
    ledger = Ledger(Budget(tokens=100), spent=Amount(1, 80))
    with pytest.raises(BudgetRefusal, match="budget of 100 tokens is exhausted: 80 spent") as raised:
        await ledger.reserve(Amount(1, 21))
    refusal = raised.value
    assert (refusal.limit, refusal.spent, refusal.needed, refusal.cap) == ("tokens", 80, 21, 100)


async def test_a_reservation_waits_while_others_may_come_out_cheaper() -> None:
    ledger = Ledger(Budget(tokens=100))
    await ledger.reserve(Amount(1, 90))
    waiting = asyncio.create_task(ledger.reserve(Amount(1, 50)))
    await asyncio.sleep(0)
    assert not waiting.done()
    ledger.settle(Amount(1, 90), Amount(1, 40))
    await waiting
    assert (ledger.spent.tokens, ledger.held.tokens) == (40, 50)


async def test_a_waiting_reservation_is_refused_once_there_is_no_hope_for_it() -> None:
    ledger = Ledger(Budget(tokens=100))
    await ledger.reserve(Amount(1, 90))
    waiting = asyncio.create_task(ledger.reserve(Amount(1, 50)))
    await asyncio.sleep(0)
    ledger.settle(Amount(1, 90), Amount(1, 60))
    with pytest.raises(BudgetExhausted):
        await waiting


async def test_cancelling_the_first_in_the_queue_lets_the_next_through() -> None:
    ledger = Ledger(Budget(tokens=100))
    await ledger.reserve(Amount(1, 60))
    large = asyncio.create_task(ledger.reserve(Amount(1, 100)))
    small = asyncio.create_task(ledger.reserve(Amount(1, 40)))
    await asyncio.sleep(0)
    large.cancel()
    await small
    assert ledger.held == Amount(2, 100)


async def test_a_reservation_granted_to_a_caller_who_left_is_freed() -> None:
    ledger = Ledger(Budget(tokens=100))
    await ledger.reserve(Amount(1, 100))
    waiting = asyncio.create_task(ledger.reserve(Amount(1, 100)))
    await asyncio.sleep(0)
    ledger.settle(Amount(1, 100), Amount())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ledger.held == Amount()


async def test_a_resumed_run_keeps_the_budget_of_the_whole_run() -> None:
    log, model = MemoryLog(), Scripted(lambda _: "done")
    first = Gateway(log, providers={"scripted": model}, budget=Budget(calls=2))
    await first.call(ask("one"), at="a", purpose="act")
    spent = spent_by(log.events.values())
    second = Gateway(log.again(), providers={"scripted": model}, budget=Budget(calls=2), spent=spent)
    await second.call(ask("one"), at="a", purpose="act")
    await second.call(ask("two"), at="b", purpose="act")
    with pytest.raises(BudgetExhausted):
        await second.call(ask("three"), at="c", purpose="act")


@given(st.lists(st.integers(1, 10**6), max_size=50))
def test_dollars_add_up_exactly(tokens: list[int]) -> None:
    costs = [float(dollars(1.5e-7) * n) for n in tokens]
    assert sum(map(dollars, costs), Decimal(0)) == Decimal("1.5e-7") * sum(tokens)
