"""`backprose runs`: what has been run, kept in the database; looked at, cancelled, gone on with, replayed, exported, deleted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ui.cli import show
from ui.cli.fail import stop
from ui.cli.model import bring_missing
from ui.cli.run import BudgetCalls, BudgetTokens, BudgetUsd, budget_of, models_of
from ui.view import words

if TYPE_CHECKING:
    from store import Run
    from ui.view.story import Story

app = typer.Typer(help="The runs in the database.", no_args_is_help=True)

Status = Literal["running", "interrupted", "answered", "refused", "failed", "budget_exhausted", "cancelled"]
SortBy = Literal["created", "finished", "title", "status", "model", "calls", "tokens", "usd"]
RunId = Annotated[str, typer.Argument(metavar="ID", help="Run id, or the beginning of it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    status: Annotated[Status | None, typer.Option(help="Only runs with this status.")] = None,
    model: Annotated[str | None, typer.Option(help="Only runs of this model.")] = None,
    search: Annotated[str | None, typer.Option(help="Only runs whose task or id contains this.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Runs on a page.")] = 20,
    page: Annotated[int, typer.Option(min=1, help="Page, from 1.")] = 1,
    sort: Annotated[SortBy, typer.Option(help="What to order by, largest or latest first.")] = "created",
    json_: Json = False,
) -> None:
    """List runs, the latest first.

    backprose runs list --status answered --search "30-bus"
    """
    from dataclasses import asdict

    from store import Store, list_runs

    with Store.open() as store:
        found = list_runs(
            store, status=status, model=model, text=search, sort=sort, offset=(page - 1) * limit, limit=limit
        )
    if json_:
        show.as_json({"total": found.total, "runs": [asdict(run) for run in found.runs]})
        return
    columns = _COLUMNS if show.out().width >= WIDE else {name: _COLUMNS[name] for name in _NARROW}
    cells = [_cells(run) for run in found.runs]
    show.table(columns, [[row[name] for name in columns] for row in cells])
    first = (page - 1) * limit + 1
    shown = f"{first}-{first + len(found.runs) - 1} of {found.total}" if found.runs else f"none of {found.total}"
    typer.echo(f"showing {shown}", err=True)


@app.command("show")
def show_(
    run_id: RunId,
    events: Annotated[bool, typer.Option("--events", help="List the events of the log, too.")] = False,
    json_: Json = False,
) -> None:
    """Show a run: its trace as a tree, its answer, its values and what they stand on.

    backprose runs show ID
    """
    from store import Store
    from ui.cli.result import print_answer
    from ui.view.story import as_json, tell

    with Store.open() as store:
        story = tell(store, run_id)
        if json_:
            show.as_json(as_json(story) | {"trace": _spans(story)} | ({"events": _events(story)} if events else {}))
            return
        _print_header(story)
        _print_trace(story)
        typer.echo()
        print_answer(story)
        if story.error:
            hint = f" ({story.error.hint})" if story.error.hint else ""
            typer.echo(words.plain(f"Error: {story.error.message}{hint}"))
        if events:
            typer.echo()
            rows = [(r.seq, r.key, type(r.event).__name__, words.duration(r.seconds)) for r in story.records]
            show.table({"no": "right", "key": "left", "event": "left", "took": "right"}, rows)


@app.command("resume")
def resume(
    run_id: RunId,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    json_: Json = False,
) -> None:
    """Go on with a run that was interrupted, cancelled, stopped by its budget, or failed; what is done is not done again.

    An interrupted run goes on as the same run; any other is continued in a new one. Limits left out stay as they were; with
    one given, the others are none. Exit codes as for `backprose run`.

    backprose runs resume ID --budget-tokens 20000
    """
    from store import Store
    from ui.cli.live import carry_out
    from ui.cli.result import end
    from ui.launch import Resume
    from ui.view.story import tell

    limits = (budget_usd, budget_tokens, budget_calls)
    budget = budget_of(*limits) if any(limit is not None for limit in limits) else None
    with Store.open() as store:
        before = tell(store, run_id)
        bring_missing(models_of(before.run.model, before.graph))
        result = carry_out(store, Resume(run_id=before.run.id, budget=budget))
        end(tell(store, result.run_id), json_=json_)


@app.command("cancel")
def cancel(run_id: RunId) -> None:
    """Cancel a run that is under way, wherever on this machine it was started; what is done is kept.

    backprose runs cancel ID
    """
    from store import Store, get_run
    from ui.launch import cancel

    with Store.open() as store:
        run = get_run(store, run_id)
        cancel(store, run.id)
    typer.echo(f"asked {run.id} to stop; go on with it: backprose runs resume {run.id}")


@app.command("replay")
def replay(run_id: RunId, json_: Json = False) -> None:
    """Execute a finished run again from its log alone, and compare every event. Exit code 1 when any differs.

    backprose runs replay ID
    """
    import asyncio

    from agents import Runner
    from store import Store, get_events, get_run

    with Store.open() as store:
        run = get_run(store, run_id)
        runner = Runner(store)
        try:
            result, differences = asyncio.run(runner.replay(run.id))
        finally:
            runner.close()
        compared = len(get_events(store, run.id))
    told = [str(difference) for difference in differences]
    if json_:
        show.as_json({"run_id": run.id, "calls": result.spent.calls, "events": compared, "differences": told})
    else:
        sums = f"{words.count(result.spent.calls, 'call')} made, {words.count(compared, 'event')} compared"
        typer.echo(f"run {run.id} replayed: {sums}, {words.count(len(told), 'difference')}")
        for line in told:
            typer.echo(f"  {line}")
    if told:
        raise typer.Exit(1)


@app.command("export")
def export(
    run_id: RunId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; - for stdout.")] = None,
) -> None:
    """Write a run as one HTML file that stands alone: no network, no script, works from a folder or a mail.

    backprose runs export ID -o run.html
    """
    from store import Store
    from ui.export import export_html
    from ui.view.story import tell

    with Store.open() as store:
        story = tell(store, run_id)
        page = export_html(story)
    if output == Path("-"):
        typer.echo(page)
        return
    place = output or Path(f"run-{story.run.id}.html")
    place.write_text(page, encoding="utf-8", errors="backslashreplace")
    typer.echo(place)


@app.command("delete")
def delete(run_id: RunId, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete a run, and with it the content that no other run uses.

    backprose runs delete ID --yes
    """
    from store import Store, delete_run, get_run

    with Store.open() as store:
        run = get_run(store, run_id)
        if not yes and not typer.confirm(f"delete run {run.id}, {words.clipped(run.title, 60)!r}?", err=True):
            stop("nothing was deleted", code=1)
        delete_run(store, run.id)
    typer.echo(f"deleted {run.id}")


_COLUMNS = {
    "run": "left",
    "status": "left",
    "started": "left",
    "took": "right",
    "tokens": "right",
    "cost": "right",
    "model": "wrap",
    "task": "wrap",
}
_NARROW = ("run", "status", "took", "tokens", "task")
WIDE = 120  # columns of a terminal that has room for everything; a run's id tells when it began, too


def _cells(run: "Run") -> dict[str, str]:
    return {
        "run": run.id,
        "status": run.status,
        "started": words.moment(run.created),
        "took": words.duration(run.finished - run.created) if run.finished else "-",
        "tokens": f"{run.prompt_tokens + run.completion_tokens:,}",
        "cost": words.money(run.usd),
        "model": run.model,
        "task": run.title,
    }


def _print_header(story: "Story") -> None:
    run, paid, cached = story.run, story.ledger.paid, story.ledger.cached
    typer.echo(f"Run {run.id}: {words.STATUS_WORDS[run.status]}")
    typer.echo(words.plain(f"Task: {story.task}"))
    typer.echo(f"Started {words.moment(run.created)}, took {words.duration(story.seconds)}")
    typer.echo(f"Model {run.model}, seed {run.seed}" + (f", network {run.graph_hash}" if run.graph_hash else ""))
    typer.echo(words.bill(paid.calls, paid.prompt_tokens + paid.completion_tokens, paid.usd))
    if cached.calls:
        saved = words.bill(cached.calls, cached.prompt_tokens + cached.completion_tokens, cached.usd)
        typer.echo(f"taken from earlier runs: {saved}")
    if run.parent:
        typer.echo(f"{'Continues' if run.relation == 'continue' else 'Forked from'} run {run.parent}")
    typer.echo()


def _print_trace(story: "Story") -> None:
    from ui.view.trace import walk

    rows = []
    for depth, span in list(walk(story.trace))[1:]:
        name = "  " * (depth - 1) + span.title
        said = f"{span.error.kind}: {span.error.message}" if span.error else span.detail
        note = "; ".join(part for part in ("known" if span.cached else "", said) if part)
        rows.append((name, words.duration(span.seconds), f"{span.tokens:,}" if span.tokens else "", note))
    show.table({"what": "left", "took": "right", "tokens": "right", "how": "wrap"}, rows)


def _spans(story: "Story") -> list[dict[str, object]]:
    """The trace as rows with their depth, without the events themselves."""
    from ui.view.trace import walk

    shown = ("kind", "name", "at", "start", "end", "tokens", "usd", "cached", "detail")
    rows = []
    for depth, span in walk(story.trace):
        error = span.error.model_dump() if span.error else None
        rows.append({"depth": depth, **{name: getattr(span, name) for name in shown}, "error": error})
    return rows


def _events(story: "Story") -> list[dict[str, object]]:
    return [
        {"seq": r.seq, "key": r.key, "ended": r.ended, "seconds": r.seconds, **r.event.model_dump(mode="json")}
        for r in story.records
    ]
