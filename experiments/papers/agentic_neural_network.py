"""What textual backpropagation does for a network (arXiv 2506.09046), where the truth is known: planted faults, parts removed.

The model is simulated, and says so (`experiments.suites.planted_faults`). The real suites have a command of their own,
`python -m experiments.learning.suites`, for they take hours. The paper's own ablation figures could not be read, so there is
nothing to put beside ours.
"""

import asyncio
from collections.abc import Callable, Sequence
from statistics import fmean

from experiments.papers.lines import Line

PAPER = 1
SEEDS = 200
Say = Callable[[str], None]


def planted_faults(say: Say) -> Sequence[Line]:
    """How often the full score is restored in at most 12 steps, beside GEPA, revert and random edits at equal rollouts."""
    from experiments.learning.methods import RIVALS
    from experiments.learning.planted import restored, sweep

    rows = sweep(SEEDS, RIVALS, say=say)
    found = {m: [r for r in rows if r["method"] == m] for m in RIVALS}
    ours = found["ours"]
    rivals = {m: fmean(map(restored, found[m])) for m in RIVALS if m != "ours"}
    gain = {m: fmean(r["after"] for r in found[m]) for m in RIVALS if m != "ours"}
    blamed = [r["blamed"] == r["at_fault"] for r in ours if r["blamed"] is not None]
    return [
        Line(
            "full score restored, share of seeds", fmean(map(restored, ours)), target=0.95, seeds=SEEDS, others=rivals
        ),
        Line("right layer blamed first", fmean(blamed), target=0.85, seeds=SEEDS),
        Line(
            "accuracy on test cases",
            fmean(r["after"] for r in ours),
            seeds=SEEDS,
            others={"before": fmean(r["before"] for r in ours), **gain},
        ),
        Line("steps", fmean(r["steps"] for r in ours), seeds=SEEDS),
        Line("rollouts", fmean(r["rollouts"] for r in ours), seeds=SEEDS),
    ]


def ablations(say: Say) -> Sequence[Line]:
    """The share of restored networks with one part of the trainer removed at a time."""
    from experiments.learning.methods import ABLATIONS
    from experiments.learning.planted import restored, sweep

    rows = sweep(SEEDS, ABLATIONS, say=say)
    lines = []
    for method in ABLATIONS:
        own = [r for r in rows if r["method"] == method]
        name = "all parts" if method == "ours" else method.replace("_", " ")
        others = {"accuracy": fmean(r["after"] for r in own), "steps": fmean(r["steps"] for r in own)}
        lines.append(Line(f"restored, {name}", fmean(map(restored, own)), seeds=SEEDS, others=others))
    return lines


def specialists(say: Say) -> Sequence[Line]:
    """A suite of two kinds of tasks, where a specialist is made and routed to, and one of one kind, where none is."""
    from agents import Runner
    from agents.models import Scripted
    from experiments.learning.specialists import outcome
    from experiments.suites.planted_faults.model import simulated
    from store import Store

    lines = []
    with Store.open("sqlite://") as store:
        runner = Runner(store, {"simulated": Scripted(simulated)})
        for name, mixed in (("two kinds of tasks", True), ("one kind", False)):
            found = asyncio.run(outcome(runner, 0, mixed=mixed))
            made = sum(m.router is not None for m in found.ensemble.members)
            alone = {"best single version": found.alone, "specialists made": float(made)}
            lines.append(Line(f"accuracy on test cases, {name}", found.routed, target=found.alone, others=alone))
        runner.close()
    return lines


PARTS = {"planted_faults": planted_faults, "ablations": ablations, "specialists": specialists}
