"""The papers' tables, measured again: `backprose papers run SLUG` runs one, part by part, and keeps what it found."""

from experiments.papers.bench import (
    PartResult,
    Say,
    UnknownPaper,
    all_results,
    find_results,
    load_results,
    results_folder,
    run_paper,
    slugs,
)
from experiments.papers.lines import Line, as_text

__all__ = [
    "Line",
    "PartResult",
    "Say",
    "UnknownPaper",
    "all_results",
    "as_text",
    "find_results",
    "load_results",
    "results_folder",
    "run_paper",
    "slugs",
]
