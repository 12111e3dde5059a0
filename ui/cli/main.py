"""The program `backprose`: its commands, its version, and what becomes of an error."""

from typing import Annotated

import typer

from ui.cli import db, eval, model, network, papers, run, runs, tool, train, ui
from ui.cli.fail import Guarded, debugging

app = typer.Typer(
    cls=Guarded,
    name="backprose",
    help="Teams of language-model agents with scientific models for hands, run and taught from here.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad usage, 3 refused (the question has no answer), 4 the budget is spent, "
    "130 cancelled.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("ui")(ui.ui)
app.command("train")(train.train)
app.add_typer(network.app, name="network")
app.add_typer(runs.app, name="runs")
app.add_typer(tool.app, name="tool")
app.add_typer(model.app, name="model")
app.add_typer(db.app, name="db")
app.add_typer(eval.app, name="eval")
app.add_typer(papers.app, name="papers")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"backprose {version('backprose')}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="BACKPROSE_DEBUG", help="Show the trace of an error.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    debugging(debug)
