"""`backprose run`: a task in plain words, answered by a team."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.fail import USAGE
from ui.cli.model import bring_missing

if TYPE_CHECKING:
    from agents import Budget, GraphSpec

BudgetUsd = Annotated[float | None, typer.Option("--budget-usd", min=0, help="US dollars the run may spend.")]
BudgetTokens = Annotated[int | None, typer.Option("--budget-tokens", min=0, help="Tokens the run may use, both ways.")]
BudgetCalls = Annotated[int | None, typer.Option("--budget-calls", min=0, help="Model calls the run may make.")]


def run(
    ctx: typer.Context,
    task: Annotated[str, typer.Argument(help="What you want to know, in plain words.", show_default=False)] = "",
    model: Annotated[str, typer.Option(help="Model name; left out, the default (`backprose model list`).")] = "",
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that samples.")] = 0,
    network: Annotated[
        Path | None,
        typer.Option(help="Network to run, as `Network.save` wrote it; left out, one is planned.", exists=True),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Answer a task with a team of agents and the tools they call.

    The answer goes to stdout with its checked values and what they stand on; progress goes to stderr.
    Exit codes: 0 answered, 3 refused (the question has no answer; stdout says why), 1 failed, 4 the budget is spent,
    2 bad usage, 130 cancelled.

    backprose run "What does the cheapest dispatch of case30 cost at 115 % load?"
    """
    if not task.strip():
        with redirect_stdout(sys.stderr):  # where complaints belong; typer prints its help itself
            ctx.get_help()
        raise typer.Exit(USAGE)

    from agents import Network, RunOptions
    from agents.models import default_model
    from store import Store
    from ui.cli.live import carry_out
    from ui.cli.result import end
    from ui.launch import Start
    from ui.view.story import tell

    graph = Network.load(network).spec if network else None
    options = RunOptions(
        model=model or default_model(), budget=budget_of(budget_usd, budget_tokens, budget_calls), seed=seed
    )
    bring_missing(models_of(options.model, graph))
    with Store.open() as store:
        result = carry_out(store, Start(task=task, options=options, graph=graph))
        end(tell(store, result.run_id), json_=json_)


def budget_of(usd: float | None, tokens: int | None, calls: int | None) -> "Budget":
    """The budget that the options give; a limit left out is no limit."""
    from agents import Budget

    return Budget(usd=usd, tokens=tokens, calls=calls)


def models_of(model: str, graph: "GraphSpec | None") -> list[str]:
    """The models that a run may ask: those that agents name for themselves, and the run's own if anything asks it."""
    if graph is None:
        return [model]
    teams = [team for layer in graph.layers for team in layer.teams]
    agents = [a for team in teams for a in team.agents if not a.function]
    routed = any(len(layer.teams) > 1 for layer in graph.layers)
    combined = any(team.aggregator in ("judge", "synthesise") for team in teams)
    own = [model] if routed or combined or any(not a.model for a in agents) else []
    return [*own, *(a.model for a in agents if a.model)]
