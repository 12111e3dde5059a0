"""What evaluations say together: a leaderboard per suite, as rows, JSON and one HTML page with pictures."""

from experiments.report.board import Board, Entry, NothingToCompare, as_json, boards
from experiments.report.page import page
from experiments.report.table import COLUMNS, note, rows, title

__all__ = ["COLUMNS", "Board", "Entry", "NothingToCompare", "as_json", "boards", "note", "page", "rows", "title"]
