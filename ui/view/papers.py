"""The 42 papers: what each is, the tool that carries it, where that tool stands, its bar, and what was measured against it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from experiments.papers import Line


@dataclass(frozen=True)
class PaperRow:
    """One paper. `status` is what this version really has: the engine, a tool that is ready, or one that is planned."""

    number: int
    title: str
    arxiv: str  # identifier
    tool: str  # empty for the engine
    status: Literal["engine", "ready", "planned"]
    bar: str
    measured: int = 0
    """Lines of its table that have a target and were measured."""
    met: int = 0
    """Those of them that reach it."""

    @property
    def standing(self) -> str:
        """Status in words, with how much of the bar is met by the stored results."""
        return f"{self.status}, {self.met} of {self.measured} met" if self.measured else self.status


def papers(results: Path | None = None) -> list[PaperRow]:
    """All papers in order.

    Args:
        results: The folder of stored results, instead of the one that ships.
    """
    import tools
    from experiments.papers import all_results

    listed = json.loads((Path(tools.__file__).parent / "papers.json").read_text(encoding="utf-8"))
    found = tools.all_tools()
    carried = {tool.paper for tool in found.values()}
    verdicts = {
        number: [line.met for part in parts.values() for line in part.lines if line.met is not None]
        for number, parts in all_results(results).items()
    }
    return [
        PaperRow(
            status=_status(row, set(found), carried),
            measured=len(verdicts.get(row["number"], ())),
            met=sum(verdicts.get(row["number"], ())),
            **row,
        )
        for row in listed
    ]


def matches(row: PaperRow, text: str, status: str) -> bool:
    """Whether a row holds all words of a search, and has the status, if one is given."""
    place = f"{row.number:02d} {row.title} {row.tool} {row.bar} {row.arxiv}".casefold()
    return status in ("", row.status) and all(word in place for word in text.casefold().split())


def table_row(line: "Line") -> tuple[str, str, str, str, str, str]:
    """A measured line as cells: what, ours, target, whether it is met, the paper's own figure, others in the same run."""
    spread = f" ± {line.spread:.2g} ({line.seeds} seeds)" if line.spread is not None else ""
    unit = "" if line.unit == "1" else f" {line.unit}"
    bound = "" if line.target is None else f"{'≤' if line.at_most else '≥'} {line.target:g}"
    verdict = {True: "met", False: "missed", None: ""}[line.met]
    paper = "" if line.paper is None else f"{line.paper:g}"
    others = ", ".join(f"{name} {value:.4g}" for name, value in line.others.items())
    return line.what, f"{line.ours:.4g}{unit}{spread}", bound, verdict, paper, others


def _status(row: dict[str, Any], names: set[str], carried: set[int | None]) -> Literal["engine", "ready", "planned"]:
    if not row["tool"]:
        return "engine"
    return "ready" if row["tool"] in names or row["number"] in carried else "planned"
