"""The questions as they are stored: wording, meaning, and the right answer that `build` computed from the meaning."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from experiments.suites.grid_questions.truth import Truth
from experiments.suites.protocol import Split

HERE = Path(__file__).parent


class Question(BaseModel):
    """One line of `train.jsonl`, `val.jsonl` or `test.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    family: str
    kind: str
    prompt: str
    truth: Truth
    expected: dict[str, Any] = Field(default_factory=dict)


def load(split: Split) -> tuple[Question, ...]:
    lines = (HERE / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Question.model_validate_json(line) for line in lines)


def save(split: Split, questions: tuple[Question, ...]) -> None:
    rows = (q.model_dump(mode="json", by_alias=True, exclude_defaults=True) for q in questions)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / f"{split}.jsonl").write_text(text, encoding="utf-8")
