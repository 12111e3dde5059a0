import pytest

from ui.view.access import LASTS, AccessError, access, is_loopback

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"])
def test_on_loopback_nothing_is_demanded_unless_one_wants_it(address: str) -> None:
    assert is_loopback(address)
    assert access(address, "", False).by == "open"
    assert access(address, TOKEN, False).by == "token"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "", "192.168.1.7", "example.org", "127.0.0.1.example.org"])
def test_any_other_address_demands_a_token_or_an_identity_and_says_so(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.view.access.find_spec", lambda name: name)
    with pytest.raises(AccessError, match="not a loopback address") as refused:
        access(address, "", False)
    assert "BACKPROSE_UI_TOKEN" in refused.value.hint
    assert access(address, TOKEN, False).by == "token"
    assert access(address, "", True).by == "login"


def test_a_short_token_is_refused() -> None:
    with pytest.raises(AccessError, match="has 15 characters"):
        access("127.0.0.1", TOKEN[:-1], False)


def test_signing_in_without_what_it_needs_is_refused_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.view.access.find_spec", lambda name: None)
    with pytest.raises(AccessError, match="needs Authlib") as refused:
        access("127.0.0.1", "", True)
    assert "backprose[login]" in refused.value.hint


def test_a_pass_holds_for_its_time_with_its_token_and_tells_nobody_the_token() -> None:
    demanded, now = access("0.0.0.0", TOKEN, False), 1_700_000_000.7
    kept = demanded.pass_for(now)
    assert [demanded.knows(kept, now + after) for after in (0, LASTS - 2, LASTS, -2)] == [True, True, False, False]
    assert TOKEN not in kept
    assert not access("0.0.0.0", TOKEN + "x", False).knows(kept, now)
    assert not access("127.0.0.1", "", False).knows(kept, now)
    assert not any(
        demanded.knows(other, now) for other in ("", ".", kept[1:], kept + "0", f"{int(now) + 5}.{kept[11:]}", "é.é")
    )


def test_only_the_very_token_admits_and_only_where_one_is_demanded() -> None:
    demanded = access("0.0.0.0", TOKEN, False)
    assert [demanded.admits(given) for given in (TOKEN, "", TOKEN + "x", TOKEN[:-1], "é" * 16)] == [True] + [False] * 4
    assert not access("127.0.0.1", "", False).admits("")
