"""`backprose eval`: systems compared on suites of questions with known answers, and what came of it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from ui.cli import show
from ui.cli.fail import BROKE, CANCELLED, FAILED, USAGE, stop
from ui.cli.model import bring_missing
from ui.cli.run import BudgetCalls, BudgetTokens, BudgetUsd, budget_of
from ui.view import words

if TYPE_CHECKING:
    from agents import RunOptions
    from experiments.evaluate import Progress
    from experiments.learning.taught import Lessons
    from experiments.report import Board
    from experiments.results import Evaluation
    from experiments.suites import Suite
    from experiments.systems import System
    from store import Store


class SuitesOrVerb(TyperGroup):
    """A group whose first word may be a suite instead of a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=SuitesOrVerb,
    help="Compare systems on suites of questions: backprose eval SUITE... --system S (see `backprose eval run --help`).",
    no_args_is_help=True,
)

Split = Literal["train", "val", "test"]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Suites = Annotated[list[str] | None, typer.Argument(metavar="SUITE...", help="Only these suites; left out, all.")]
Baseline = Annotated[str, typer.Option(help="System to compare with; left out, one_call, else the cheapest.")]
Model = Annotated[str, typer.Option(help="Only evaluations with this model.")]
Logs = Annotated[
    list[Path] | None, typer.Option("--inspect", help="A log of inspect_ai that takes part; may be repeated.")
]


@app.command("run", hidden=True)
def run(
    suites: Annotated[list[str], typer.Argument(metavar="SUITE...", help="Suites, or Python files that define one.")],
    system: Annotated[
        list[str] | None,
        typer.Option(help="System, or a network's JSON file; may be given more than once. Left out, one_call."),
    ] = None,
    model: Annotated[str, typer.Option(help="Model name; left out, the default (`backprose model list`).")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N items of each suite.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often each item is taken, with seeds 0, 1, ...")] = 1,
    split: Annotated[Split, typer.Option(help="Split of the suites.")] = "test",
    parallel: Annotated[int, typer.Option(min=0, help="Items under way at once; 0: what the model takes.")] = 0,
    item_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens that a system may use for an item, the same for all systems.")
    ] = None,
    train: Annotated[int, typer.Option(min=1, help="Items that systems which learn may learn from.")] = 24,
    val: Annotated[int, typer.Option(min=12, help="Items that decide what such a system keeps.")] = 24,
    train_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens of one teaching, the same for all systems that learn.")
    ] = 400_000,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    json_: Json = False,
) -> None:
    """Take the items of suites with each system, and print a leaderboard per suite.

    Systems that learn (trained, gepa, dspy, textgrad) are taught first, once for each suite and seed, on its train and val items
    and with the same tokens; then they take its test items as they are. Given again, the command goes on where it was stopped,
    also after kill -9; what is done is not paid twice. The budget caps what this call spends in all. Exit codes: 0 done, 1 some
    items could not be measured, 4 the budget is spent.

    backprose eval humaneval gsm8k --system one_call --system self_consistency --limit 20
    """
    from agents import RunOptions
    from agents.models import default_model
    from experiments.learning.taught import Lessons
    from experiments.suites import UnknownSuite, find_suite
    from experiments.systems import UnknownSystem, find_system

    try:
        chosen = [find_suite(name) for name in suites]
        systems = [find_system(name) for name in system or ["one_call"]]
    except (UnknownSuite, UnknownSystem) as error:
        stop(error.message, error.hint, USAGE)
    if split != "test" and (learns := [s.name for s in systems if s.method]):
        stop(f"{learns[0]} learns from train and val, so the {split} split proves nothing", "leave --split out", USAGE)
    name = model or default_model()
    bring_missing([name])
    options = [RunOptions(model=name, seed=seed, budget=budget_of(None, item_tokens, None)) for seed in range(seeds)]
    cap = (budget_usd, budget_tokens, budget_calls)
    lessons = Lessons(train=train, val=val, tokens=train_tokens, parallel=parallel)
    _carry_out(chosen, systems, options, cap, (split, limit, parallel), lessons, json_=json_)


@app.command("compare")
def compare(
    suites: Suites = None, baseline: Baseline = "", model: Model = "", inspect: Logs = None, json_: Json = False
) -> None:
    """Compare all systems that have taken a suite: better, worse, equal, or cannot tell.

    backprose eval compare gsm8k --baseline one_call
    """
    from store import Store

    with Store.open() as store:
        _print_boards(_boards(store, suites or [], baseline, model, inspect or []), json_=json_)


@app.command("report")
def report(
    suites: Suites = None,
    baseline: Baseline = "",
    model: Model = "",
    inspect: Logs = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; - for stdout.")] = Path("report.html"),
) -> None:
    """Write the comparison as one HTML file with pictures that stands alone.

    backprose eval report -o report.html
    """
    from experiments.report import page
    from store import Store

    with Store.open() as store:
        text = page(_boards(store, suites or [], baseline, model, inspect or []))
    if output == Path("-"):
        typer.echo(text)
        return
    output.write_text(text, encoding="utf-8", errors="backslashreplace")
    typer.echo(output)


@app.command("export")
def export(
    evaluation: Annotated[str, typer.Argument(metavar="ID", help="Evaluation, as `backprose eval list` prints it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, ending in .eval or .json.")],
) -> None:
    """Write an evaluation as a log of inspect_ai, which `inspect view` shows. Needs the extra `inspect`.

    backprose eval export ID -o log.eval
    """
    from experiments.interchange import CannotExchange, write_inspect
    from experiments.results import read
    from store import Store

    with Store.open() as store:
        try:
            write_inspect(read(store, evaluation), store, output)
        except CannotExchange as error:
            stop(error.message, error.hint)
        except ValueError as error:
            stop(str(error))
    typer.echo(output)


@app.command("list")
def list_(json_: Json = False) -> None:
    """List the suites, the systems, and the evaluations in the database.

    backprose eval list
    """
    from experiments.results import evaluations
    from experiments.suites import find_suite, suite_names
    from experiments.systems import SYSTEMS
    from store import Store

    suites = [find_suite(name) for name in suite_names()]
    with Store.open() as store:
        made = evaluations(store)
    if json_:
        show.as_json(
            {
                "suites": [{"name": s.name, "licence": s.licence, "what": s.description} for s in suites],
                "systems": [{"name": s.name, "what": s.what} for s in SYSTEMS.values()],
                "evaluations": [_facts(e) for e in made],
            }
        )
        return
    show.table(
        {"suite": "left", "licence": "left", "what": "wrap"}, [(s.name, s.licence, s.description) for s in suites]
    )
    typer.echo()
    show.table({"system": "left", "what": "wrap"}, [(s.name, s.what) for s in SYSTEMS.values()])
    if made:
        typer.echo()
        columns = ("evaluation", "suite", "split", "system", "model", "seed", "done", "items")
        rows = [[_facts(e)[name] for name in columns] for e in made]
        show.table(dict.fromkeys(columns[:5], "left") | dict.fromkeys(columns[5:], "right"), rows)


def _carry_out(
    suites: "Sequence[Suite]",
    systems: "Sequence[System]",
    options: "Sequence[RunOptions]",
    cap: tuple[float | None, int | None, int | None],
    how: tuple[Split, int | None, int],
    lessons: "Lessons",
    *,
    json_: bool,
) -> None:
    import asyncio

    from agents import Runner
    from experiments.evaluate import Unfinished, evaluate
    from experiments.learning.taught import CannotTeach, taught
    from experiments.purse import Purse
    from experiments.report import boards
    from experiments.sandbox import NoIsolation
    from experiments.suites.data import MissingData
    from store import Store

    split, limit, parallel = how
    purse, made = Purse(budget_of(*cap)), list["Evaluation"]()
    with Store.open() as store:
        runner = Runner(store)
        try:
            for suite in suites:
                items = suite.items(split)[:limit]
                if not items:
                    stop(f"{suite.name} has no items in its {split} split", "choose another --split", USAGE)
                for system in systems:
                    for given in options:
                        teach = taught(system, suite, runner, given, lessons, purse=purse, say=_say)
                        ready = asyncio.run(teach)
                        with _Line(suite.name, system.name, given.seed) as line:
                            work = evaluate(
                                suite, items, ready, runner, given, parallel=parallel, purse=purse, watch=line.tell
                            )
                            made.append(asyncio.run(work))
        except Unfinished as error:
            stop(error.message, error.hint, BROKE if purse.empty else FAILED)
        except CannotTeach as error:
            stop(error.message, error.hint, USAGE)
        except ModuleNotFoundError as error:
            stop(str(error))
        except (MissingData, NoIsolation) as error:
            stop(error.reason, error.hint, FAILED)
        except KeyboardInterrupt:
            typer.echo("cancelled; what is done is kept, and the same command goes on with it", err=True)
            raise typer.Exit(CANCELLED) from None
        finally:
            runner.close()
    _print_boards(boards(made), json_=json_)


def _say(news: str) -> None:
    print(news, file=sys.stderr, flush=True)


class _Line:
    """How far one evaluation is: a line that is rewritten on a terminal, and one for every tenth of it elsewhere."""

    def __init__(self, suite: str, system: str, seed: int) -> None:
        self._name = f"{suite}, {system}, seed {seed}"
        self._started = perf_counter()
        self._terminal = sys.stderr.isatty()
        self._tenth = -1

    def tell(self, p: "Progress") -> None:
        cost = f"{p.tokens:,} tokens" + (f", {words.money(p.usd)}" if p.usd else "")
        left = f"{words.duration(p.seconds_left)} and {p.tokens_left:,} tokens" + (
            f", {words.money(p.usd_left)}" if p.usd_left else ""
        )
        told = f"{self._name}: {p.done}/{p.total}, {p.score:g} solved, {cost}; left about {left}"
        if self._terminal:
            print(f"\r\x1b[2K{told}", end="", file=sys.stderr, flush=True)
        elif (tenth := 10 * p.done // p.total) > self._tenth:
            self._tenth = tenth
            print(told, file=sys.stderr, flush=True)

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *failure: object) -> None:
        if self._terminal:
            print(file=sys.stderr)


def _boards(store: "Store", suites: Sequence[str], baseline: str, model: str, logs: Sequence[Path]) -> "list[Board]":
    from experiments.interchange import CannotExchange, read_inspect
    from experiments.report import NothingToCompare, boards
    from experiments.results import evaluations

    made = [e for e in evaluations(store, suites=suites, model=model) if e.finished]
    try:
        made += [e for log in logs for e in read_inspect(log) if not suites or e.plan.suite in suites]
    except CannotExchange as error:
        stop(error.message, error.hint)
    if not made:
        stop(
            "there are no such evaluations that are finished",
            "make some: backprose eval SUITE --system S; `backprose eval list` shows all",
        )
    try:
        return boards(made, baseline=baseline)
    except NothingToCompare as error:
        stop(error.message, error.hint)


def _print_boards(found: "Sequence[Board]", *, json_: bool) -> None:
    from experiments.report import COLUMNS, as_json, note, rows, title

    if json_:
        show.as_json([as_json(board) for board in found])
        return
    for k, board in enumerate(found):
        if k:
            typer.echo()
        typer.echo(words.plain(title(board)))
        show.table(COLUMNS, rows(board))
        if said := note(board):
            typer.echo(words.plain(said))


def _facts(made: "Evaluation") -> dict[str, object]:
    plan = made.plan
    return {
        "evaluation": made.id,
        "suite": plan.suite,
        "split": plan.split,
        "system": plan.system,
        "model": plan.options.model,
        "seed": plan.options.seed,
        "done": len(made.results),
        "items": len(plan.items),
    }
