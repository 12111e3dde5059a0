"""`backprose papers`: the 42 papers, their tools, where each stands, and its bar."""

from dataclasses import asdict
from typing import Annotated

import typer

from ui.cli import show


def papers(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the 42 papers: number, tool, status, title, and the bar its tool must clear.

    "ready" says that this version has the tool, not that the bar is met; "planned" that it has not.

    backprose papers
    """
    from ui.view.papers import papers as listed

    rows = listed()
    if json_:
        show.as_json([asdict(row) for row in rows])
        return
    show.table(
        {"no": "right", "tool": "left", "status": "left", "title": "wrap", "bar": "wrap"},
        [(f"{r.number:02d}", r.tool or "the engine itself", r.status, r.title, r.bar) for r in rows],
    )
