"""Specialists: one suite on which a specialist is made and a router picks it, and one on which none is.

    python -m experiments.learning.specialists

The model is simulated (`experiments.suites.planted_faults` says how). In the mixed suite every second customer is a museum,
billed in whole euros; one prompt cannot serve both kinds. In the plain suite there is one kind. Test cases are looked at once, at
the end.
"""

import asyncio
from dataclasses import dataclass

from agents import Runner, RunOptions
from agents.backward import Ensemble, Trainer, TrainOptions, specialise
from agents.backward.rollout import Bench, Case
from agents.backward.specialise import Choice, Proof
from agents.models import Scripted
from experiments.learning.planted import accuracy
from experiments.suites.planted_faults.families import cases, museums
from experiments.suites.planted_faults.model import simulated
from store import Store

DECIDE = 40
OPTIONS = TrainOptions(steps=12, patience=12, parallel=8)


@dataclass(frozen=True)
class Outcome:
    """What training left on one suite, and what it is worth on the test cases.

    Attributes:
        alone: Accuracy of the best single version.
        routed: Accuracy of the ensemble.
        picked: Share of the test cases that went to a specialist.
    """

    ensemble: Ensemble
    proofs: tuple[Proof, ...]
    alone: float
    routed: float
    picked: float


async def outcome(runner: Runner, seed: int, *, mixed: bool) -> Outcome:
    """Train on one of the two suites, make specialists, and test."""
    family = museums(seed, mixed=mixed)
    train, val, test = cases(family, seed, DECIDE)
    fit = await Trainer(runner, OPTIONS).fit(family.faulty, train, val, RunOptions(model="simulated", seed=seed))
    ensemble, proofs = specialise(fit.best, fit.pool, val)
    alone = await accuracy(runner, fit.best.graph, test)
    log = runner.store.start_run(task="test", model="simulated")
    bench = Bench(runner.context(log, RunOptions(model="simulated")), 8)
    choices = [(case, ensemble.choose(case.task)) for case in test]
    score = sum([await _score(bench, ensemble, case, choice) for case, choice in choices])
    log.finish("answered")
    picked = sum(c.member.startswith("specialist") for _, c in choices) / len(test)
    return Outcome(ensemble, proofs, alone, score / len(test), picked)


async def _score(bench: Bench, ensemble: Ensemble, case: Case, choice: Choice) -> float:
    (rollout,) = await bench.run(ensemble.graph(choice), [case])
    return rollout.score or 0.0


def main() -> None:
    with Store.open("sqlite://") as store:
        runner = Runner(store, {"simulated": Scripted(simulated)})
        try:
            for name, mixed in (("mixed suite", True), ("plain suite", False)):
                found = asyncio.run(outcome(runner, 0, mixed=mixed))
                print(f"{name}: best single version {found.alone:.3f}, with specialists {found.routed:.3f} on test")
                print(f"  members: {', '.join(m.name for m in found.ensemble.members)}")
                for proof in found.proofs or ():
                    print(f"  {proof}")
                print(f"  the router sent {100 * found.picked:.0f} % of the test cases to a specialist")
        finally:
            runner.close()


if __name__ == "__main__":
    main()
