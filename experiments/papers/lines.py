"""One measured figure next to its target, the paper's, the peer's and the baselines', and a table of them as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Self


@dataclass(frozen=True)
class Line:
    """A row of a paper's table.

    `ours` is a mean over `seeds` runs with standard deviation `spread`. `others` are peers and baselines measured in the
    same run.
    """

    what: str
    ours: float
    unit: str = "1"
    target: float | None = None
    at_most: bool = False
    """The target is a ceiling and not a floor."""
    spread: float | None = None
    seeds: int = 1
    paper: float | None = None
    others: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    """Why a target was missed, or what else a reader must know."""

    @classmethod
    def over_seeds(cls, what: str, values: Sequence[float], **more: object) -> Self:
        """The mean of one value a seed, with its spread."""
        spread = stdev(values) if len(values) > 1 else None
        return cls(what, fmean(values), spread=spread, seeds=len(values), **more)  # type: ignore[arg-type]

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if there is none."""
        if self.target is None:
            return None
        return self.ours <= self.target if self.at_most else self.ours >= self.target


def as_text(lines: Sequence[Line]) -> str:
    """A table in plain text, with the remarks below it."""
    rows = [("what", "ours", "target", "", "paper", "others in the same run")]
    for line in lines:
        spread = f" ± {line.spread:.2g} ({line.seeds} seeds)" if line.spread is not None else ""
        bound = "" if line.target is None else f"{'<=' if line.at_most else '>='} {line.target:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[line.met]
        others = ", ".join(f"{name} {value:.4g}" for name, value in line.others.items())
        paper = "" if line.paper is None else f"{line.paper:g}"
        unit = "" if line.unit == "1" else f" {line.unit}"
        rows.append((line.what, f"{line.ours:.4g}{unit}{spread}", bound, verdict, paper, others))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    table = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
    return "\n".join([*table, *(f"* {line.what}: {line.note}" for line in lines if line.note)])
