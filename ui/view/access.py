"""Who may open the pages: on a loopback address whoever sits here, on any other only those with a token or an identity."""

import hmac
import ipaddress
from dataclasses import dataclass
from typing import Literal

TOKEN = "BACKPROSE_UI_TOKEN"
LOGIN = "BACKPROSE_UI_LOGIN"
LEAST = 16  # characters of a token


class AccessError(Exception):
    """The pages may not be served like this. `hint` says what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Access:
    """How one gets in: `open` to all who can reach a loopback address, by `token`, or by an OpenID Connect `login`."""

    by: Literal["open", "token", "login"]
    token: str = ""

    def admits(self, given: str) -> bool:
        """Whether a token that somebody gave is the right one; the comparison takes the same time for every wrong one."""
        return self.by == "token" and hmac.compare_digest(given.encode(), self.token.encode())

    def __str__(self) -> str:
        return {
            "open": "whoever uses this machine: the address is loopback",
            "token": "whoever has the token",
            "login": "whoever can sign in with the identity provider",
        }[self.by]


def access(address: str, token: str, login: bool) -> Access:
    """How one gets in at an address.

    Args:
        address: What the server listens on; empty is every address.
        token: The token that is demanded, if any; it is demanded on loopback, too.
        login: Whether an identity provider is configured and asked.

    Raises:
        AccessError: The address is not loopback and nothing is demanded, or the token is short.
    """
    if login:
        return Access("login")
    if token:
        if len(token) < LEAST:
            raise AccessError(f"the token has {len(token)} characters", f"take at least {LEAST}, hard to guess")
        return Access("token", token)
    if is_loopback(address):
        return Access("open")
    shown = address or "every address"
    raise AccessError(
        f"{shown} is not a loopback address, so whoever reaches it could run models and tools at your expense",
        f"set {TOKEN} to a secret of at least {LEAST} characters, or use --login with an identity provider",
    )


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches the address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
