"""The pages with their addresses, and the ways from one to another."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import streamlit as st

_TITLES = ("Ask", "Runs", "Run", "Learning", "Compare", "Tools", "Papers", "Settings")


def navigate(gate: Callable[[], None] | None = None) -> None:
    """Draw the menu, and the page that the address names. Streamlit keeps state in pages, so each visit has its own.

    Args:
        gate: What stands at every address instead, for those who may not see the pages yet.
    """
    pages = {}
    for title in _TITLES:
        name = title.lower()
        pages[name] = st.Page(gate or partial(_page, name), title=title, url_path=name, default=title == "Ask")
    here = st.navigation(list(pages.values()), position="hidden" if gate else "top")
    st.session_state["pages"], st.session_state["here"] = pages, here.title.lower()
    here.run()


def _page(name: str) -> None:
    """Draw a page; its module, and what that needs, is imported when somebody first goes there, if it is not yet."""
    _module(name).page()


def import_pages() -> None:
    """Import all pages, so that nobody has to wait for it."""
    for title in _TITLES:
        _module(title.lower())


def _module(name: str) -> Any:
    return import_module(f"ui.web.views.{name}")


def link(page: str, label: str, **parameters: str) -> None:
    """A way to a page; `label` is markdown. An empty parameter is none."""
    given = {name: value for name, value in parameters.items() if value}
    if page != st.session_state["here"]:
        st.page_link(st.session_state["pages"][page], label=label, query_params=given)
        return
    key = f"to-{page}-{'-'.join(given.values())}-{label}"  # a link of Streamlit's to its own page forgets the address
    st.button(label, key=key, type="tertiary", on_click=_readdress, args=(parameters,))


def open_page(page: str, **parameters: str) -> None:
    """Go to a page; nothing after this is done."""
    if page != st.session_state["here"]:
        st.switch_page(st.session_state["pages"][page], query_params=parameters)
    _readdress(parameters)
    st.rerun()


def parameter(name: str) -> str:
    """What the address says; empty if it says nothing."""
    value: Any = st.query_params.get(name, "")
    return str(value)


def _readdress(parameters: dict[str, str]) -> None:
    for name, value in parameters.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
