"""`backprose papers`: the 42 papers, their tools, where each stands; and their tables, measured again."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli import show

if TYPE_CHECKING:
    from experiments.papers import PartResult

app = typer.Typer(help="The 42 papers: their tools, their bars, and their tables measured again.")

_JSON = typer.Option("--json", help="Print JSON.")
_SLUG = typer.Argument(help="Experiment, such as hamiltonian-reuploading; a wrong name lists them all.")
_RESULTS = typer.Option(help="Folder of the results, instead of the one that ships.", file_okay=False)


@app.callback(invoke_without_command=True)
def papers(context: typer.Context, json_: Annotated[bool, _JSON] = False) -> None:
    """List the 42 papers: number, tool, status, title, and the bar its tool must clear.

    "ready" says that this version has the tool, "planned" that it has not. "9 of 10 met" counts the lines of the paper's table
    that reach their target, as stored by `backprose papers run`.

    backprose papers
    """
    if context.invoked_subcommand is not None:
        return
    from ui.view.papers import papers as listed

    rows = listed()
    if json_:
        show.as_json([asdict(row) for row in rows])
        return
    show.table(
        {"no": "right", "tool": "left", "status": "left", "title": "wrap", "bar": "wrap"},
        [(f"{r.number:02d}", r.tool or "the engine itself", r.standing, r.title, r.bar) for r in rows],
    )


@app.command("run")
def run(
    slug: Annotated[str, _SLUG],
    part: Annotated[list[str] | None, typer.Option(help="Run this part only; may be given again.")] = None,
    results: Annotated[Path | None, _RESULTS] = None,
    json_: Annotated[bool, _JSON] = False,
) -> None:
    """Measure a paper's table again, part by part, and keep the results.

    backprose papers run hamiltonian-reuploading --part correctness
    """
    from experiments.papers import run_paper

    console = show.err()
    _show(run_paper(slug, parts=part or (), say=console.print, folder=results), json_)


@app.command("show")
def show_(
    slug: Annotated[str, _SLUG],
    results: Annotated[Path | None, _RESULTS] = None,
    json_: Annotated[bool, _JSON] = False,
) -> None:
    """Show a paper's table as it was measured last: ours, target, the paper's own figure, peers and baselines.

    backprose papers show hamiltonian-reuploading
    """
    from experiments.papers import find_results

    _show(find_results(slug, results), json_)


def _show(parts: "Mapping[str, PartResult]", json_: bool) -> None:
    from experiments.papers import as_text

    if json_:
        show.as_json({name: _as_json(part) for name, part in parts.items()})
        return
    for name, part in parts.items():
        typer.echo(f"{name}: {part.date}, {part.minutes:g} min, {part.made_with.get('machine', '')}")
        typer.echo(as_text(part.lines) + "\n")


def _as_json(part: "PartResult") -> dict[str, Any]:
    return {**asdict(part), "lines": [{**asdict(line), "met": line.met} for line in part.lines]}
