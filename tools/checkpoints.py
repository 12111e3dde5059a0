"""Where trained tools keep what they learned: files in the user's cache, named by tool and settings, never half written."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4


def cache_folder() -> Path:
    """The user's cache of this distribution; `BACKPROSE_CACHE` puts it elsewhere."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("BACKPROSE_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("backprose")


def checkpoint_path(tool: str, settings: Mapping[str, Any], suffix: str = ".safetensors") -> Path:
    """The file that holds what `tool` learned under `settings`, whether it exists yet or not.

    Args:
        tool: The tool's name.
        settings: All that decides the result of training (data, sizes, seed, version of the method), as JSON values. Equal
            settings in any order give the same path.
        suffix: How the file's name ends.
    """
    canonical = json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)
    key = hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
    return cache_folder() / "checkpoints" / tool / f"{key}{suffix}"


def keep_checkpoint(path: Path, write: Callable[[Path], object], provenance: Mapping[str, Any]) -> None:
    """Put a checkpoint at `path`, whole or not at all, with the story of how it came to be in a JSON file beside it.

    Args:
        path: As `checkpoint_path` gave it.
        write: Writes the content to the path it is given, such as `partial(save_file, tensors)`.
        provenance: Settings, data, seed, score, seconds, versions, as JSON values; `sha256` of the content is added.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        write(unfinished)
        story = {**provenance, "sha256": _sha256(unfinished)}
        _replace(provenance_path(path), json.dumps(story, indent=2, allow_nan=False).encode())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def find_checkpoint(path: Path) -> dict[str, Any] | None:
    """The provenance of the checkpoint at `path`; None if there is none, or if its content is not what was kept."""
    try:
        story: dict[str, Any] = json.loads(provenance_path(path).read_bytes())
        return story if _sha256(path) == story["sha256"] else None
    except (FileNotFoundError, ValueError, KeyError):
        return None


def provenance_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{uuid4().hex}")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
