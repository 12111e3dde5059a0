"""Content keeps its name and its bytes."""

from hypothesis import given
from hypothesis import strategies as st

from store.content import as_bytes, as_text, content_hash, pack, unpack


@given(st.binary(max_size=5000))
def test_what_is_packed_unpacks_to_the_same_bytes_and_is_never_longer(data: bytes) -> None:
    codec, packed = pack(data)
    assert unpack(codec, packed) == data
    assert len(packed) <= len(data)


@given(st.text(st.characters()))
def test_any_text_survives_even_half_a_surrogate_pair(text: str) -> None:
    assert as_text(as_bytes(text)) == text
    assert content_hash(text) == content_hash(as_bytes(text))


def test_the_hash_is_blake2b_128_in_hex() -> None:
    assert content_hash("abc") == "cf4ab791c62b8d2b2109c90275287816"
