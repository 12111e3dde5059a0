"""Printing: tables and JSON on stdout, as wide as the terminal, plain when nobody but a program reads along."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from ui.view import words

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 160  # columns when stdout is no terminal


def as_json(value: Any) -> None:
    """One JSON value on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def out() -> "Console":
    """The console on stdout."""
    return _console(stderr=False)


def err() -> "Console":
    """The console on stderr."""
    return _console(stderr=True)


def table(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout.

    Args:
        columns: Titles, each with "left" or "right", or "wrap" for a left column that may take several lines.
        rows: As many cells as columns each.
    """
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title, side in columns.items():
        shown.add_column(title, justify="right" if side == "right" else "left", no_wrap=side != "wrap", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(words.plain(str(cell))) for cell in row))
    out().print(shown)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, soft_wrap=False)
