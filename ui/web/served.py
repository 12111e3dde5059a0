"""The dashboard as the server takes it: the pages behind their door."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.starlette import App

from ui.web.door import Door
from ui.web.parts import way_in

app = App(
    Path(__file__).with_name("app.py"),
    middleware=[Middleware(Door, access=way_in(), port=int(st.get_option("server.port")))],
)
