"""Settings: the models that can be used, which keys are present, the database, and who may look at these pages."""

import streamlit as st

from agents.models import UnknownModel, list_models, set_default
from ui.view import health, markup, words
from ui.web import parts


def page() -> None:
    parts.title("Settings")
    _models()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Keys", anchor=False)
        st.markdown(":gray[Taken from the environment of this server; never shown, never stored.]")
        st.html(markup.facts(health.keys()))
    with right:
        st.subheader("Database", anchor=False)
        st.html(markup.facts(health.database(parts.store())))
        st.subheader("This machine", anchor=False)
        way_in = parts.way_in()
        known = {"signed in as": str(st.user.get("email") or st.user.get("sub"))} if way_in.by == "login" else {}
        st.html(markup.facts({**health.machine(), "who may look": str(way_in), **known}))
        if known:
            st.button("Sign out", on_click=st.logout)


def _models() -> None:
    st.subheader("Models", anchor=False)
    rows = list_models()
    lines = [("default" if r.default else "", r.name, "yes" if r.usable else "no", r.what, r.why_not) for r in rows]
    st.html(markup.table(("", "model", "usable", "what", "what is missing"), lines, caption="Models that can be named"))
    names = [row.name for row in rows if row.usable and "MODEL" not in row.name]
    default = next((row.name for row in rows if row.default), "")
    with st.form("default", border=False):
        box, button = st.columns([3, 1], vertical_alignment="bottom")
        chosen = box.selectbox(
            "Default model",
            list(dict.fromkeys([default, *names])),
            accept_new_options=True,
            help="For whoever names none.",
        )
        if button.form_submit_button("Make it the default") and chosen:
            try:
                set_default(chosen)
            except UnknownModel as error:
                parts.complain(error)
            else:
                st.toast(words.markdown(f"{chosen} is the default now"))
