"""A system that learns, taught on a suite: once for each seed, within one budget for all methods; then it answers like any other.

All methods begin with the same network, see the same train and val items, and may spend the same tokens. What a method made is
kept in the store, so the same teaching is not paid twice; one that was interrupted goes on.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agents import Answer, Budget, GraphSpec, Runner, RunOptions, SpecError
from agents.backward import TrainOptions
from agents.backward.rollout import NOT_THE_GRAPH, Case
from agents.backward.train import check_cases
from agents.models import ModelError
from experiments.evaluate import Unfinished, concurrency, paying
from experiments.learning.cases import Open
from experiments.learning.methods import METHODS, Improved
from experiments.learning.suites import begin_with
from experiments.purse import Purse
from experiments.suites.protocol import Suite
from experiments.systems import System
from store import Store, content_hash, get_events, list_runs
from store.events import RunFinished

TITLE = "teaching"


class CannotTeach(Exception):
    """The suite has too little to learn from; `hint` says what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Lessons:
    """What every method may use.

    Attributes:
        train: Items to learn from, at most.
        val: Items that decide what is kept, at most.
        tokens: Of one teaching in all.
        parallel: Items under way at once; 0 for as many calls as the model takes.
    """

    train: int = 24
    val: int = 24
    tokens: int = 400_000
    parallel: int = 0


async def taught(
    system: System,
    suite: Suite,
    runner: Runner,
    options: RunOptions,
    lessons: Lessons = Lessons(),
    *,
    purse: Purse | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> System:
    """The system with the network that its method makes; one that needs no teaching as it is. The test split is never read.

    Args:
        options: Model and seed of the teaching. Their budget is an item's and does not concern it.
        purse: Pays for the teaching, beside whatever else it pays for.
        say: Told how a teaching ended.

    Raises:
        CannotTeach: The suite has too few items to learn from.
        Unfinished: The purse has too little left, or the model does not answer.
        ModuleNotFoundError: The method's package is not installed.
    """
    if not system.method:
        return system
    seen = Open(suite)
    learn, decide = seen.cases("train", lessons.train), seen.cases("val", lessons.val)
    try:
        check_cases(learn, decide)
    except SpecError as error:
        raise CannotTeach(
            f"{suite.name} cannot teach {system.name}: {error}", "choose a suite with train and val items"
        ) from error
    start = begin_with(suite, "")
    run = options.model_copy(update={"budget": Budget(tokens=lessons.tokens)})
    key = _key(system, (*learn, *decide), start, run)
    graph = _kept(runner.store, key)
    if graph is None:
        name = f"{suite.name} {key}"
        made = await _teach(system, name, runner, start, (learn, decide), run, lessons, purse or Purse(Budget()))
        graph = made.graph
        words = f"{suite.name}, {system.name}, seed {run.seed}: taught with {made.tokens:,} tokens; {made.reason}"
        await _keep(runner.store, f"{TITLE} {key}: {words}", run, graph)
        say(words)
    return replace(system, graph=lambda task: graph, method="")


async def _teach(
    system: System,
    name: str,
    runner: Runner,
    start: GraphSpec,
    cases: tuple[Sequence[Case], Sequence[Case]],
    run: RunOptions,
    lessons: Lessons,
    purse: Purse,
) -> Improved:
    """Carry out the method. One that was cut short would not be what the others are, so it is no teaching."""
    cap, spent = purse.ledger.budget.tokens, purse.spent.tokens
    if cap is not None and cap - spent < lessons.tokens:
        purse.empty = True
        little = f"teaching {system.name} may take {lessons.tokens:,} tokens, and the budget has {max(cap - spent, 0):,} left"
        raise Unfinished(little, hint="raise the budget, or give all teachings fewer tokens", lacking={})
    how = TrainOptions(parallel=lessons.parallel or concurrency(runner, run.model))
    payer = paying(runner, purse, run.model)
    try:
        made = await METHODS[system.method](payer, start, *cases, run, how, name=name)
    except ModelError as error:
        raise _unfinished(system, error) from error
    if purse.empty:
        again = "raise the budget and give the same command again"
        raise Unfinished(f"the budget was spent while {system.name} was taught", hint=again, lacking={})
    if purse.failure and purse.failure.kind in NOT_THE_GRAPH:  # to the end, so that it learned from nothing
        raise _unfinished(system, purse.failure)
    return made


def _unfinished(system: System, error: ModelError) -> Unfinished:
    again = error.hint or "put that right and give the same command again"
    return Unfinished(f"{system.name} could not be taught: {error.message}", hint=again, lacking={})


def _key(system: System, cases: Sequence[Case], start: GraphSpec, run: RunOptions) -> str:
    """Names a teaching by everything that determines it."""
    told = [(c.id, c.task, c.expected) for c in cases]
    given = (system.method, told, start.hash, run.model_dump(mode="json"))
    return content_hash(json.dumps(given))[:12]


def _kept(store: Store, key: str) -> GraphSpec | None:
    found = list_runs(store, status="answered", text=f"{TITLE} {key}:", limit=1).runs
    for run in found:
        for record in get_events(store, run.id, kind=RunFinished):
            if isinstance(record.event, RunFinished) and record.event.answer:
                return GraphSpec.model_validate_json(Answer.load(store.text, record.event.answer).text)
    return None


async def _keep(store: Store, title: str, run: RunOptions, graph: GraphSpec) -> None:
    log = store.start_run(task=title, model=run.model, seed=run.seed)
    log.emit("run/finished", RunFinished(status="answered", answer=Answer(text=graph.canonical()).keep(log)))
    await log.durable()
