"""`backprose train`: a network learns from a suite's examples, before somebody's eyes, and can be gone on with at any time."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ui.cli import show
from ui.cli.fail import BROKE, CANCELLED, USAGE, stop
from ui.cli.model import bring_missing
from ui.cli.network import find_network, percent
from ui.cli.run import BudgetCalls, BudgetTokens, BudgetUsd, budget_of, models_of
from ui.view import words

if TYPE_CHECKING:
    from agents import GraphSpec, RunOptions
    from agents.backward import Case, Fit, TrainOptions
    from store import Store
    from store.events import Event

Gate = Literal["pareto", "strict", "revert"]


def train(
    suite: Annotated[str, typer.Argument(help="Suite to learn from, or a Python file that defines one.")],
    network: Annotated[
        str,
        typer.Option(help="Network to train: a file or a version; left out, one is planned for the first example."),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the best network goes; left out, SUITE-trained.json.")
    ] = None,
    model: Annotated[str, typer.Option(help="Model name; left out, the default (`backprose model list`).")] = "",
    critic: Annotated[str, typer.Option(help="Model of critics and editor; left out, the same model.")] = "",
    learn: Annotated[int, typer.Option("--train", min=1, help="Examples to learn from.")] = 24,
    decide: Annotated[int, typer.Option("--val", min=12, help="Examples that decide what is kept.")] = 24,
    steps: Annotated[int, typer.Option(min=0, help="Steps at most.")] = 20,
    batch: Annotated[int, typer.Option(min=1, help="Examples of a step.")] = 4,
    gate: Annotated[
        Gate,
        typer.Option(
            help="pareto: steps start from versions that lead somewhere; strict: from the best; revert: keep what loses nothing."
        ),
    ] = "pareto",
    tool: Annotated[
        list[str] | None, typer.Option(help="A tool the editor may give to agents; may be repeated.")
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Examples under way at once.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of everything that samples.")] = 0,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    ensemble: Annotated[
        Path | None,
        typer.Option(help="File for the best network with its specialists, made where they are proved to win."),
    ] = None,
    no_momentum: Annotated[
        bool, typer.Option("--no-momentum", help="Ablation: forget the critiques of earlier steps.")
    ] = False,
    no_gate: Annotated[bool, typer.Option("--no-gate", help="Ablation: keep every edit.")] = False,
    no_global: Annotated[
        bool, typer.Option("--no-global", help="Ablation: no global critic; layers take turns.")
    ] = False,
    no_backward: Annotated[bool, typer.Option("--no-backward", help="Ablation: edit without any critique.")] = False,
    no_structure: Annotated[bool, typer.Option("--no-structure", help="Ablation: change texts only.")] = False,
    resume: Annotated[
        str, typer.Option(help="Training to go on with, by its id; it keeps its network and its options.")
    ] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network on a suite's examples, and write the best one to a file.

    Its train and val examples are read, its test examples never. The budget covers the whole training, and when it is spent the
    best network so far is kept. A training that was stopped, also by kill -9, goes on with --resume, and pays nothing twice.
    Exit codes: 0 done, 4 the budget is spent (the best so far is written), 130 stopped.

    backprose train gsm8k --network net.json --budget-tokens 500000
    """
    from agents import Network, RunOptions
    from agents.backward import Rates, TrainOptions
    from agents.models import default_model
    from experiments.learning.cases import Open
    from experiments.suites import UnknownSuite, find_suite
    from store import Store

    try:
        found = Open(find_suite(suite))
    except UnknownSuite as error:
        stop(error.message, error.hint, USAGE)
    options = RunOptions(
        model=model or default_model(), budget=budget_of(budget_usd, budget_tokens, budget_calls), seed=seed
    )
    rates = Rates(
        alpha=1.0 if no_momentum else Rates().alpha,
        beta=0.0 if no_global else Rates().beta,
        backward=not no_backward,
        critic=critic,
    )
    how = TrainOptions(
        rates=rates,
        steps=steps,
        batch=batch,
        gate="none" if no_gate else gate,
        structure=not no_structure,
        parallel=parallel,
        tools=tuple(tool or ()),
    )
    cases = found.cases("train", learn), found.cases("val", decide)
    with Store.open() as store:
        graph = find_network(store, network)[1] if network else None
        bring_missing([*models_of(options.model, graph), *([critic] if critic else [])])
        task = _Training(store, suite)
        new_budget = any(limit is not None for limit in (budget_usd, budget_tokens, budget_calls))
        fit = task.carry_out(cases, graph, options, how, resume, new_budget=new_budget)
    file = output or Path(f"{Path(suite).stem}-trained.json")
    Network(fit.best.graph).save(file)
    _print(fit, file, json_=json_)
    if ensemble is not None:
        _specialise(fit, cases[1], ensemble)
    raise typer.Exit(BROKE if fit.status == "budget_exhausted" else 0)


class _Training:
    """One training, told on stderr as it goes."""

    def __init__(self, store: "Store", suite: str) -> None:
        self.store = store
        self.suite = suite
        self.run_id = ""
        self._console = show.err()
        self._rollouts = 0

    def carry_out(
        self,
        cases: "tuple[list[Case], list[Case]]",
        graph: "GraphSpec | None",
        options: "RunOptions",
        how: "TrainOptions",
        resume: str,
        *,
        new_budget: bool,
    ) -> "Fit":
        """Train, or go on with a training. Ctrl-C stops it and says how to go on."""
        from agents import Runner
        from agents.backward import Trainer

        runner = Runner(self.store, watch=self._see)

        import asyncio

        async def work() -> "Fit":
            trainer = Trainer(runner, how)
            if resume:
                return await trainer.resume(resume, *cases, budget=options.budget if new_budget else None)
            begun = graph or await Runner(self.store).plan(cases[0][0].task, options)
            return await trainer.fit(begun, *cases, options, name=self.suite)

        try:
            return asyncio.run(work())
        except KeyboardInterrupt:
            self._say("stopped; what is done is kept")
            if self.run_id:
                typer.echo(f"go on with it: backprose train {self.suite} --resume {self.run_id}", err=True)
            raise typer.Exit(CANCELLED) from None
        finally:
            runner.close()

    def _see(self, key: str, event: "Event") -> None:
        from store.events import Criticised, EditProposed, GateDecided, RolledOut, TrainingStarted, VersionMade

        match event:
            case TrainingStarted():
                self.run_id = own_run(self.store)
                self._say(f"training {self.run_id}")
            case RolledOut():
                self._rollouts += 1
                if self._rollouts % 10 == 0:
                    self._say(f"{self._rollouts} rollouts")
            case Criticised(step=k, layer=layer):
                self._say(f"step {k + 1}: layer {layer} is to blame")
            case EditProposed(step=k, error=error) if error:
                self._say(f"step {k + 1}: no edit: {error.message}")
            case GateDecided(step=k, accepted=accepted, incumbent=best, stage=stage, reason=reason):
                word = "the best so far" if best else "kept" if accepted else f"refused ({stage.replace('_', ' ')})"
                self._say(f"step {k + 1}: {word}: {reason}")
            case VersionMade(version=version, mean=mean, tokens=tokens):
                self._say(f"version {version[:8]}: {percent(mean)} of the deciding examples, {tokens:.0f} tokens each")
            case _:
                pass

    def _say(self, news: str) -> None:
        self._console.print(words.plain(news))


def own_run(store: "Store") -> str:
    """The id of the run that this process is executing."""
    from store import list_runs

    running = list_runs(store, status="running").runs
    return next((run.id for run in running if run.pid == os.getpid()), "")


def _specialise(fit: "Fit", decided: "list[Case]", file: Path) -> None:
    """Write the ensemble of a training, and say of each specialist that was tried whether it wins."""
    from agents.backward import specialise
    from store import Store
    from store.versions import seconds_by_graph

    with Store.open() as store:
        made, proofs = specialise(fit.best, fit.pool, decided, seconds_by_graph(store, fit.run_id))
    made.save(file)
    for proof in proofs:
        typer.echo(str(proof), err=True)
    typer.echo(f"wrote {file}: {', '.join(m.name for m in made.members)}", err=True)


def _print(fit: "Fit", file: Path, *, json_: bool) -> None:
    if json_:
        told = {
            "run_id": fit.run_id,
            "status": fit.status,
            "reason": fit.reason,
            "before": fit.start.mean,
            "after": fit.best.mean,
            "version": fit.best.graph.hash,
            "steps": fit.steps,
            "rollouts": fit.rollouts,
            "calls": fit.spent.calls,
            "tokens": fit.spent.tokens,
            "usd": float(fit.spent.usd),
            "file": str(file),
        }
        show.as_json(told)
        return
    n = len(fit.best.scores)
    bill = words.bill(fit.spent.calls, fit.spent.tokens, float(fit.spent.usd))
    if n:
        typer.echo(f"{percent(fit.start.mean)} before, {percent(fit.best.mean)} after, of {n} deciding examples")
    typer.echo(f"{fit.reason}; {fit.steps} steps, {fit.rollouts} rollouts, {bill}")
    typer.echo(f"wrote {file} (version {fit.best.graph.hash[:8]})")
    typer.echo(f"backprose network lineage {fit.best.graph.hash[:8]}")
    if fit.status == "budget_exhausted":
        typer.echo(f"go on with more: backprose train SUITE --resume {fit.run_id} --budget-tokens N", err=True)
