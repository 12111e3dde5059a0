"""Messages between executor and worker: a JSON object and, behind it, raw bytes, each after its length. Nothing is pickled."""

import json
import struct
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">QQ")


def send(stream: BinaryIO, message: dict[str, Any], body: bytes = b"") -> None:
    """Write one message whole."""
    text = json.dumps(message).encode()
    stream.write(_LENGTHS.pack(len(text), len(body)) + text + body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Read one message.

    Raises:
        EOFError: If the other side has gone, between messages or in the middle of one.
    """
    text_length, body_length = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    return json.loads(_exactly(stream, text_length)), _exactly(stream, body_length)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    content = stream.read(length) if length else b""
    if len(content) < length:
        raise EOFError
    return content
