"""One purse for many runs: a cap on what all of them spend together, kept call by call like a run's own budget."""

from collections.abc import Callable

from agents.models import (
    Amount,
    Budget,
    BudgetExhausted,
    ModelError,
    ModelReply,
    ModelRequest,
    Price,
    PriceUnknown,
    Provider,
)
from agents.models.ledger import Ledger, cost, spent_on


class Purse:
    """What all runs together may spend.

    Attributes:
        empty: A call was refused for it, or something that needs many.
        failure: Why the latest call failed; None where it did not.
    """

    def __init__(self, cap: Budget) -> None:
        self.ledger = Ledger(cap)
        self.empty = False
        self.failure: ModelError | None = None

    @property
    def spent(self) -> Amount:
        return self.ledger.spent

    def pays(self, provider: Provider) -> "Paid":
        """The provider, each of whose calls is paid from this purse."""
        return Paid(provider, self)


class Paid:
    """A provider whose calls need room in a purse before they are made; a `Provider`."""

    def __init__(self, provider: Provider, purse: Purse) -> None:
        self.concurrency = provider.concurrency
        self._provider = provider
        self._purse = purse

    def price(self, model: str) -> Price | None:
        return self._provider.price(model)

    def prompt_bound(self, request: ModelRequest) -> int:
        return self._provider.prompt_bound(request)

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None] | None) -> ModelReply:
        """One attempt. Raises `BudgetExhausted` when the purse cannot hold what it may cost."""
        ledger, price = self._purse.ledger, self.price(request.model)
        if price is None and ledger.budget.usd is not None:
            raise PriceUnknown(
                f"the price of {request.model} is not known, so the cap of {ledger.budget.usd:g} usd cannot be kept",
                hint="cap tokens or calls instead",
            )
        prompt = self.prompt_bound(request)
        most = Amount(1, prompt + request.max_tokens, cost(price or Price(), prompt, request.max_tokens))
        try:
            await ledger.reserve(most)
        except BudgetExhausted:
            self._purse.empty = True
            raise
        actual = most  # a call that is cut off may be billed in full
        try:
            reply = await self._provider.complete(request, on_text)
            actual = spent_on(reply)
            self._purse.failure = None
        except ModelError as error:
            actual = spent_on(error)
            self._purse.failure = error
            raise
        finally:
            ledger.settle(most, actual)
        return reply
