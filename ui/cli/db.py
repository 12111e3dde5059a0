"""`backprose db`: the database that runs are kept in."""

from typing import Annotated

import typer

from ui.cli import show

app = typer.Typer(
    help="The database that runs are kept in (BACKPROSE_DB, or a file in your data folder).", no_args_is_help=True
)


@app.command("status")
def status(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say where the database is and whether its schema fits this version. Exit code 1 when it does not.

    backprose db status
    """
    from store import schema_status

    found = schema_status()
    if json_:
        facts = {"url": found.url, "found": found.found, "expected": found.expected, "state": found.state}
        show.as_json(facts)
    else:
        typer.echo(f"{found.url}\nschema {found.found or 'none'}, this version needs {found.expected}: {found.state}")
    if found.state in ("older", "newer"):
        raise typer.Exit(1)


@app.command("upgrade")
def upgrade() -> None:
    """Bring the database's schema to this version; an empty database gets its tables.

    backprose db upgrade
    """
    from store import upgrade

    found = upgrade()
    typer.echo(f"{found.url}\nschema {found.found}: {found.state}")
