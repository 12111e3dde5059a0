"""The gateway: every call to a language model passes here, is paid once, kept in the log, and never made again.

The order of a call: what this run recorded -> what any run paid for already -> an identical call under way -> reserve the
budget -> a free slot at the provider -> deadline -> the provider -> settle -> write and make durable -> hand the reply on.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import TypeVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ValidationError

from agents.models.contract import (
    EmptyReply,
    Message,
    ModelError,
    ModelReply,
    ModelRequest,
    NotRecorded,
    Price,
    PriceUnknown,
    Provider,
    TimedOut,
    Truncated,
    Unparsable,
    Usage,
)
from agents.models.ledger import NOTHING, UNLIMITED, Amount, Budget, BudgetRefusal, Ledger, cost, spent_on
from agents.models.names import resolve
from agents.models.record import keep_reply, keep_request, load_reply
from agents.models.scrub import scrub
from agents.models.structured import complaint, parse, schema_of
from store.events import BudgetRefused, ErrorInfo, ModelCalled
from store.log import RunLog

Answer = TypeVar("Answer", bound=BaseModel)
OnText = Callable[[str], None]

LONGEST_ANSWER = 8192  # tokens a truncated structured answer may be given at its second try
LONGEST_PAUSE_S = 60.0

_slots: "WeakKeyDictionary[asyncio.AbstractEventLoop, WeakKeyDictionary[Provider, asyncio.Semaphore]]" = (
    WeakKeyDictionary()
)


@dataclass(frozen=True)
class _Ask:
    """One attempt at one call: what is asked, and where it stands in the run."""

    request: ModelRequest
    call: str
    at: str
    attempt: int
    purpose: str
    on_text: OnText | None

    @property
    def key(self) -> str:
        return f"{self.at}/model#{self.attempt}"


class Gateway:
    """The one door to language models for one run.

    Args:
        log: The run's log; what it recorded is not asked again.
        budget: What the run may spend in all.
        spent: What earlier executions of the same run spent (`spent_by(events)`), so that a resumed run keeps its budget.
        providers: Providers handed in by name; any other name goes through `names.resolve`.
        deadline_s: Seconds one attempt may take once the provider is free for it.
        attempts: How often a call is tried while its errors are transient.
        backoff_s: Pause before the second attempt in seconds; it doubles with each further one.
        replay: Answer from the log alone; a call that the log does not hold is `NotRecorded`.
    """

    def __init__(
        self,
        log: RunLog,
        *,
        budget: Budget = UNLIMITED,
        spent: Amount = NOTHING,
        providers: Mapping[str, Provider] | None = None,
        deadline_s: float = 300.0,
        attempts: int = 4,
        backoff_s: float = 1.0,
        replay: bool = False,
    ) -> None:
        self.log = log
        self.ledger = Ledger(budget, spent)
        self.deadline_s = deadline_s
        self.attempts = attempts
        self.backoff_s = backoff_s
        self.replay = replay
        self._providers = dict(providers or {})
        self._flights: dict[str, asyncio.Future[ModelReply | None]] = {}

    def on(self, log: RunLog) -> "Gateway":
        """The same door, with the same ledger, for a part of the run that keeps a log of its own."""
        part = copy(self)
        part.log = log
        return part

    async def call(self, request: ModelRequest, *, at: str, purpose: str, on_text: OnText | None = None) -> ModelReply:
        """One reply, tried again while its errors are transient.

        Args:
            request: What is asked.
            at: The call's place in the run, the same on every execution; unique in the run.
            purpose: Why it is asked, in a word (`plan`, `act`, `judge`, ...).
            on_text: Called with each new piece of text, or once with the whole text when nothing had to be asked.

        Raises:
            ModelError: a subclass that says why there is no usable reply.
        """
        call = request.key()
        failure: ModelError | None = None
        for attempt in count():
            ask = _Ask(request, call, at, attempt, purpose, on_text)
            recorded = self.log.find(ask.key)
            if isinstance(recorded, ModelCalled):
                outcome = self._recall(ask, recorded)
            elif refused := self._refused(ask):
                raise refused
            elif self.replay:
                raise failure or NotRecorded(
                    f"the log holds no call at {ask.key}", hint="resume the run to make the calls that it lacks"
                )
            elif failure and attempt >= self.attempts:
                raise failure
            else:
                outcome = await self._try(ask)
            if isinstance(outcome, ModelReply):
                return outcome
            if not outcome.transient:
                raise outcome
            failure = outcome
            if recorded is None and attempt + 1 < self.attempts:
                await asyncio.sleep(self._pause(ask, failure))
        raise AssertionError("count() never ends")

    async def structured(self, request: ModelRequest, answer: type[Answer], *, at: str, purpose: str) -> Answer:
        """One reply as an instance of a pydantic model.

        A truncated reply is asked for once more with twice the room; one that does not satisfy the model is shown to its
        author once, with what is wrong.

        Raises:
            Unparsable: the repaired reply does not satisfy the model either.
            ModelError: another subclass that says why there is no usable reply.
        """
        if request.answer_schema is None:
            request = request.model_copy(update={"answer_schema": schema_of(answer)})
        reply = await self._call_whole(request, at=at, purpose=purpose)
        try:
            return parse(reply.text, answer)
        except ValidationError as problem:
            repair = _ask_for_repair(request, reply.text, complaint(problem))
        reply = await self._call_whole(repair, at=f"{at}/repair", purpose=purpose)
        try:
            return parse(reply.text, answer)
        except ValidationError as problem:
            raise Unparsable(
                f"{request.model} gave no valid {answer.__name__}, also when shown its mistake: {complaint(problem)}",
                hint="use a larger model, or a simpler answer",
                reply=reply,
            ) from None

    async def _call_whole(self, request: ModelRequest, *, at: str, purpose: str) -> ModelReply:
        try:
            return await self.call(request, at=at, purpose=purpose)
        except Truncated:
            room = min(2 * request.max_tokens, LONGEST_ANSWER)
            if room <= request.max_tokens:
                raise
            longer = request.model_copy(update={"max_tokens": room})
            return await self.call(longer, at=f"{at}/longer", purpose=purpose)

    def _recall(self, ask: _Ask, event: ModelCalled) -> ModelReply | ModelError:
        """What this run recorded. A resumed run trusts its log; a replay insists that the request is the same."""
        if self.replay and event.call != ask.call:
            raise NotRecorded(
                f"{ask.key} was recorded for another request than the one now made",
                hint="replay with the code and the graph that made the run, or fork it",
            )
        self.log.emit(ask.key, event)
        if event.error is not None:
            return _recorded_error(event)
        return self._hand_over(ask, event)

    def _refused(self, ask: _Ask) -> BudgetRefusal | None:
        """The refusal that this run recorded instead of the attempt."""
        event = self.log.find(_refusal_key(ask))
        if not isinstance(event, BudgetRefused):
            return None
        self.log.emit(_refusal_key(ask), event)
        return BudgetRefusal(event.limit, spent=event.spent, needed=event.needed, cap=event.cap)

    async def _try(self, ask: _Ask) -> ModelReply | ModelError:
        """One attempt, unless the same call was paid for already or is under way."""
        paid = self.log.memo(ask.call)
        if isinstance(paid, ModelCalled) and paid.reply is not None:
            reply = self._hand_over(ask, paid)
            self._write(ask, reply, cached=True)
            return reply
        while flight := self._flights.get(ask.call):
            await asyncio.wait([flight])
            if shared := flight.result():
                if ask.on_text:
                    ask.on_text(shared.text)
                self._write(ask, shared, cached=True)
                return shared
        return await self._lead(ask)

    async def _lead(self, ask: _Ask) -> ModelReply | ModelError:
        """Make the call, while identical ones wait for its reply."""
        flight: asyncio.Future[ModelReply | None] = asyncio.get_running_loop().create_future()
        self._flights[ask.call] = flight
        reply = None
        try:
            outcome = await self._pay(ask)
            reply = outcome if isinstance(outcome, ModelReply) else None
            return outcome
        finally:
            del self._flights[ask.call]
            flight.set_result(reply)

    async def _pay(self, ask: _Ask) -> ModelReply | ModelError:
        """Reserve, ask, settle, and make durable."""
        try:
            provider = self._provider(ask.request.model)
            bound = _bound(provider, ask.request, self.ledger.budget)
        except ModelError as error:  # no such model, no known price: a call that failed before it could cost anything
            await self._reserve(ask, Amount(1))
            self.ledger.settle(Amount(1), Amount(1))
            self._write(ask, error)
            return error
        await self._reserve(ask, bound.amount)
        actual = Amount()
        try:
            async with _slot(provider):
                actual = (
                    bound.amount
                )  # unless the outcome says otherwise: a call cut off half-way may be billed in full
                started = perf_counter()
                outcome = await self._ask(provider, ask, bound)
                actual = spent_on(outcome)
        finally:
            self.ledger.settle(bound.amount, actual)
        self._write(ask, outcome, seconds=perf_counter() - started)
        await self.log.durable()
        return outcome

    async def _reserve(self, ask: _Ask, amount: Amount) -> None:
        try:
            await self.ledger.reserve(amount)
        except BudgetRefusal as refusal:
            facts = {"spent": float(refusal.spent), "needed": float(refusal.needed), "cap": refusal.cap}
            self.log.emit(_refusal_key(ask), BudgetRefused(purpose=ask.purpose, limit=refusal.limit, **facts))
            raise

    async def _ask(self, provider: Provider, ask: _Ask, bound: "_Bound") -> ModelReply | ModelError:
        try:
            async with asyncio.timeout(self.deadline_s):
                reply = await provider.complete(ask.request, ask.on_text)
        except TimeoutError:
            return TimedOut(
                f"{ask.request.model} did not answer within {self.deadline_s:g} s",
                hint="allow more time, or ask for fewer tokens; the attempt is charged at its upper bound",
                usage=bound.usage,
                usd=float(bound.amount.usd),
            )
        except ModelError as error:
            error.message, error.hint = scrub(error.message), scrub(error.hint)
            error.args = (error.message,)
            return error
        return _usable(reply, ask.request)

    def _provider(self, model: str) -> Provider:
        if model not in self._providers:
            self._providers[model] = resolve(model)
        return self._providers[model]

    def _hand_over(self, ask: _Ask, event: ModelCalled) -> ModelReply:
        assert event.reply is not None
        reply = load_reply(self.log.text, event.reply)
        if ask.on_text:
            ask.on_text(reply.text)
        return reply

    def _write(
        self, ask: _Ask, outcome: ModelReply | ModelError, *, cached: bool = False, seconds: float = 0.0
    ) -> None:
        error = outcome if isinstance(outcome, ModelError) else None
        reply = outcome.reply if isinstance(outcome, ModelError) else outcome
        event = ModelCalled(
            call=ask.call,
            model=ask.request.model,
            purpose=ask.purpose,
            attempt=ask.attempt,
            request=keep_request(self.log, ask.request),
            reply=keep_reply(self.log, reply) if reply else None,
            prompt_tokens=outcome.usage.prompt_tokens if outcome.usage else 0,
            completion_tokens=outcome.usage.completion_tokens if outcome.usage else 0,
            usd=outcome.usd,
            cached=cached,
            error=ErrorInfo(kind=error.kind, message=error.message, hint=error.hint) if error else None,
        )
        self.log.emit(ask.key, event, seconds)

    def _pause(self, ask: _Ask, failure: ModelError) -> float:
        """Seconds between this attempt and the next: exponential, with jitter that is the same on every execution.

        Raises:
            ModelError: the provider asks to wait longer than a caller would.
        """
        jitter = random.Random(f"{ask.call}#{ask.attempt}").uniform(0.5, 1.0)
        pause = min(LONGEST_PAUSE_S, self.backoff_s * 2.0**ask.attempt) * jitter
        if failure.retry_after is None:
            return pause
        if failure.retry_after > max(self.deadline_s, LONGEST_PAUSE_S):
            raise failure
        return max(pause, failure.retry_after)


@dataclass(frozen=True)
class _Bound:
    """The most that one attempt can cost."""

    usage: Usage
    amount: Amount


def _bound(provider: Provider, request: ModelRequest, budget: Budget) -> _Bound:
    price = provider.price(request.model)
    if price is None and budget.usd is not None:
        raise PriceUnknown(
            f"the price of {request.model} is not known, so the budget of {budget.usd:g} usd cannot be kept",
            hint="limit tokens or calls instead",
        )
    usage = Usage(prompt_tokens=provider.prompt_bound(request), completion_tokens=request.max_tokens)
    usd = cost(price or Price(), usage.prompt_tokens, usage.completion_tokens)
    return _Bound(usage, Amount(1, usage.total, usd))


def _refusal_key(ask: _Ask) -> str:
    return f"{ask.at}/budget#{ask.attempt}"


def _slot(provider: Provider) -> asyncio.Semaphore:
    """The provider's semaphore, shared by all runs in this event loop."""
    slots = _slots.setdefault(asyncio.get_running_loop(), WeakKeyDictionary())
    if provider not in slots:
        slots[provider] = asyncio.Semaphore(provider.concurrency)
    return slots[provider]


def _usable(reply: ModelReply, request: ModelRequest) -> ModelReply | ModelError:
    """The reply, or why it cannot be used although the provider gave it."""
    paid = {"usage": reply.usage, "usd": reply.usd, "reply": reply}
    if reply.finish == "length":
        return Truncated(
            f"{request.model} was cut off at {request.max_tokens} tokens",
            hint="raise max_tokens",
            **paid,  # type: ignore[arg-type]
        )
    if not reply.text.strip() and not reply.tool_requests:
        return EmptyReply(f"{request.model} answered with nothing", **paid)  # type: ignore[arg-type]
    return reply


def _ask_for_repair(request: ModelRequest, text: str, wrong: str) -> ModelRequest:
    shown = (
        *request.messages,
        Message(role="assistant", content=text),
        Message(role="user", content=f"That answer is not valid: {wrong}. Write the whole JSON again, corrected."),
    )
    return request.model_copy(update={"messages": shown})


def _recorded_error(event: ModelCalled) -> ModelError:
    """The error an event holds, as it was raised."""
    assert event.error is not None
    usage = Usage(prompt_tokens=event.prompt_tokens, completion_tokens=event.completion_tokens)
    error_type = _ERRORS.get(event.error.kind, ModelError)
    return error_type(event.error.message, hint=event.error.hint, usage=usage, usd=event.usd)


_ERRORS: dict[str, type[ModelError]] = {error.kind: error for error in ModelError.__subclasses__()}
