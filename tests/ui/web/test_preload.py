"""A page names the scripts it will need; everything else is passed on as it was."""

from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.web.preload import ELEMENTS, Preload, scripts

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
STREAMLIT = Path(streamlit.__file__).with_name("static")


@pytest.fixture
def static(tmp_path: Path) -> Path:
    (tmp_path / "static" / "js").mkdir(parents=True)
    files = {
        "TextArea.1.js": 'import{a}from"./label.2.js";import"./main.0.js";const later=()=>import("./rare.3.js");',
        "label.2.js": 'import {b} from "./TextArea.1.js"; import"./missing.js"',  # a circle, and one that is not there
        "rare.3.js": "",
        "main.0.js": "",
    }
    for name, text in files.items():
        (tmp_path / "static" / "js" / name).write_text(text)
    (tmp_path / "index.html").write_text(
        '<html><head><script src="./static/js/main.0.js"></script></head><body/></html>'
    )
    return tmp_path


@pytest.fixture
def client(static: Path) -> TestClient:
    async def page(request: Request) -> Response:
        return FileResponse(static / "index.html")

    async def told(request: Request) -> Response:
        return PlainTextResponse("</head>")

    async def headless(request: Request) -> Response:
        return HTMLResponse("<p>no head", 404)

    routes = [Route("/", page), Route("/told", told), Route("/headless", headless)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Preload, static=static)]))


def test_scripts_come_with_what_they_import_once_and_without_what_is_known_or_for_later(static: Path) -> None:
    folder = static / "static" / "js"
    assert scripts(folder, ("TextArea", "Unheard")) == ["TextArea.1.js", "label.2.js", "main.0.js"]
    assert scripts(folder, ("TextArea",), known="main.0.js") == ["TextArea.1.js", "label.2.js"]


def test_a_page_names_at_the_end_of_its_head_what_is_needed_soon(client: TestClient) -> None:
    page = client.get("/", headers=BROWSER)
    added = page.text.partition('main.0.js"></script>')[2].partition("</head>")[0]
    assert [part.partition('"')[0] for part in added.split('href="')[1:]] == [
        "./static/js/TextArea.1.js",
        "./static/js/label.2.js",
    ]
    assert page.headers["content-length"] == str(len(page.content))
    assert page.text.endswith("<body/></html>")


def test_what_is_no_page_is_passed_on_as_it_is(client: TestClient) -> None:
    assert client.get("/told", headers=BROWSER).text == "</head>"
    assert "TextArea" not in client.get("/", headers={"Accept": "application/json"}).text
    headless = client.get("/headless", headers=BROWSER)
    assert (headless.status_code, headless.text) == (404, "<p>no head")


def test_this_version_of_streamlit_has_a_script_for_each_element_that_is_named() -> None:
    folder = STREAMLIT / "static" / "js"
    known = (STREAMLIT / "index.html").read_text()
    assert [element for element in ELEMENTS if not scripts(folder, (element,))] == []
    assert scripts(folder, ELEMENTS, known)
