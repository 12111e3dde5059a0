"""Telling a browser early which scripts the pages need, so that it fetches them while it starts Streamlit.

Streamlit's page names the scripts it starts with. Those of the single elements (a text box, a list) are asked for only when the
first of them has to be drawn: after the start, one after another, while whoever came is waiting.
"""

import re
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ELEMENTS = ("TextArea", "Selectbox", "NumberInput", "Button", "Html", "PageLink", "TextInput", "Checkbox")
_IMPORT = re.compile(r'(?:from|import)\s*"\./([\w.-]+\.js)"')  # an import(...) is for later


def scripts(folder: Path, elements: tuple[str, ...], known: str = "") -> list[str]:
    """The scripts that elements are drawn by, each with those that it imports before it.

    Args:
        folder: Holds scripts, as `TextArea.DxPXcY61.js`.
        elements: What is to be drawn. What this version of Streamlit does not have is left out.
        known: The page; what it names already is left out.
    """
    found: dict[str, None] = {}

    def add(name: str) -> None:
        if name in known or name in found or not (folder / name).is_file():
            return
        found[name] = None
        for other in _IMPORT.findall((folder / name).read_text(encoding="utf-8")):
            add(other)

    for element in elements:
        for file in sorted(folder.glob(f"{element}.*.js")):
            add(file.name)
    return list(found)


class Preload:
    """Stands before an application (ASGI) and adds to its pages which scripts are needed soon.

    Args:
        app: Answers with pages and all else.
        static: Streamlit's folder of what it serves: its page, and the scripts in `static/js`.
    """

    def __init__(self, app: ASGIApp, static: Path) -> None:
        page = (static / "index.html").read_text(encoding="utf-8")
        found = scripts(static / "static" / "js", ELEMENTS, page)
        links = (f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in found)
        self._app, self._links = app, "".join(links).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or b"text/html" not in _header(scope, b"accept"):
            await self._app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": plain}, receive, _Adding(self._links, send))


class _Adding:
    """Passes an answer on; a page is held until it is whole, and gets its links at the end of its head."""

    def __init__(self, links: bytes, send: Send) -> None:
        self._links, self._send = links, send
        self._begun: Message | None = None
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _header(message, b"content-type").startswith(b"text/html"):
            self._begun = message
        elif self._begun is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._page += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._begun)

    async def _finish(self, begun: Message) -> None:
        page = self._page.replace(b"</head>", self._links + b"</head>", 1)
        kept = [(name, value) for name, value in begun["headers"] if name.lower() != b"content-length"]
        await self._send({**begun, "headers": [*kept, (b"content-length", str(len(page)).encode())]})
        await self._send({"type": "http.response.body", "body": page})


def _header(message: Message, wanted: bytes) -> bytes:
    """A header of a request or an answer; empty where it has none."""
    return next((bytes(value) for name, value in message["headers"] if name.lower() == wanted), b"")
