"""The state of an installation: database, versions, disk, who may look; nothing secret."""

import os
import platform
import shutil
import socket
from importlib.metadata import version
from pathlib import Path

from agents.models.names import LIVE_KEYS
from agents.models.weights import cache_folder
from store import Store
from store.migrate import status_of
from ui.view import words


def database(store: Store) -> dict[str, str]:
    """Where runs are kept and whether the schema fits. A password in the address is not shown."""
    status = status_of(store.database)
    facts = {"address": status.url, "schema": f"{status.found or 'none'}, {status.state}"}
    file = Path(str(store.database.url.database or ""))
    if store.database.sqlite and not store.database.in_memory and file.exists():
        facts["size"] = words.size(sum(f.stat().st_size for f in file.parent.glob(f"{file.name}*")))
        facts["free on its disk"] = words.size(shutil.disk_usage(file.parent).free)
    return facts


def keys() -> dict[str, str]:
    """Which providers' keys are present. A key itself is never shown."""
    return {name: "present" if os.environ.get(name) else "not set" for name in LIVE_KEYS.values()}


def machine() -> dict[str, str]:
    """Versions, processors and where model weights live."""
    return {
        "Backprose": version("backprose"),
        "Python": platform.python_version(),
        "Streamlit": version("streamlit"),
        "host": socket.gethostname(),
        "processors": str(os.cpu_count() or 1),
        "model weights": str(cache_folder()),
    }
