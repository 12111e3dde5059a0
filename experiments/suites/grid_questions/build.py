"""Compute the right answers of all questions and prove that they are right: `python -m experiments.suites.grid_questions.build`.

A question is refused here if its answer hangs on a tie: if it moves under a change of loads or costs that nobody can see.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from experiments.suites.grid_questions.outcome import Ambiguous, Outcome
from experiments.suites.grid_questions.questions import load, save
from experiments.suites.grid_questions.reference import Infeasible, solve
from experiments.suites.grid_questions.scenario import Islanded, Scenario, UnknownElement, UnknownGrid
from experiments.suites.grid_questions.truth import Ask, Truth, value_of
from experiments.suites.protocol import Split

LOAD_SHAKE, COST_SHAKE = 1e-6, 1e-7  # relative
STEADY = 2e-4  # relative; a fifth of what the checker tolerates
TOO_SMALL = 1e-6
REASONS: dict[type[Exception], str] = {
    UnknownGrid: "unknown_grid",
    UnknownElement: "unknown_element",
    Infeasible: "infeasible",
    Islanded: "islanded",
}


def expected_of(truth: Truth) -> dict[str, Any]:
    """The right answer in the checker's form.

    Raises:
        Ambiguous: If there is more than one right answer, or one where there should be none.
    """
    if truth.refusal:
        proved = _reason(truth)
        if proved != truth.refusal:
            raise Ambiguous(f"it should be {truth.refusal}, but is {proved}")
        return {"refusal": truth.refusal, "unit": truth.asks[0].unit if truth.asks else ""}
    outcomes = {name: Outcome.of(scenario) for name, scenario in truth.scenarios.items()}
    return {"parts": [_part(ask, outcomes) for ask in truth.asks]}


def _reason(truth: Truth) -> str:
    """Why there is no answer, as proved by names, graph and HiGHS."""
    try:
        outcomes = {name: Outcome.of(scenario) for name, scenario in truth.scenarios.items()}
        for ask in truth.asks:
            value_of(ask.expression, outcomes)
    except tuple(REASONS) as error:
        return REASONS[type(error)]
    return "answerable"


def _part(ask: Ask, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    value = value_of(ask.expression, outcomes)
    if isinstance(value, list):
        return {"lines": value}
    if isinstance(value, str):
        return {"lines": [[value]]}
    if isinstance(value, int):
        return {"bus": value}
    return {"number": value, "unit": ask.unit, "signed": ask.signed}


def check_steady(truth: Truth) -> None:
    """Raise `Ambiguous` if an answer moves when loads or costs are shaken a little."""
    calm = _values(truth, 0, 0)
    for more_load, more_cost in ((LOAD_SHAKE, 0.0), (-LOAD_SHAKE, 0.0), (0.0, COST_SHAKE), (0.0, -COST_SHAKE)):
        for ask, before, after in zip(truth.asks, calm, _values(truth, more_load, more_cost), strict=True):
            number = isinstance(before, float)
            if number and abs(before) < TOO_SMALL:
                raise Ambiguous(f"{ask.expression} is as good as zero")
            if not (math.isclose(before, after, rel_tol=STEADY) if number else before == after):
                raise Ambiguous(f"{ask.expression} jumps from {before} to {after}")


def _values(truth: Truth, load: float, cost: float) -> list[Any]:
    outcomes = {name: _shaken(scenario, load, cost) for name, scenario in truth.scenarios.items()}
    return [_sorted(value_of(ask.expression, outcomes)) for ask in truth.asks]


def _sorted(value: Any) -> Any:
    return sorted(map(sorted, value)) if isinstance(value, list) else value


def _shaken(scenario: Scenario, load: float, cost: float) -> Outcome:
    calm = Outcome.of(scenario)
    if not (load or cost):
        return calm
    sway = np.random.default_rng(0).uniform(-1, 1, len(calm.network.gen_bus))
    slope = calm.network.cost * (1 + cost * sway[:, None])
    network = replace(calm.network, load=calm.network.load * (1 + load), cost=slope)
    return replace(calm, network=network, optimum=solve(network))


def main() -> int:
    """Fill in every answer. Returns the number of questions that have no unique answer."""
    faults = 0
    for split in get_args(Split):
        built = []
        for question in load(split):
            try:
                built.append(question.model_copy(update={"expected": expected_of(question.truth)}))
                if not question.truth.refusal:
                    check_steady(question.truth)
            except Exception as error:
                faults += 1
                print(f"{question.id}: {type(error).__name__}: {error}", file=sys.stderr)
                built.append(question)
        save(split, tuple(built))
        print(f"{split}: {len(built)} questions in {len({q.family for q in built})} families")
    return faults


if __name__ == "__main__":
    sys.exit(main())
