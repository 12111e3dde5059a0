"""What a browser needs comes at once, from memory, and nothing else comes that way."""

import asyncio
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.web.assets import Assets
from ui.web.wire import AtOnce


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files" / "js").mkdir(parents=True)
    (tmp_path / "files" / "js" / "a.0f1e.js").write_text("let a = 1")
    (tmp_path / "files" / "font.woff2").write_bytes(bytes(range(256)))
    (tmp_path / "secret.txt").write_text("of nobody's business")
    return tmp_path / "files"


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    async def other(request: Request) -> PlainTextResponse:
        return PlainTextResponse("from elsewhere")

    routes = [Route("/{path:path}", other, methods=["GET", "POST", "HEAD"])]
    middleware = [Middleware(AtOnce), Middleware(Assets, folder=folder, prefix="/static")]
    with TestClient(Starlette(routes=routes, middleware=middleware)) as asking:
        yield asking


def test_a_file_comes_whole_with_its_type_and_may_be_kept_for_good(client: TestClient, folder: Path) -> None:
    script = client.get("/static/js/a.0f1e.js")
    assert (script.text, script.headers["content-type"]) == ("let a = 1", "text/javascript; charset=utf-8")
    assert "immutable" in script.headers["cache-control"]
    (folder / "js" / "a.0f1e.js").unlink()
    assert client.get("/static/js/a.0f1e.js").text == "let a = 1"  # from memory
    font = client.get("/static/font.woff2")
    assert font.content == bytes(range(256))
    assert font.headers["content-length"] == "256"


@pytest.mark.parametrize(
    "place",
    [
        "/",
        "/static",
        "/static/js",
        "/static/js/b.js",
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/js/a.0f1e.js",
    ],
)
def test_what_is_not_in_the_folder_is_asked_of_the_application(client: TestClient, place: str) -> None:
    assert client.get(place).text == "from elsewhere"


def test_other_questions_than_for_a_whole_file_go_to_the_application(client: TestClient) -> None:
    assert client.post("/static/js/a.0f1e.js").text == "from elsewhere"
    assert client.get("/static/js/a.0f1e.js", headers={"Range": "bytes=0-2"}).text == "from elsewhere"


@pytest.mark.parametrize("at_once", [True, False])
def test_nagles_algorithm_is_off_on_a_socket_bound_as_streamlits_is(at_once: bool) -> None:
    """With `at_once` false it is on, which is why there is something to do; should that change, `ui.web.wire` can go."""
    seen: list[int] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        held = receive.__self__.transport.get_extra_info("socket")
        seen.append(held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await PlainTextResponse("seen")(scope, receive, send)

    bound = socket.socket(socket.AF_INET)
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    server = uvicorn.Server(uvicorn.Config(AtOnce(look) if at_once else look, lifespan="off", log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True)
    thread.start()
    with urllib.request.urlopen(f"http://127.0.0.1:{bound.getsockname()[1]}/", timeout=30) as answer:
        assert answer.read() == b"seen"
    server.should_exit = True
    thread.join(30)
    assert [bool(set_) for set_ in seen] == [at_once]
