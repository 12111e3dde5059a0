"""How requests and replies are kept in a log: as small JSON that names its texts, so that a text which travels through many
prompts is stored once.

A text is cut into pieces at places that depend only on the text nearby, as in content-defined chunking (Muthitacharoen et
al., LBFS, 2001): a long paragraph is a piece of its own, short ones are gathered until one of them hashes to a boundary.
When a text has many pieces, the list of their references is itself a text, kept in the same way.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol
from zlib import crc32

from agents.models.contract import ModelReply, ModelRequest

Read = Callable[[str], str]  # a blob's text by its reference

BLANK_LINE = "\n\n"
CRUMB = 32  # characters; a reference would be no shorter
INLINE = 120  # characters; a shorter text costs less in place than by reference
LONG_PARAGRAPH = 400  # characters
MANY_PIECES = 16


class Keeps(Protocol):
    """The part of a run log that keeps texts."""

    def put(self, content: str | bytes) -> str: ...


def keep_request(log: Keeps, request: ModelRequest) -> str:
    """Store a request; return its reference."""
    fields = request.model_dump(mode="json", exclude_defaults=True)
    for message in fields["messages"]:
        message["content"] = keep_text(log, message["content"])
    if len(fields["messages"]) > MANY_PIECES:  # such a talk has most of its messages in common with others
        fields["messages"] = keep_text(log, BLANK_LINE.join(map(_compact, fields["messages"])))
    for name in ("answer_schema", "tools"):
        if name in fields:
            fields[name] = keep_text(log, _compact(fields[name]))
    return log.put(_compact(fields))


def load_request(read: Read, ref: str) -> ModelRequest:
    """Read a request back, for a dashboard or an export."""
    fields = json.loads(read(ref))
    if fields["messages"] and not isinstance(fields["messages"][0], dict):
        fields["messages"] = [json.loads(m) for m in load_text(read, fields["messages"]).split(BLANK_LINE)]
    for message in fields["messages"]:
        message["content"] = load_text(read, message["content"])
    for name in ("answer_schema", "tools"):
        if name in fields:
            fields[name] = json.loads(load_text(read, fields[name]))
    return ModelRequest.model_validate(fields)


def keep_reply(log: Keeps, reply: ModelReply) -> str:
    """Store a reply; return its reference."""
    fields = reply.model_dump(mode="json", exclude_defaults=True)
    fields["text"] = keep_text(log, reply.text)
    return log.put(_compact(fields))


def load_reply(read: Read, ref: str) -> ModelReply:
    """Read a reply back."""
    fields = json.loads(read(ref))
    fields["text"] = load_text(read, fields["text"])
    return ModelReply.model_validate(fields)


def keep_text(log: Keeps, text: str) -> str | list[int | str | list[str]]:
    """A text as it stands in a record: itself when short, else how deep its references are nested, and the references.

    A crumb among its pieces stands in its place itself, in brackets.
    """
    if len(text) <= INLINE:
        return text
    depth = 0
    while len(cut := pieces(text)) > MANY_PIECES:
        text, depth = BLANK_LINE.join(map(log.put, cut)), depth + 1
    return [depth, *([piece] if len(piece) <= CRUMB else log.put(piece) for piece in cut)]


def load_text(read: Read, kept: str | list[Any]) -> str:
    """The text again."""
    if isinstance(kept, str):
        return kept
    depth, *cut = kept
    text = BLANK_LINE.join(piece[0] if isinstance(piece, list) else read(piece) for piece in cut)
    for _ in range(depth):
        text = BLANK_LINE.join(map(read, text.split(BLANK_LINE)))
    return text


def pieces(text: str) -> list[str]:
    """Cut a text at blank lines into pieces that, joined by blank lines, are the text again.

    Equal long passages give equal pieces wherever they stand.
    """
    found: list[str] = []
    gathered: list[str] = []

    def close() -> None:
        if gathered:
            found.append(BLANK_LINE.join(gathered))
            gathered.clear()

    for paragraph in text.split(BLANK_LINE):
        if len(paragraph) >= LONG_PARAGRAPH:
            close()
            found.append(paragraph)
        else:
            gathered.append(paragraph)
            if paragraph and crc32(paragraph.encode()) % 8 == 0:
                close()
    close()
    return found


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
