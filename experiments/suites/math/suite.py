r"""Competition mathematics; the answer is a LaTeX term, compared in one plain spelling or by value.

Source: Hendrycks et al., Measuring Mathematical Problem Solving with the MATH Dataset (arXiv:2103.03874, 2021); the answer is
what the last `\boxed{...}` holds.
Differs from it: a reply without a box is read too, since to forget the box is not to be wrong; see `latex` for the comparison.
"""

import re
from collections.abc import Iterator

from experiments.suites.data import find_folder, from_files, read_rows
from experiments.suites.listed import ListedSuite, hash_of, make_item
from experiments.suites.math.latex import same
from experiments.suites.protocol import AnswerLike, Item, Score
from experiments.suites.reply import last_boxed, last_number

HOME = from_files({"test.jsonl": "https://huggingface.co/datasets/HuggingFaceH4/MATH-500/resolve/main/test.jsonl"})
_ANSWER_IS = re.compile(r"answer\s*(?:is|:|=)\s*:?\s*(.+?)\s*(?:$|\n|\.\s)", re.IGNORECASE)
_FORMULA = re.compile(r"(?<!\\)\$((?:[^$\\]|\\.)+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)


def load() -> Iterator[Item]:
    for row in read_rows(find_folder("math") / "test.jsonl"):
        yield make_item(
            f"{row['problem'].strip()}\n\nThink step by step, and put the final answer in \\boxed{{}}.",
            row["answer"],
            id=f"math/{hash_of(row['problem'].strip())}",
            kind=row.get("subject", "problem"),
        )


def check(item: Item, answer: AnswerLike) -> Score:
    """Right if the term that the answer names says the same as the expected one."""
    if answer.refused:
        return Score(0, f"it was refused, but {item.expected} is right")
    said = named_term(answer)
    if said is None:
        return Score(0, f"no answer is given, {item.expected} is right")
    if same(said, item.expected):
        return Score(1, "right")
    return Score(0, f"{said[:200]} is wrong, {item.expected} is right")


def named_term(answer: AnswerLike) -> str | None:
    """The last box, else the checked value, else what follows `answer is`, else the last formula, else the last number."""
    if (boxed := last_boxed(answer.text)) is not None:
        return boxed
    if answer.value is not None:
        return f"{answer.value:.12g}" if isinstance(answer.value, int | float) else answer.value
    if said := _ANSWER_IS.findall(answer.text):
        formulas = _FORMULA.findall(said[-1])
        return "".join(formulas[-1]) if formulas else said[-1].strip("* ")
    if formulas := _FORMULA.findall(answer.text):
        return "".join(formulas[-1])
    return last_number(answer.text)


suite = ListedSuite("math", "MIT", "Competition mathematics; the answer is a LaTeX term", load, check)
