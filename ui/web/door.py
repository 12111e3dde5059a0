"""The door where a token is demanded: until a browser has given it, nothing behind answers, neither page, file nor socket.

Streamlit forgets a session at every refresh, and has no way to set a cookie. So the token is asked for here, before Streamlit, by
a page without script, and the browser keeps a pass for its session in a cookie that no script can read.
"""

import html
import time
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.view.access import Access, cookie

HEALTH = "/_stcore/health"  # says nothing but that the server is up
MOST = 4096  # bytes of a form
WRONG = "That is not the token."
_FORM = Path(__file__).with_name("door.html")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Door:
    """Stands before an application (ASGI) and lets those in whom `access` knows.

    Args:
        app: What is behind the door.
        access: Who may in; where no token is demanded, the door stands open.
        port: TCP port that is served.
    """

    def __init__(self, app: ASGIApp, access: Access, port: int) -> None:
        self._app, self._access, self._cookie = app, access, cookie(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._lets(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            response = await self._answer(Request(scope, receive))
            await response(scope, receive, send)

    def _lets(self, scope: Scope) -> bool:
        if self._access.by != "token" or scope["type"] == "lifespan" or scope["path"] == HEALTH:
            return True
        return self._access.knows(HTTPConnection(scope).cookies.get(self._cookie, ""), time.time())

    async def _answer(self, request: Request) -> HTMLResponse | RedirectResponse:
        if request.method != "POST":
            return _form()
        if not self._access.admits(await _token(request)):
            return _form(WRONG)
        wanted = "/" + request.url.path.lstrip("/\\") + (f"?{request.url.query}" if request.url.query else "")
        entered = RedirectResponse(wanted, 303)  # to where one wanted to go, and never to another host
        entered.set_cookie(
            self._cookie,
            self._access.pass_for(time.time()),
            httponly=True,
            samesite="lax",  # a link from elsewhere may lead here; no form or script from elsewhere is known
            secure=request.url.scheme == "https",
        )
        return entered


async def _token(request: Request) -> str:
    """The token in a form; empty if there is none, or the form is longer than any would be."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST:
            return ""
    return parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]


def _form(complaint: str = "") -> HTMLResponse:
    page = _FORM.read_text(encoding="utf-8").replace("{complaint}", html.escape(complaint))
    return HTMLResponse(page, 401, _HEADERS)
