"""Pieces of HTML for the pages: every text in them is escaped, so that nothing a model or a tool wrote is ever more than text."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ui.view import words
from ui.view.bodies import Row, rows
from ui.view.diff import Word
from ui.view.evidence import Certificate


def text(said: str) -> str:
    """A text on one line."""
    return escape(words.plain(said))


def prose(said: str, kind: str = "") -> str:
    """A text with its line breaks."""
    return f'<div class="bp-prose {escape(kind)}">{text(said)}</div>'


def verbatim(said: str) -> str:
    """A text letter by letter, such as a prompt."""
    return f'<pre class="bp-pre" tabindex="0">{text(said)}</pre>'


def table(
    head: Sequence[str], lines: Iterable[Sequence[object]], *, right: Sequence[int] = (), caption: str = ""
) -> str:
    """A table.

    Args:
        head: Column titles.
        lines: Cells, as many a line as there are columns.
        right: Columns whose cells stand to the right, from 0.
        caption: What the table is, for those who cannot see it.
    """
    side = [' class="bp-num"' if k in right else "" for k in range(len(head))]
    titles = "".join(f'<th scope="col"{s}>{escape(title)}</th>' for title, s in zip(head, side, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{s}>{_cell(cell)}</td>" for cell, s in zip(line, side, strict=True)) + "</tr>"
        for line in lines
    )
    named = f'<caption class="bp-unseen">{escape(caption)}</caption>' if caption else ""
    whole = f'<table class="bp-table">{named}<thead><tr>{titles}</tr></thead>{body}</table>'
    return f'<div class="bp-wide" tabindex="0">{whole}</div>'


def fields(values: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """A JSON object as name, value and unit; lists of objects as tables of their own below."""
    shown = rows(values, units)
    plain = [row for row in shown if not row.table]
    lines = "".join(f'<tr><th scope="row">{escape(r.name)}</th><td>{_value(r)}</td></tr>' for r in plain)
    own = "".join(f"<h5>{escape(r.name)}</h5>" + table(r.table[0], r.table[1:]) for r in shown if r.table)
    return f'<table class="bp-table bp-fields">{lines}</table>{own}' if shown else '<p class="bp-quiet">nothing</p>'


def facts(pairs: Mapping[str, object]) -> str:
    """Names and what they are, side by side."""
    lines = "".join(f'<tr><th scope="row">{escape(n)}</th><td>{_cell(v)}</td></tr>' for n, v in pairs.items())
    return f'<table class="bp-table bp-fields">{lines}</table>'


def certificates(found: Iterable[Certificate]) -> str:
    """Each certificate with whether it holds."""
    return "".join(
        f'<p class="bp-cert {"bp-good" if c.holds else "bp-bad"}"><span aria-hidden="true">{"✓" if c.holds else "✗"}</span> '
        f"{escape(str(c))}</p>"
        for c in found
    )


def figure(value: str, unit: str) -> str:
    """A number that matters, large, with its unit."""
    return f'<div class="bp-big">{escape(value)} <span class="bp-unit">{escape(unit)}</span></div>'


def changes(diff: Iterable[Word]) -> str:
    """A text with what was taken out struck through and what was put in underlined."""
    tags = {"kept": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>"}
    return f'<div class="bp-prose bp-diff">{"".join(tags[w.change].format(escape(w.text)) for w in diff)}</div>'


def _value(row: Row) -> str:
    value = f'<span class="bp-figure">{text(row.text)}</span>'
    if row.long:
        value = f"<details><summary>{len(row.text):,} characters</summary>{text(row.text)}</details>"
    return value + (f' <span class="bp-quiet">{escape(row.unit)}</span>' if row.unit and row.unit != "1" else "")


def _cell(value: object) -> str:
    return text(words.number(value))
