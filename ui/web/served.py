"""The dashboard as the server takes it: the pages behind their door, and what a browser needs to draw them from memory."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.starlette import App

from ui.web.assets import Assets
from ui.web.door import Door
from ui.web.parts import way_in
from ui.web.wire import AtOnce

_ASSETS = Path(st.__file__).with_name("static") / "static"

app = App(
    Path(__file__).with_name("app.py"),
    middleware=[
        Middleware(AtOnce),
        Middleware(Door, access=way_in(), port=int(st.get_option("server.port"))),
        Middleware(Assets, folder=_ASSETS, prefix="/static"),
    ],
)
