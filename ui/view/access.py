"""Who may open the pages: on a loopback address whoever sits here, on any other only those with a token or an identity."""

import hmac
import ipaddress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

TOKEN = "BACKPROSE_UI_TOKEN"
LOGIN = "BACKPROSE_UI_LOGIN"
LEAST = 16  # characters of a token
LASTS = 12 * 3600  # seconds for which a browser that gave the token is known


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

    def pass_for(self, now: float) -> str:
        """What a browser that gave the token keeps in its place: a moment [s since 1970], signed with the token.

        It tells nobody the token, holds over a restart of the server, and is void once another token is taken."""
        moment = str(int(now))
        return f"{moment}.{self._signature(moment)}"

    def knows(self, kept: str, now: float) -> bool:
        """Whether what a browser keeps is a pass that was given with this token in the last `LASTS` seconds."""
        moment, _, signature = kept.partition(".")
        if self.by != "token" or not hmac.compare_digest(signature.encode(), self._signature(moment).encode()):
            return False
        return 0 <= now - int(moment) < LASTS

    def _signature(self, moment: str) -> str:
        return hmac.new(self.token.encode(), f"backprose dashboard, {moment}".encode(), "sha256").hexdigest()

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
        AccessError: The address is not loopback and nothing is demanded, or the token is short, or what signing in needs
            is not installed.
    """
    if login:
        if find_spec("authlib") is None:
            raise AccessError("--login needs Authlib", "pip install 'backprose[login]'")
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


def cookie(port: int) -> str:
    """Where a browser keeps its pass; cookies are shared by all ports of a host, so the port is in the name."""
    return f"backprose_pass_{port}"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches the address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
