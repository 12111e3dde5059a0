"""Lists of runs: what a page asks for, as it stands in its address, and how each run reads on one line."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from agents.models.scrub import scrub
from store import Run, RunPage, Store, list_runs
from store.queries import SortBy
from ui.view import words

PER_PAGE = 20
SORTS: dict[str, SortBy] = {
    "newest": "created",
    "costliest": "usd",
    "most tokens": "tokens",
    "model": "model",
    "task": "title",
}
ASCENDING = ("model", "task")
STATUSES = ("running", "answered", "refused", "failed", "budget_exhausted", "cancelled", "interrupted")
SHORT_STATUS = {"budget_exhausted": "budget spent"}
COLOURS = {
    "running": "blue",
    "answered": "green",
    "refused": "orange",
    "failed": "red",
    "budget_exhausted": "orange",
    "cancelled": "gray",
    "interrupted": "violet",
}
_SORTABLE = get_args(SortBy)


@dataclass(frozen=True)
class Wanted:
    """Which runs are wanted. Pages count from 1."""

    text: str = ""
    status: str = ""
    model: str = ""
    sort: str = "newest"
    page: int = 1

    @classmethod
    def of(cls, address: Mapping[str, str]) -> "Wanted":
        """What an address asks for; what it says wrong counts as not said."""
        sort, status, page = address.get("sort", ""), address.get("status", ""), address.get("page", "")
        return cls(
            text=address.get("q", ""),
            status=status if status in STATUSES else "",
            model=address.get("model", ""),
            sort=sort if sort in SORTS else "newest",
            page=max(int(page), 1) if page.isdecimal() and len(page) < 9 else 1,
        )

    def read(self, store: Store) -> RunPage:
        """The page of runs; a page behind the last one is the last."""
        asked: dict[str, Any] = {
            "text": self.text or None,
            "status": self.status or None,
            "model": self.model or None,
            "sort": SORTS[self.sort],
            "descending": self.sort not in ASCENDING,
            "limit": PER_PAGE,
        }
        found = list_runs(store, **asked, offset=(self.page - 1) * PER_PAGE)
        if not found.runs and found.total:
            return list_runs(store, **asked, offset=(pages(found.total) - 1) * PER_PAGE)
        return found


def own(run: Run) -> bool:
    """Whether a run stands for itself; the items of an evaluation do not."""
    return run.parent is None or run.relation is not None


def pages(total: int) -> int:
    """How many pages so many runs fill; at least one."""
    return max(math.ceil(total / PER_PAGE), 1)


def status(run: Run) -> str:
    """The status in a word or two."""
    return SHORT_STATUS.get(run.status, run.status)


def facts(run: Run, now: float | None = None) -> str:
    """`4 min ago · 12 s · 1,234 tokens · free · local/qwen`; a run under way says for how long it has been."""
    now = time.time() if now is None else now
    took = words.duration((run.finished or now) - run.created) if run.finished or run.status == "running" else ""
    tokens = words.count(run.prompt_tokens + run.completion_tokens, "token")
    return " · ".join(
        part for part in (words.ago(now - run.created), took, tokens, words.money(run.usd), scrub(run.model)) if part
    )
