"""Python functions from their docstrings; the answer is right if it passes the unit tests, in the sandbox.

Source: Chen et al., Evaluating Large Language Models Trained on Code (arXiv:2107.03374, 2021): pass@1, 3 s a program.
Differs from it: the 3 s are of processor time, so that a busy machine fails nobody; and a chat model's reply may repeat the
signature, with the function in a fenced block.
"""

import ast
from collections.abc import Iterator
from typing import Any

from experiments.sandbox import Limits, run_code
from experiments.suites.data import find_folder, from_files, read_rows
from experiments.suites.listed import ListedSuite, make_item
from experiments.suites.protocol import AnswerLike, Item, Score
from experiments.suites.reply import code_blocks

HOME = from_files({"test.jsonl": "https://raw.githubusercontent.com/openai/human-eval/master/data/HumanEval.jsonl.gz"})
LIMITS = Limits(cpu_seconds=3)
_ASK = "Complete this Python function. Reply with the whole function, with the imports it needs, in one ```python block.\n\n"


def load() -> Iterator[Item]:
    for row in read_rows(find_folder("humaneval") / "test.jsonl"):
        expected = {name: row[name] for name in ("prompt", "test", "entry_point")}
        yield make_item(f"{_ASK}```python\n{row['prompt'].strip()}\n```", expected, id=row["task_id"], kind="function")


def check(item: Item, answer: AnswerLike) -> Score:
    """Right if the program runs to the end of its tests. Raises `NoIsolation` where there is no sandbox."""
    if answer.refused:
        return Score(0, "it was refused, but the function can be written")
    outcome = run_code(program(answer.text, item.expected), limits=LIMITS)
    if outcome.end == "finished":
        return Score(1, "passes all tests")
    where = [line.strip() for line in outcome.stderr.splitlines() if line.startswith("    ") and "^" not in line]
    at = f", at `{where[-1][:200]}`" if where else ""
    return Score(0, f"fails its tests: {outcome.error[:300]}{at}")


def program(reply: str, expected: dict[str, Any]) -> str:
    """The text to run: the function, alone or as the end of the prompt, and its tests.

    What stands in the prompt before the function, such as imports and helpers, comes first, as the function may rely on it.
    """
    prompt, name = expected["prompt"], expected["entry_point"]
    blocks = code_blocks(reply)
    code = next((block for block in reversed(blocks) if f"def {name}" in block), "\n".join(blocks) or reply)
    before = prompt[: prompt.rindex(f"def {name}(")]
    whole = f"{before}\n{_without_last_words(code)}" if f"def {name}(" in code else prompt + code
    return f"{whole}\n\n{expected['test']}\n\ncheck({name})\n"


def _without_last_words(code: str) -> str:
    """Code up to where it stops being Python: a reply without fences may end in an explanation."""
    lines = code.splitlines()
    for end in range(len(lines), 0, -1):
        shorter = "\n".join(lines[:end])
        try:
            ast.parse(shorter)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return shorter
    return code


suite = ListedSuite("humaneval", "MIT", "Python functions from their docstrings, judged by unit tests", load, check)
