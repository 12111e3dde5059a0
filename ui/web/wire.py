"""Sending at once: no answer waits in the kernel for the browser to acknowledge the one before it.

Streamlit binds its socket such that Python leaves Nagle's algorithm on (`asyncio` turns it off only where the socket names its
protocol, and Streamlit's does not). Each answer goes out in two writes, head and body, and the second then waits for a delayed
acknowledgement of the first: 40 ms for each of the hundred files of a first visit, and for replies to clicks.
"""

import socket

from starlette.types import ASGIApp, Receive, Scope, Send


class AtOnce:
    """Stands before an application (ASGI) and turns Nagle's algorithm off for each connection that comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # ASGI has no name for the connection; uvicorn's `receive` belongs to what holds it. Elsewhere nothing is changed.
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        held = transport.get_extra_info("socket") if transport is not None else None
        if held is not None and held.family in (socket.AF_INET, socket.AF_INET6):
            held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._app(scope, receive, send)
