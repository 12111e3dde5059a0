"""The door: what is behind it answers only those who gave the token."""

import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.view.access import LASTS, Access, cookie
from ui.web.door import Door

TOKEN, PORT = "a-secret-nobody-guesses", 8501
GUARDED = Access("token", TOKEN)
PLACES = (
    "/",
    "/runs",
    "/media/abc.png",
    "/static/js/index.js",
    "/_stcore/host-config",
    "/_stcore/health/x",
    "/oauth2callback",
)


async def told(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"behind the door: {request.url.path}")


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("behind the door")


def knock(access: Access) -> TestClient:
    routes = [WebSocketRoute("/_stcore/stream", stream), Route("/{path:path}", told, methods=["GET", "POST"])]
    app = Starlette(routes=routes, middleware=[Middleware(Door, access=access, port=PORT)])
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with knock(GUARDED) as knocking:
        yield knocking


@pytest.mark.parametrize("place", PLACES)
def test_no_address_answers_a_stranger(client: TestClient, place: str) -> None:
    for answer in (client.get(place), client.post(place), client.post(place, data={"token": "wrong"})):
        assert answer.status_code == 401
        assert "behind the door" not in answer.text
        assert TOKEN not in answer.text


def test_no_socket_opens_to_a_stranger(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass


def test_whether_the_server_is_up_may_be_asked_by_all(client: TestClient) -> None:
    assert client.get("/_stcore/health").status_code == 200


def test_the_token_opens_all_and_leads_to_where_one_wanted_to_go(client: TestClient) -> None:
    entered = client.post("/run?id=abc", data={"token": TOKEN})
    assert (entered.status_code, entered.headers["location"]) == (303, "/run?id=abc")
    set_cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=lax" in set_cookie
    assert "max-age" not in set_cookie  # it ends with the browser's session
    assert TOKEN not in set_cookie
    assert client.get("/runs").text == "behind the door: /runs"
    with client.websocket_connect("/_stcore/stream") as socket:
        assert socket.receive_text() == "behind the door"


@pytest.mark.parametrize("place", ["//198.51.100.7/x", "/\\198.51.100.7/x", "///198.51.100.7"])
def test_nobody_is_led_to_another_host(place: str) -> None:
    sent: list[str] = []
    with knock(GUARDED) as client:
        entered = client.post(f"http://testserver{place}", data={"token": TOKEN})
        sent.append(entered.headers["location"])
    assert sent[0].startswith("/")
    assert sent[0][1:2] not in ("/", "\\")


def test_a_long_body_is_not_read_to_its_end(client: TestClient) -> None:
    assert client.post("/", data={"padding": "x" * 5000, "token": TOKEN}).status_code == 401


def test_a_pass_that_is_old_or_of_another_token_or_tampered_with_is_none(client: TestClient) -> None:
    now = time.time()
    made = GUARDED.pass_for(now)
    other = Access("token", TOKEN + "x").pass_for(now)
    later = f"{int(made.split('.')[0]) + 1}.{made.split('.')[1]}"
    for kept in ("", "x", "9" * 5000, GUARDED.pass_for(now - LASTS - 1), other, later, TOKEN):
        assert client.get("/runs", headers={"Cookie": f"{cookie(PORT)}={kept}"}).status_code == 401
    assert client.get("/runs", headers={"Cookie": f"{cookie(PORT)}={made}"}).status_code == 200
    assert client.get("/runs", headers={"Cookie": f"{cookie(PORT + 1)}={made}"}).status_code == 401


def test_where_no_token_is_demanded_the_door_stands_open() -> None:
    with knock(Access("open")) as client:
        assert client.get("/runs").status_code == 200
