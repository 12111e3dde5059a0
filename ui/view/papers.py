"""The 42 papers: what each is, the tool that carries it, where that tool stands, and the bar it must clear."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class PaperRow:
    """One paper. `status` is what this version really has: the engine, a tool that is ready, or one that is planned."""

    number: int
    title: str
    arxiv: str  # identifier
    tool: str  # empty for the engine
    status: Literal["engine", "ready", "planned"]
    bar: str


def papers() -> list[PaperRow]:
    """All papers in order."""
    import tools

    listed = json.loads((Path(tools.__file__).parent / "papers.json").read_text(encoding="utf-8"))
    found = tools.all_tools()
    carried = {tool.paper for tool in found.values()}
    return [PaperRow(status=_status(row, set(found), carried), **row) for row in listed]


def _status(row: dict[str, Any], names: set[str], carried: set[int | None]) -> Literal["engine", "ready", "planned"]:
    if not row["tool"]:
        return "engine"
    return "ready" if row["tool"] in names or row["number"] in carried else "planned"
