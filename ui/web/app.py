"""The dashboard's frame: who may in, and the pages with their addresses. Streamlit runs this file at every click."""

import os
from functools import partial

import streamlit as st

from ui.view.access import LOGIN, TOKEN, Access, AccessError, access
from ui.web import parts
from ui.web.addresses import navigate


def main() -> None:
    st.set_page_config("Backprose", layout="wide", initial_sidebar_state="collapsed")
    parts.style()
    try:
        way_in = access(
            str(st.get_option("server.address") or ""), os.environ.get(TOKEN, ""), bool(os.environ.get(LOGIN))
        )
    except AccessError as error:
        parts.complain(error)
        return
    if way_in.by == "open" or st.session_state.get("admitted") or (way_in.by == "login" and st.user.is_logged_in):
        navigate()
    else:
        navigate(sign_in if way_in.by == "login" else partial(ask_for_token, way_in))


def sign_in() -> None:
    parts.title("Backprose", "Sign in to see runs, tools and results.")
    st.button("Sign in", type="primary", on_click=st.login)


def ask_for_token(way_in: Access) -> None:
    parts.title("Backprose", "Whoever started this server has its token.")
    with st.form("token", width=420):
        given = st.text_input("Token", type="password", autocomplete="current-password")
        sent = st.form_submit_button("Enter", type="primary")
    if sent and way_in.admits(given):
        st.session_state["admitted"] = True
        st.rerun()
    if sent:
        st.error("That is not the token.")


main()
