"""What stands behind a line of a trace: prompts and replies, arguments and outputs with units, files as pictures and tables."""

import base64
import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.models.record import load_reply, load_request
from store.events import ArtifactRef, ModelCalled
from ui.view import words

PICTURES = ("image/png", "image/jpeg")  # what is shown; never image/svg+xml, which may carry script
MOST_ROWS = 200  # of a table that is a file
LONG = 160  # characters of a value beyond which it is folded


@dataclass(frozen=True)
class Row:
    """One field of a JSON object: its name, its unit, and its value as a text, or as a table when it is a list of objects."""

    name: str
    unit: str
    text: str = ""
    table: tuple[tuple[str, ...], ...] = ()  # the first line is the head

    @property
    def long(self) -> bool:
        """Whether the text is too long to stand open."""
        return len(self.text) > LONG


def rows(values: Mapping[str, Any], units: Mapping[str, str]) -> list[Row]:
    """A JSON object as the rows of a table; what is null is left out."""
    return [_row(name, value, units.get(name, "")) for name, value in values.items() if value is not None]


def _row(name: str, value: Any, unit: str) -> Row:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        if all(_is_artifact(item) for item in value):
            return Row(name, unit, ", ".join(item["name"] for item in value))
        head = tuple(dict.fromkeys(key for item in value for key in item))
        return Row(name, unit, table=(head, *(tuple(_text(item.get(key)) for key in head) for item in value)))
    return Row(name, unit, value["name"] if _is_artifact(value) else _text(value))


def _text(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join(map(words.number, value)) or "none"
    if value is None:
        return ""
    return _json(value) if isinstance(value, list | dict) else words.number(value)


def _is_artifact(value: Any) -> bool:
    """Whether a value stands for a file that the page shows elsewhere."""
    return isinstance(value, dict) and {"name", "media_type", "sha256"} <= value.keys()


@dataclass(frozen=True)
class Asked:
    """A model call in words: who said what, what form the answer had to have, and what came."""

    messages: tuple[tuple[str, str], ...]  # role and text
    schema: str
    settings: str
    reply: str


def asked(event: ModelCalled, read: Callable[[str], str]) -> Asked:
    """The prompt and the reply of a model call."""
    request = load_request(read, event.request)
    reply = load_reply(read, event.reply) if event.reply else None
    wanted = [f"{r.name}({r.arguments})" for r in reply.tool_requests] if reply else []
    return Asked(
        messages=tuple((m.role, m.content) for m in request.messages),
        schema=_json(request.answer_schema) if request.answer_schema else "",
        settings=f"temperature {request.temperature:g}, seed {request.seed}, at most {request.max_tokens} tokens",
        reply="\n".join(part for part in (reply.text, *wanted) if part) if reply else "",
    )


@dataclass(frozen=True)
class Shown:
    """An artifact as a page can show it: a picture as a data URI, a table as rows, or neither."""

    name: str
    media_type: str
    caption: str
    size: str
    data: bytes
    picture: str = ""
    table: tuple[tuple[str, ...], ...] = ()
    cut: bool = False  # the table is longer


def artifact(ref: ArtifactRef, blob: Callable[[str], bytes]) -> Shown:
    """A recorded artifact in the form it is shown in."""
    return shown(ref.name, ref.media_type, ref.caption, blob(ref.blob))


def shown(name: str, media_type: str, caption: str, data: bytes) -> Shown:
    """A file that a tool left, in the form it is shown in."""
    size = words.size(len(data))
    if media_type in PICTURES:
        return Shown(name, media_type, caption, size, data, picture=_data_uri(media_type, data))
    if media_type == "text/csv":
        lines = [tuple(line) for line in csv.reader(io.StringIO(data.decode("utf-8", "replace")))]
        return Shown(name, media_type, caption, size, data, table=tuple(lines[:MOST_ROWS]), cut=len(lines) > MOST_ROWS)
    return Shown(name, media_type, caption, size, data)


def _data_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
