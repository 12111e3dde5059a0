import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from agents import Budget
from store import Store
from tests.needs import lacking
from tests.ui.stage import make_run, make_run_with_artifacts, refusing
from ui.export import export_html
from ui.view.bodies import rows
from ui.view.story import tell

EVIL = "<script>document.title='owned'</script><img src=x onerror=alert(1)> & \"quoted\""
VOID = {"meta", "img", "rect", "path", "br"}


class Reader(HTMLParser):
    """What a browser would find: tags with their attributes, and the text between them; refuses crossed tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(place: str, run_id: str) -> str:
    with Store.open(place) as store:
        return export_html(tell(store, run_id))


def test_the_page_holds_the_task_the_answer_its_value_and_what_it_stands_on(place: str) -> None:
    read = Reader(page_of(place, make_run(place).run_id))
    for words in (
        "How much energy is 2 MW over 3 hours?",
        "It is 6 MWh.",
        "a.value",
        "2 MW * 3 h",
        "Top down operator",
    ):
        assert words in read.text


def test_prompts_and_replies_can_be_read(place: str) -> None:
    read = Reader(page_of(place, make_run(place).run_id))
    assert "Say it in a sentence." in read.text
    assert '"expression": "2 MW * 3 h"' in read.text


def test_nothing_in_it_refers_to_anything_outside(place: str) -> None:
    for run_id in (make_run(place).run_id, make_run_with_artifacts(place)):
        page = page_of(place, run_id)
        for _, attributes in Reader(page).tags:
            for name in ("src", "href", "srcset", "action", "poster", "data", "xlink:href"):
                assert (attributes.get(name) or "data:").startswith("data:")
        assert not re.search(r"url\(|@import|<link|<base|<iframe|<object", page)


def test_it_has_no_script_and_forbids_any(place: str) -> None:
    page = page_of(place, make_run(place).run_id)
    tags = Reader(page).tags
    assert "script" not in {tag for tag, _ in tags}
    assert not [a for _, attributes in tags for a in attributes if a.startswith("on")]
    policy = next(a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_markup_in_a_task_and_in_a_reply_is_shown_as_text(place: str) -> None:
    run = make_run(place, task=EVIL, script=lambda r: refusing(r) if r.answer_schema else EVIL)
    read = Reader(page_of(place, run.run_id))
    assert EVIL in read.text
    assert "img" not in {tag for tag, _ in read.tags}


def test_both_colour_schemes_are_there(place: str) -> None:
    page = page_of(place, make_run(place).run_id)
    assert "prefers-color-scheme: dark" in page
    assert '<meta name="color-scheme" content="light dark">' in page


def test_the_network_is_drawn_with_how_each_agent_ended(place: str) -> None:
    page = page_of(place, make_run(place).run_id)
    drawing = page[page.index("<svg") : page.index("</svg>")]
    assert re.findall(r"<title>(.*?)</title>", drawing) == ["solver: answered", "teller: answered"]
    assert drawing.count('class="wire"') == 1


def test_pictures_are_embedded_tables_are_shown_and_foreign_drawings_are_only_named(place: str) -> None:
    read = Reader(page_of(place, make_run_with_artifacts(place)))
    (picture,) = [a for tag, a in read.tags if tag == "img"]
    assert (picture["src"] or "").startswith("data:image/png;base64,iVBOR")
    assert picture["alt"] == "a dot"
    assert "load <MW>" in read.text
    assert "evil.svg (image/svg+xml, 24 B)" in read.text
    assert "onload" not in read.text


def test_a_run_that_its_budget_stopped_shows_why(place: str) -> None:
    read = Reader(page_of(place, make_run(place, budget=Budget(calls=1)).run_id))
    assert "stopped by its budget" in read.text
    assert "the limit on calls left no room for a write call" in read.text


def test_a_run_under_way_can_be_exported(place: str) -> None:
    with Store.open(place) as store:
        log = store.start_run(task="still thinking")
        page = export_html(tell(store, log.run_id))
    assert "still thinking" in Reader(page).text


def test_a_browser_shows_a_script_in_a_task_as_text(place: str, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        lacking("no Chromium on this machine", "apt-get install chromium")
    file = tmp_path / "run.html"
    file.write_text(page_of(place, make_run(place, task=EVIL).run_id), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    dump = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    assert "owned" not in dump.stdout.split("</title>", maxsplit=1)[0].replace("document.title='owned'", "")
    assert "&lt;script&gt;" in dump.stdout


def test_a_list_of_objects_becomes_a_table_and_a_file_its_name() -> None:
    lines, file, plain = rows(
        {
            "lines": [{"line": "6-8", "mw": 32.0}, {"line": "1-2", "why": None}],
            "plots": [{"name": "a.png", "media_type": "image/png", "sha256": "f", "size": 1}],
            "watched": None,
            "names": ["6-8", "1-2"],
        },
        {"names": "1"},
    )
    assert lines.table == (("line", "mw", "why"), ("6-8", "32", ""), ("1-2", "", ""))
    assert file.text == "a.png"
    assert (plain.text, plain.unit) == ("6-8, 1-2", "1")
