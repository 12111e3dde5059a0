"""Content: its name, which is its hash, and its form on disk, which is the shorter of plain and deflated."""

import hashlib
import zlib

PLAIN, DEFLATED = 0, 1


def content_hash(content: str | bytes) -> str:
    """BLAKE2b-128 of the content (32 hex digits); text is hashed as UTF-8."""
    return hashlib.blake2b(as_bytes(content), digest_size=16).hexdigest()


def as_bytes(content: str | bytes) -> bytes:
    """Text as UTF-8. Half surrogate pairs, which JSON from a model may hold, survive the way there and back."""
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")


def as_text(data: bytes) -> str:
    """The inverse of `as_bytes` on text."""
    return data.decode("utf-8", "surrogatepass")


def pack(data: bytes) -> tuple[int, bytes]:
    """How to store the data: its codec and its bytes under that codec."""
    deflated = zlib.compress(data)
    return (DEFLATED, deflated) if len(deflated) < len(data) else (PLAIN, data)


def unpack(codec: int, packed: bytes) -> bytes:
    """The inverse of `pack`."""
    return zlib.decompress(packed) if codec == DEFLATED else packed
