"""Printing how a run ended: the answer, its checked values, what they stand on, and what it cost."""

import json

import typer

from ui.cli import show
from ui.cli.fail import STATUS_CODES, complain
from ui.view import words
from ui.view.story import Story, as_json


def end(story: Story, *, json_: bool) -> None:
    """Print a run's result and leave with the exit code of its status."""
    if json_:
        show.as_json(as_json(story))
    else:
        print_answer(story)
        paid = story.ledger.paid
        cost = words.bill(paid.calls, paid.prompt_tokens + paid.completion_tokens, paid.usd)
        typer.echo(
            f"\nRun {story.run.id}: {words.STATUS_WORDS[story.run.status]}; {cost}, {words.duration(story.seconds)}"
        )
        typer.echo(f"backprose runs show {story.run.id}")
    if story.error:
        complain(story.error.message, story.error.hint)
    if story.run.status == "budget_exhausted":
        typer.echo(f"go on with more: backprose runs resume {story.run.id} --budget-tokens N", err=True)
    raise typer.Exit(STATUS_CODES.get(story.run.status, 1))


def print_answer(story: Story) -> None:
    """The answer's text, its values with units, and the calls they stand on."""
    if story.answer is None:
        return
    if story.run.status not in ("answered", "refused"):
        typer.echo("The best answer so far:")
    typer.echo(words.plain(story.answer.text))
    for caveat in story.answer.caveats:
        typer.echo(words.plain(f"Mind: {caveat}."))
    if story.answer.values:
        typer.echo("\nValues")
        for value in story.answer.values:
            typer.echo(words.plain(f"  {value}  ({value.expression})"))
    if story.grounds:
        typer.echo("\nThey stand on")
    for ground in story.grounds:
        typer.echo(f"  {ground.name}: {ground.tool} {json.dumps(ground.arguments, ensure_ascii=False)}")
        paper = f" (paper {ground.paper:02d})" if ground.paper else ""
        typer.echo(
            f"     source: {ground.source}{paper}" if ground.source else "     source: this version has no such tool"
        )
        for certificate in ground.certificates:
            typer.echo(f"     certificate: {certificate}")
