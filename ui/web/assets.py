"""Streamlit's own scripts, styles and fonts from memory: a first visit asks for a hundred of them, one after another.

Streamlit opens and reads each file anew in a thread of its own, some 10 ms each beside a browser that keeps the processor busy;
from memory it is less than one. Their names hold a hash of what they say, so that a browser may keep them for good.
"""

import mimetypes
from functools import cache
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send


class Assets:
    """Stands before an application (ASGI) and answers for the files of a folder as they were at the start.

    Args:
        app: Answers everything else.
        folder: What is served below `prefix`. The files are read when they are first asked for, and kept.
        prefix: Where the folder is in the addresses, as `/static`.
    """

    def __init__(self, app: ASGIApp, folder: Path, prefix: str) -> None:
        self._app = app
        self._files = {f"{prefix}/{f.relative_to(folder).as_posix()}": f for f in folder.rglob("*") if f.is_file()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = self._files.get(scope.get("path", "")) if scope["type"] == "http" and scope["method"] == "GET" else None
        if file is None or any(name == b"range" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        headers, body = _answer(file)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@cache
def _answer(file: Path) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and content of a file."""
    body = file.read_bytes()
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {
        "content-type": f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type,
        "content-length": str(len(body)),
        "cache-control": "public, immutable, max-age=31536000",
        "x-content-type-options": "nosniff",
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()], body
