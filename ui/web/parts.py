"""What several pages are made of: the open store, the theme's colours, small pieces of a page."""

import os
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st

from store import Run, Store, StoreError
from tools import Executor
from ui.launch import LaunchError
from ui.view import listing, words
from ui.view.access import LOGIN, TOKEN, Access, access
from ui.view.bodies import Shown
from ui.view.charts import Option, Palette, palette
from ui.view.live import Live
from ui.view.markup import table

EVERY = 1.0  # seconds between two looks at a run under way
_opening = Lock()


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The store, opened once for all who look."""
    with _opening:
        return Store.open()


@st.cache_resource(show_spinner=False, max_entries=12)
def live(run_id: str) -> Live:
    """A run as far as it has come, shared by all who look at it."""
    return Live(store(), run_id)


@st.cache_resource(show_spinner=False)
def executor() -> Executor:
    """Where tools are tried by hand; its workers are other processes."""
    return Executor(workers=2)


def way_in() -> Access:
    """Who may in, from the server's options and the environment.

    Raises:
        AccessError: The pages may not be served like this.
    """
    return access(str(st.get_option("server.address") or ""), os.environ.get(TOKEN, ""), bool(os.environ.get(LOGIN)))


def style() -> None:
    """The pages' style sheet."""
    st.html(f"<style>{Path(__file__).with_name('style.css').read_text(encoding='utf-8')}</style>")


def colours() -> Palette:
    """The colours of the reader's theme."""
    return palette(st.context.theme.type == "dark")


def title(text: str, below: str = "") -> None:
    """A page's heading."""
    st.header(text, anchor=False)
    if below:
        st.markdown(f":gray[{words.markdown(below)}]")


def empty(what: str, to_do: str) -> None:
    """There is nothing to show: say what there would be, and what to do."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.markdown(f":gray[{to_do}]")


def complain(error: Exception) -> None:
    """An error in plain words with what would be right."""
    message, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
    st.error(words.markdown(message) + (f"  \n{words.markdown(hint[:1].upper() + hint[1:])}." if hint else ""))


FAILURES = (StoreError, LaunchError)


def chart(option: Option, alt: str, height: int, *, key: str, on_select: Any = "ignore") -> Any:
    """A picture with the same in words."""
    return st.echarts_chart(option, height=height, key=key, on_select=on_select, renderer="svg", alt=alt)


def status_badge(run: Run) -> str:
    """A run's status as markdown."""
    return f":{listing.COLOURS.get(run.status, 'gray')}-badge[{words.markdown(listing.status(run))}]"


def file(found: Shown, key: str) -> None:
    """A file that a tool left: a picture, a table, or its name; each can be taken along."""
    name = found.caption or found.name
    if found.picture:
        st.image(found.data, caption=words.markdown(name), alt=name)
    elif found.table:
        with st.expander(f"{words.markdown(name)} :gray[{words.count(len(found.table) - 1, 'row')}]"):
            st.html(table(found.table[0], found.table[1:], caption=name))
            if found.cut:
                st.markdown(f":gray[the first {len(found.table) - 1} rows; the file has them all]")
    st.download_button(
        f"{found.name} ({found.size})", found.data, found.name, found.media_type, key=key, on_click="ignore"
    )


def pager(pages: int, key: str) -> int:
    """Which page is looked at, from 1; nothing is drawn when there is only one."""
    if pages <= 1:
        return 1
    return int(st.number_input(f"Page, of {pages:,}", 1, pages, key=key, width=160))
