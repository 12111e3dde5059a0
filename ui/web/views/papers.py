"""Papers: the 42 rows with the tool that carries each, its bar, and what was measured here and by its peer."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.papers import PartResult, all_results
from ui.view import markup, words
from ui.view.papers import PaperRow, matches, papers, table_row
from ui.web import parts
from ui.web.addresses import link

_COLOURS = {"ready": "green", "engine": "blue", "planned": "gray"}


def page() -> None:
    rows = papers()
    ready = sum(row.status == "ready" for row in rows)
    parts.title(
        "Papers", f"{len(rows)} papers, one of them the engine; {ready} of the others have their tool in this version."
    )
    search, status = st.columns([3, 1])
    with search:
        text = st.text_input(
            "Search", key="q", bind="query-params", placeholder="words of the title, the tool or the bar"
        )
    with status:
        wanted = st.selectbox(
            "Status", ["", *_COLOURS], key="status", bind="query-params", format_func=lambda s: s or "any"
        )
    found = [row for row in rows if matches(row, text, wanted or "")]
    if not found:
        parts.empty("No paper is like that.", "Search for other words, or take the filter away.")
    measured = all_results()
    for row in found:
        _row(row, measured.get(row.number, {}))


def _row(row: PaperRow, measured: Mapping[str, PartResult]) -> None:
    with st.container(border=True):
        head, side = st.columns([6, 1.4])
        with head:
            st.markdown(f"**{row.number:02d}** {words.markdown(row.title)} :gray[arXiv {words.markdown(row.arxiv)}]")
        with side:
            colour: Any = _COLOURS[row.status]
            st.badge(row.standing, color=colour)
        st.markdown(f":gray[Bar] {words.markdown(row.bar)}")
        if row.status == "ready":
            link("tools", f"Try {words.markdown(row.tool)}", tool=row.tool)
        if measured:
            _measured(row, measured)


def _measured(row: PaperRow, parts: Mapping[str, PartResult]) -> None:
    """Ours beside the target, the paper's own figure and the peers', as they were measured last."""
    opened = st.expander(
        "Measured: ours, the target, the paper's and the peers' figures",
        type="compact",
        key=f"paper-{row.number}",
        on_change="rerun",
    )
    if not opened.open:
        return
    with opened:
        for name, part in parts.items():
            st.markdown(f"**{words.markdown(name)}** :gray[{words.markdown(f'{part.date}, {part.minutes:g} min')}]")
            lines = [table_row(line) for line in part.lines]
            st.html(
                markup.table(("what", "ours", "target", "", "paper", "others in the same run"), lines, caption=name)
            )
            for line in part.lines:
                if line.note:
                    st.markdown(f":gray[{words.markdown(f'{line.what}: {line.note}')}]")
