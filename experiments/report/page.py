"""The report as one HTML file that stands alone: no script, no request, all text escaped."""

import base64
from collections.abc import Sequence
from importlib.metadata import version

from experiments.report import pictures
from experiments.report.board import Board
from experiments.report.table import COLUMNS, note, rows, title


def page(boards: Sequence[Board]) -> str:
    """The page of some boards as HTML text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("experiments.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env.get_template("report.html").render(
        boards=boards,
        columns=COLUMNS,
        rows=rows,
        title=title,
        note=note,
        pictures=_pictures,
        zip=zip,
        version=version("backprose"),
    )


def _pictures(board: Board) -> list[tuple[str, str]]:
    """What each picture shows, and the picture as a data URI."""
    drawn = []
    if any(e.score for e in board.entries):
        drawn += [
            ("Score with its 95 % interval", pictures.scores(board)),
            (
                "Cost against score; no system beats those on the dashed line in both",
                pictures.cost_against_score(board),
            ),
        ]
    if board.verdicts:
        drawn.append((f"Paired wins and losses against {board.baseline}", pictures.wins(board)))
    return [(what, f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}") for what, svg in drawn]
