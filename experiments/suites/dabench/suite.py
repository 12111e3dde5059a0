"""Questions about tables, answered by a program that analyses them; each value of the answer must be right.

Source: Hu et al., InfiAgent-DABench (arXiv:2401.05507, 2024): answers as `@name[value]`, equal as text or within 1e-6, accuracy
by question. The data are CC BY-NC 4.0: they are read where they lie and never shipped.
Differs from it: there, agents take several turns and another call rewrites the reply into the format. Here a reply may be a
program that prints the answer; it is run in the sandbox with the table beside it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from experiments.sandbox import Limits, run_code
from experiments.suites.data import MissingData, download, find_folder, parse_rows, read_rows, write_rows
from experiments.suites.listed import ListedSuite, make_item
from experiments.suites.protocol import AnswerLike, Item, Score
from experiments.suites.reply import code_blocks

LIMITS = Limits(cpu_seconds=20, wall_seconds=120, memory=3 << 30, folder=32 << 20)
TOLERANCE = 1e-6
_SHOWN_LINES, _SHOWN_LETTERS = 4, 1200
_RAW = "https://raw.githubusercontent.com/InfiAgent/InfiAgent/main/examples/DA-Agent/data"
_ANSWER = re.compile(r"@(\w+)\[(.*?)\]")
_ASK = """Answer the question about the table {file} by a Python program. It runs beside the table, with pandas, numpy, scipy \
and scikit-learn, without network, and prints the answer in the given format. Reply with the program in one ```python block.

The first lines of {file}:
{lines}

Question: {question}
Conditions: {constraints}
Format: {format}"""


def fetch(folder: Path) -> None:
    """From its public home: questions, answers and tables, which stand apart there."""
    questions, labels = (
        parse_rows(download(f"{_RAW}/{f}"), f) for f in ("da-dev-questions.jsonl", "da-dev-labels.jsonl")
    )
    answers = {row["id"]: row["common_answers"] for row in labels}
    write_rows([row | {"common_answers": answers[row["id"]]} for row in questions], folder / "test.jsonl")
    (folder / "tables").mkdir()
    for name in sorted({row["file_name"] for row in questions}):
        (folder / "tables" / name).write_bytes(download(f"{_RAW}/da-dev-tables/{name}"))


HOME = fetch


def load() -> Iterator[Item]:
    """Questions about one table are a family."""
    folder = find_folder("dabench")
    for row in read_rows(folder / "test.jsonl"):
        file = row["file_name"]
        yield make_item(
            _ASK.format(file=file, lines=_first_lines(folder / "tables" / file), **{k: row[k] for k in _PARTS}),
            {"answers": dict(row["common_answers"]), "table": file},
            id=f"dabench/{row['id']}",
            family=f"dabench/{file}",
            kind=row["level"],
        )


_PARTS = ("question", "constraints", "format")


def check(item: Item, answer: AnswerLike) -> Score:
    """Right if all values are. Raises `NoIsolation` where there is no sandbox, `MissingData` where the table is gone."""
    if answer.refused:
        return Score(0, "it was refused, but the table has the answer")
    said, trouble = _said(answer.text, item.expected["table"])
    right: dict[str, str] = item.expected["answers"]
    faults = [
        f"@{name}[{said[name]}] is wrong, [{value}] is right" if name in said else f"@{name}[{value}] is missing"
        for name, value in right.items()
        if name not in said or not equal(said[name], value)
    ]
    return Score(0, "; ".join([*faults, *([trouble] if trouble else [])])) if faults else Score(1, "right")


def equal(said: str, right: str) -> bool:
    """As text, or as numbers within 1e-6."""
    if said == right:
        return True
    try:
        return abs(float(said) - float(right)) < TOLERANCE
    except ValueError:
        return False


def _said(reply: str, table: str) -> tuple[dict[str, str], str]:
    """The named values that a reply prints, or else says; and why its program failed, if it did."""
    blocks = code_blocks(reply)
    if not blocks:
        return _named(reply), ""
    path = find_folder("dabench") / "tables" / table
    if not path.is_file():
        raise MissingData(
            f"the table {path} is missing", "fetch the benchmark again: python -m experiments.suites.fetch dabench"
        )
    outcome = run_code("\n".join(blocks), limits=LIMITS, files={table: path}, packages=True)
    trouble = f"its program failed: {outcome.error[:300]}" if outcome.error else ""
    return _named(outcome.stdout) or _named(reply), trouble


def _named(text: str) -> dict[str, str]:
    return dict(_ANSWER.findall(text))


def _first_lines(table: Path) -> str:
    with table.open(encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip() for _, line in zip(range(_SHOWN_LINES), file, strict=False)]
    return "\n".join(line if len(line) <= _SHOWN_LETTERS else f"{line[:_SHOWN_LETTERS]} ..." for line in lines)


suite = ListedSuite(
    "dabench", "CC-BY-NC-4.0", "Questions about tables, answered by a program that analyses them", load, check
)
