"""A place to train in: the simulated trade of the planted faults, on a real store."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from agents import GraphSpec, Runner, RunOptions
from agents.backward import Case, Fit, Proposer, Trainer, TrainOptions
from agents.backward.rollout import Bench
from agents.models import ModelRequest, Price, Scripted
from experiments.suites.planted_faults.families import Family, cases, planted
from experiments.suites.planted_faults.model import simulated
from store import Store

T = TypeVar("T")
PRICE = Price(prompt=1e-6, completion=3e-6)
SHORT = TrainOptions(steps=12, patience=12, tools=("calculate",), parallel=8)


def wait(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class School:
    """Trains on one store with the simulated model, or with another script in its place."""

    def __init__(self, store: Store, script: Callable[[ModelRequest], Any] = simulated) -> None:
        self.store = store
        self.model = Scripted(script, price=PRICE)
        self.runner = Runner(store, {"simulated": self.model, "tiny": self.model})

    def lesson(self, family: str, seed: int = 0) -> tuple[Family, list[Case], list[Case], list[Case]]:
        """A network with a fault, and cases to learn from, to decide, to test on."""
        faulty = planted(family, seed)
        return faulty, *cases(faulty, seed)

    def fit(
        self,
        family: str,
        seed: int = 0,
        options: TrainOptions = SHORT,
        proposer: Callable[[], Proposer] | None = None,
        **run: Any,
    ) -> Fit:
        faulty, train, val, _ = self.lesson(family, seed)
        given = RunOptions(**{"model": "simulated", "seed": seed, "backoff_s": 0.0, **run})
        return wait(Trainer(self.runner, options, proposer).fit(faulty.faulty, train, val, given))

    def score(self, graph: GraphSpec, test: list[Case]) -> float:
        async def run() -> float:
            log = self.store.start_run(task="test")
            done = await Bench(self.runner.context(log, RunOptions(model="simulated")), 8).run(graph, test)
            log.finish("answered")
            return sum(r.score or 0.0 for r in done) / len(done)

        return wait(run())
