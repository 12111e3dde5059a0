"""How the pages are served: Streamlit's command line for them, with everything kept on this machine and our two themes."""

import sys
from collections.abc import Iterator
from pathlib import Path

from ui.view.access import is_loopback
from ui.view.charts import DARK, LIGHT, Palette

APP = Path(__file__).with_name("served.py")


def command(address: str, port: int) -> list[str]:
    """The program that serves the pages.

    Args:
        address: What to listen on, as `ui.view.access.access` allowed it.
        port: TCP port.
    """
    options: dict[str, object] = {
        "server.address": address,
        "server.port": port,
        "server.headless": True,  # it opens no browser and asks for no mail address
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "browser.serverAddress": address or "localhost",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "type",
        "client.showErrorLinks": False,
        "logger.level": "warning",
        "logger.hideWelcomeMessage": True,
        **dict(_theme("theme.light", LIGHT)),
        **dict(_theme("theme.dark", DARK)),
        "theme.baseRadius": "8px",
        "theme.paddingTop": "3.5rem",
        "theme.metricValueFontSize": "1.5rem",
    }
    flags = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in options.items()]
    if is_loopback(address):  # a page elsewhere may not reach us under a name of its own (DNS rebinding)
        flags += [f"--server.allowedHosts={name}" for name in ("localhost", "127.0.0.1", "[::1]")]
    return [sys.executable, "-P", "-m", "streamlit", "run", str(APP), *flags]


def _theme(section: str, colours: Palette) -> Iterator[tuple[str, str]]:
    yield f"{section}.primaryColor", colours.accent
    yield f"{section}.backgroundColor", colours.paper
    yield f"{section}.secondaryBackgroundColor", colours.box
    yield f"{section}.textColor", colours.ink
    yield f"{section}.linkColor", colours.accent
    yield f"{section}.grayTextColor", colours.quiet
    yield f"{section}.greenTextColor", colours.good
    yield f"{section}.redTextColor", colours.bad
    yield f"{section}.orangeTextColor", colours.warn
    yield f"{section}.blueTextColor", colours.busy
