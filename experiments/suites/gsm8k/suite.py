"""Grade-school mathematics in words; the answer is one number, compared as a number.

Source: Cobbe et al., Training Verifiers to Solve Math Word Problems (arXiv:2110.14168, 2021); answers after `####`.
Differs from it: the last number counts where a reply has no `####`, since models are not trained to that mark.
"""

from collections.abc import Iterator
from math import isclose

from experiments.suites.data import find_folder, from_files, read_rows
from experiments.suites.listed import ListedSuite, hash_of, make_item, split_by_hash
from experiments.suites.protocol import AnswerLike, Item, Score
from experiments.suites.reply import last_boxed, last_number

_RAW = "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data"
HOME = from_files({"train.jsonl": f"{_RAW}/train.jsonl", "test.jsonl": f"{_RAW}/test.jsonl"})


def load() -> Iterator[Item]:
    """Its own test items are the test split; its train items are divided into train and val."""
    folder = find_folder("gsm8k")
    for name in ("train", "test"):
        file = folder / f"{name}.jsonl"
        for row in read_rows(file) if file.is_file() else []:
            question = row["question"].strip()
            id = f"gsm8k/{hash_of(question)}"
            yield make_item(
                f"{question}\n\nThink step by step. End with a line that holds #### and then only the number.",
                str(last_number(row["answer"].split("####")[-1])),
                id=id,
                split="test" if name == "test" else split_by_hash(id, {"train": 80, "val": 20}),
                kind="word problem",
            )


def check(item: Item, answer: AnswerLike) -> Score:
    """Right if the number that the answer names is the expected one."""
    if answer.refused:
        return Score(0, f"it was refused, but {item.expected} is right")
    said = named_number(answer)
    if said is None:
        return Score(0, f"no number is given, {item.expected} is right")
    if isclose(float(said), float(item.expected), rel_tol=1e-9):
        return Score(1, "right")
    return Score(0, f"{said} is wrong, {item.expected} is right")


def named_number(answer: AnswerLike) -> str | None:
    """The number after the last `####`, else the checked value, else the number in the last box, else the last number."""
    if "####" in answer.text and (number := last_number(answer.text.rsplit("####", 1)[1].strip().split("\n")[0])):
        return number
    if isinstance(answer.value, int | float):
        return repr(answer.value)
    for text in (answer.value, last_boxed(answer.text), answer.text):
        if text and (number := last_number(text)):
            return number
    return None


suite = ListedSuite("gsm8k", "MIT", "Grade-school mathematics in words; the answer is a number", load, check)
