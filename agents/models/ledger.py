"""The ledger: money, tokens and calls are reserved before a call and settled after it, so that no cap is ever exceeded."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from agents.models.contract import BudgetExhausted, ModelError, ModelReply, Price
from store.events import Event, ModelCalled

Limit = Literal["calls", "tokens", "usd"]


class Budget(BaseModel):
    """What a run may spend; a limit left out is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int | None = Field(None, ge=0, description="Model calls, failed attempts included")
    tokens: int | None = Field(None, ge=0, description="Prompt and completion tokens together")
    usd: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars")


class Amount(NamedTuple):
    """Calls, tokens and exact US dollars."""

    calls: int = 0
    tokens: int = 0
    usd: Decimal = Decimal(0)

    def plus(self, other: "Amount") -> "Amount":
        return Amount(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)

    def minus(self, other: "Amount") -> "Amount":
        return Amount(self.calls - other.calls, self.tokens - other.tokens, self.usd - other.usd)


UNLIMITED = Budget(calls=None, tokens=None, usd=None)
NOTHING = Amount()


def dollars(value: float) -> Decimal:
    """The decimal number that a float was written as: 0.1 is one tenth, so sums of prices are exact."""
    return Decimal(repr(value)) if value else Decimal(0)


def cost(price: Price, prompt_tokens: int, completion_tokens: int) -> Decimal:
    """US dollars for so many tokens."""
    if not (price.prompt or price.completion):
        return Decimal(0)
    return dollars(price.prompt) * prompt_tokens + dollars(price.completion) * completion_tokens


def spent_on(outcome: ModelReply | ModelError) -> Amount:
    """What one attempt cost: a failed one may have been paid for all the same."""
    tokens = outcome.usage.total if outcome.usage else 0
    return Amount(1, tokens, dollars(outcome.usd))


def spent_by(events: Iterable[Event]) -> Amount:
    """What a run's recorded calls spent: the sum over its `ModelCalled` events that were not served from a cache."""
    total = NOTHING
    for event in events:
        if isinstance(event, ModelCalled) and not event.cached:
            total = total.plus(Amount(1, event.prompt_tokens + event.completion_tokens, dollars(event.usd)))
    return total


@dataclass
class _Waiter:
    need: Amount
    granted: asyncio.Future[None]


class Ledger:
    """One run's account. `spent + held` never exceeds the budget, whoever calls at the same time.

    A reservation that does not fit now, but would if those held came out cheaper than their bounds, waits its turn;
    one that cannot fit any more is refused with `BudgetExhausted`.
    """

    def __init__(self, budget: Budget, spent: Amount = NOTHING) -> None:
        self.budget = budget
        self.spent = spent
        self.held = NOTHING
        self._caps = (budget.calls, budget.tokens, None if budget.usd is None else dollars(budget.usd))
        self._queue: deque[_Waiter] = deque()

    async def reserve(self, need: Amount) -> None:
        """Hold `need`, an upper bound on what a call will spend, until it is settled.

        Raises:
            BudgetExhausted: what is already spent leaves no room for it; `limit`, `spent` and `needed` say why.
        """
        self._refuse_if_hopeless(need)
        if not self._queue and self._fits(need):
            self.held = self.held.plus(need)
            return
        waiter = _Waiter(need, asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled() and waiter.granted.exception() is None:
                self.settle(need, NOTHING)
            else:
                self._serve_queue()
            raise

    def settle(self, need: Amount, actual: Amount) -> None:
        """Turn a reservation into what was really spent."""
        self.held = self.held.minus(need)
        self.spent = self.spent.plus(actual)
        self._serve_queue()

    def _serve_queue(self) -> None:
        """Grant or refuse waiting reservations in the order they came, until one must wait on."""
        while self._queue:
            waiter = self._queue[0]
            if not waiter.granted.done():
                try:
                    self._refuse_if_hopeless(waiter.need)
                except BudgetExhausted as refusal:
                    waiter.granted.set_exception(refusal)
                else:
                    if not self._fits(waiter.need):
                        return
                    self.held = self.held.plus(waiter.need)
                    waiter.granted.set_result(None)
            self._queue.popleft()

    def _fits(self, need: Amount) -> bool:
        return self._lacking(self.spent.plus(self.held), need) is None

    def _refuse_if_hopeless(self, need: Amount) -> None:
        limit = self._lacking(self.spent, need)
        if limit is None:
            return
        spent, needed, cap = (getattr(amount, limit) for amount in (self.spent, need, self.budget))
        raise BudgetRefusal(limit, spent=spent, needed=needed, cap=cap)

    def _lacking(self, taken: Amount, need: Amount) -> Limit | None:
        """The first limit that `need` on top of `taken` would break."""
        calls, tokens, usd = self._caps
        if calls is not None and taken.calls + need.calls > calls:
            return "calls"
        if tokens is not None and taken.tokens + need.tokens > tokens:
            return "tokens"
        if usd is not None and taken.usd + need.usd > usd:
            return "usd"
        return None


class BudgetRefusal(BudgetExhausted):
    """`BudgetExhausted` with its facts: which limit, its cap, what is spent, and what the refused call might need."""

    def __init__(self, limit: Limit, *, spent: float | Decimal, needed: float | Decimal, cap: float) -> None:
        super().__init__(
            f"the budget of {cap:g} {limit} is exhausted: {float(spent):g} spent, and the next call may need {float(needed):g}",
            hint=f"raise the limit on {limit} and resume the run",
        )
        self.limit = limit
        self.spent = spent
        self.needed = needed
        self.cap = cap
