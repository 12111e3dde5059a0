"""`backprose ui`: the dashboard, served on this machine."""

import os
from typing import Annotated

import typer


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port to serve on.")] = 8501,
    address: Annotated[
        str, typer.Option(help="Address to listen on; any but loopback demands a token or --login.")
    ] = "127.0.0.1",
    token: Annotated[
        str, typer.Option(envvar="BACKPROSE_UI_TOKEN", help="Token that visitors must give; at least 16 characters.")
    ] = "",
    login: Annotated[
        bool, typer.Option("--login", help="Visitors sign in with the identity provider of Streamlit's secrets.toml.")
    ] = False,
) -> None:
    """Serve the dashboard: ask, watch, look, compare, try tools. Runs go on when it is closed.

    backprose ui
    """
    from store import Store
    from ui.view.access import LOGIN, TOKEN, AccessError, access
    from ui.web.serving import command

    try:
        way_in = access(address, token, login)
    except AccessError as error:
        from ui.cli.fail import stop

        stop(error.message, error.hint)
    Store.open().close()  # says at once what is wrong with the database
    os.environ |= {TOKEN: token, LOGIN: "1" if login else ""}  # not on the command line, which others can read
    shown = f"[{address}]" if ":" in address else address
    typer.echo(f"Backprose is at http://{shown}:{port} for {way_in}; Ctrl-C stops serving, not the runs", err=True)
    program = command(address, port)
    os.execv(program[0], program)
