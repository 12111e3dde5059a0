import pytest

from ui.view.access import AccessError, access, is_loopback

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"])
def test_on_loopback_nothing_is_demanded_unless_one_wants_it(address: str) -> None:
    assert is_loopback(address)
    assert access(address, "", False).by == "open"
    assert access(address, TOKEN, False).by == "token"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "", "192.168.1.7", "example.org", "127.0.0.1.example.org"])
def test_any_other_address_demands_a_token_or_an_identity_and_says_so(address: str) -> None:
    with pytest.raises(AccessError, match="not a loopback address") as refused:
        access(address, "", False)
    assert "BACKPROSE_UI_TOKEN" in refused.value.hint
    assert access(address, TOKEN, False).by == "token"
    assert access(address, "", True).by == "login"


def test_a_short_token_is_refused() -> None:
    with pytest.raises(AccessError, match="has 15 characters"):
        access("127.0.0.1", TOKEN[:-1], False)


def test_only_the_very_token_admits_and_only_where_one_is_demanded() -> None:
    demanded = access("0.0.0.0", TOKEN, False)
    assert [demanded.admits(given) for given in (TOKEN, "", TOKEN + "x", TOKEN[:-1], "é" * 16)] == [True] + [False] * 4
    assert not access("127.0.0.1", "", False).admits("")
