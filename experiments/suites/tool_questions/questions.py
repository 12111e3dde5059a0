"""The questions as they are stored: wording, the calls that answer it, and what `build` found that they give.

A tool's questions stand in `<tool>.jsonl`. Add one by writing all but `expected` and running
`python -m experiments.suites.tool_questions.build <tool>`.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from experiments.suites.protocol import Split

HERE = Path(__file__).parent


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ask(_Frozen):
    """One thing that is asked: an expression over the outputs of the calls, such as `a.test_accuracy - b.test_accuracy`."""

    expression: str = Field(alias="is")
    unit: str = Field(
        "1", description="As `calculate` writes it, such as mD or psi; 1 for a pure number, empty for words"
    )
    within: float = Field(1e-3, ge=0, description="How far off a right answer may be, as a share of its size")
    within_absolute: float = Field(0.0, ge=0, description="The same in the unit itself; the wider of the two counts")
    signed: bool = Field(True, description="False where the wording leaves open which way a difference is taken")
    at_least: float | None = Field(None, description="Refinement: any answer from here up is right")
    at_most: float | None = Field(None, description="Refinement: any answer up to here is right")


class Question(_Frozen):
    """One line of a tool's file."""

    id: str
    family: str
    split: Split
    kind: str
    prompt: str
    tool: str
    calls: tuple[dict[str, Any], ...] = Field(description="Arguments of the right calls, named a, b, ... in this order")
    asks: tuple[Ask, ...] = ()
    refusal: str = Field("", description="Class of the error that the first call must end in")
    because: str = Field("", description="A pattern that a refusal must match, in the words a person may use")
    expected: dict[str, Any] = Field(default_factory=dict)


def tools_asked() -> list[str]:
    """The tools that have a file."""
    return sorted(path.stem for path in HERE.glob("*.jsonl"))


def load(tool: str) -> tuple[Question, ...]:
    lines = (HERE / f"{tool}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Question.model_validate_json(line) for line in lines if line.strip())


def save(tool: str, questions: tuple[Question, ...]) -> None:
    rows = (q.model_dump_json(by_alias=True, exclude_defaults=True) for q in questions)
    (HERE / f"{tool}.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
