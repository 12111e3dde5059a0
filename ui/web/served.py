"""The dashboard as the server takes it: the pages behind their door, and what a browser needs to draw them from memory."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.starlette import App

from ui.web.addresses import import_pages
from ui.web.assets import Assets
from ui.web.door import Door
from ui.web.parts import way_in
from ui.web.preload import Preload
from ui.web.wire import AtOnce

_STREAMLIT = Path(st.__file__).with_name("static")  # its page, and below it what the page needs

logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # that it has started, `backprose ui` says itself


@asynccontextmanager
async def _importing(_app: App) -> AsyncIterator[None]:
    """Import the pages beside the serving: the first visitor's browser is busy with its own beginning meanwhile."""
    threading.Thread(target=import_pages, name="import-pages", daemon=True).start()
    yield


app = App(
    Path(__file__).with_name("app.py"),
    lifespan=_importing,
    middleware=[
        Middleware(AtOnce),
        Middleware(Door, access=way_in(), port=int(st.get_option("server.port"))),
        Middleware(Assets, folder=_STREAMLIT / "static", prefix="/static"),
        Middleware(Preload, static=_STREAMLIT),
    ],
)
