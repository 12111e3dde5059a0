"""The pages with their addresses, and the ways from one to another."""

from typing import Any, NoReturn

import streamlit as st

_TITLES = ("Ask", "Runs", "Run", "Learning", "Compare", "Tools", "Papers", "Settings")


def pages() -> list[st.Page]:
    """The pages of this visit, in the order of the menu. Streamlit keeps state in them, so each visit has its own."""
    from ui.web.pages import ask, compare, learning, papers, run, runs, settings, tools

    modules = (ask, runs, run, learning, compare, tools, papers, settings)
    made = {
        title.lower(): st.Page(module.page, title=title, url_path=title.lower(), default=title == "Ask")
        for title, module in zip(_TITLES, modules, strict=True)
    }
    st.session_state["pages"] = made
    return list(made.values())


def link(page: str, label: str, **parameters: str) -> None:
    """A link to a page; `label` is markdown."""
    st.page_link(st.session_state["pages"][page], label=label, query_params=parameters)


def open_page(page: str, **parameters: str) -> NoReturn:
    """Go to a page."""
    st.switch_page(st.session_state["pages"][page], query_params=parameters)


def parameter(name: str) -> str:
    """What the address says; empty if it says nothing."""
    value: Any = st.query_params.get(name, "")
    return str(value)
