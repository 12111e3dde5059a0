"""The dashboard's frame: who may in, and the pages with their addresses. Streamlit runs this file at every click."""

import time

import streamlit as st
from streamlit.errors import StreamlitAuthError

from ui.view.access import Access, AccessError, cookie
from ui.web import parts
from ui.web.addresses import navigate


def main() -> None:
    st.set_page_config("Backprose", layout="wide", initial_sidebar_state="collapsed")
    parts.style()
    try:
        way_in = parts.way_in()
    except AccessError as error:
        parts.complain(error)
        return
    navigate(None if admitted(way_in) else sign_in if way_in.by == "login" else stand_outside)


def admitted(way_in: Access) -> bool:
    """Whether this visitor may see the pages. The door has looked already, but these pages do not trust that it was there."""
    if way_in.by == "login":
        return bool(st.user.get("is_logged_in", False))
    if way_in.by == "token" and not st.session_state.get("admitted"):
        kept = st.context.cookies.get(cookie(int(st.get_option("server.port"))), "")
        st.session_state["admitted"] = way_in.knows(kept, time.time())
    return way_in.by == "open" or st.session_state["admitted"]


def sign_in() -> None:
    parts.title("Backprose", "Sign in to see runs, tools and results.")
    if st.button("Sign in", type="primary"):
        try:
            st.login()
        except StreamlitAuthError as error:
            parts.complain(error)


def stand_outside() -> None:
    parts.title("Backprose", "Load this page anew to give the token, on a server that `backprose ui` started.")


main()
