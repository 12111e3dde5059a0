"""Make the right calls and keep what they give: `python -m experiments.suites.tool_questions.build TOOL`.

The calls are made by the tool itself, so this proves nothing about the tool; that its numbers are right is what the tool's own
tests and its paper's table prove. The suite asks whether agents find the right tool, arguments, number and unit.
"""

import sys
from types import SimpleNamespace
from typing import Any

from experiments.suites.grid_questions.truth import value_of
from experiments.suites.tool_questions.questions import Ask, Question, load, save, tools_asked
from tools import ToolError, run_tool


class NotAsExpected(Exception):
    """The calls of a question do not give what it says."""


def expected_of(question: Question) -> dict[str, Any]:
    """The right answer in the checker's form.

    Raises:
        NotAsExpected: A call that should be refused is not, or the other way round; or a refinement's goal is met from the
            start, or not met by its last call.
    """
    outputs: dict[str, Any] = {}
    for name, arguments in zip("abcdef", question.calls, strict=False):
        try:
            outputs[name] = SimpleNamespace(**run_tool(question.tool, arguments).output)
        except ToolError as error:
            if question.refusal in {kind.__name__ for kind in type(error).__mro__}:
                return {"refusal": question.refusal, "because": question.because}
            raise NotAsExpected(f"call {name} is refused: {error.message}") from error
    if question.refusal:
        raise NotAsExpected(f"it should be refused with {question.refusal}, but is answered")
    return {"parts": [_part(ask, outputs) for ask in question.asks]}


def _part(ask: Ask, outputs: dict[str, Any]) -> dict[str, Any]:
    value = value_of(ask.expression, outputs)
    if isinstance(value, str):
        return {"words": value}
    if ask.at_least is not None or ask.at_most is not None:
        first = value_of(ask.expression, {**outputs, max(outputs): outputs["a"]})
        if not _reached(ask, value) or _reached(ask, first):
            raise NotAsExpected(f"the goal of {ask.expression} is met by {first} at first and by {value} at last")
        return {"at_least": ask.at_least, "at_most": ask.at_most, "unit": ask.unit}
    within = max(ask.within * abs(value), ask.within_absolute)
    return {"number": value, "unit": ask.unit, "within": within, "signed": ask.signed}


def _reached(ask: Ask, value: float) -> bool:
    return (ask.at_least is None or value >= ask.at_least) and (ask.at_most is None or value <= ask.at_most)


def main(tools: list[str]) -> int:
    """Fill in the answers of these tools' questions. Returns the number of questions whose calls do not give what they say."""
    faults = 0
    for tool in tools:
        built = []
        for question in load(tool):
            try:
                built.append(question.model_copy(update={"expected": expected_of(question)}))
            except (NotAsExpected, ToolError, ValueError, AttributeError) as error:
                faults += 1
                print(f"{question.id}: {type(error).__name__}: {error}", file=sys.stderr)
                built.append(question)
        save(tool, tuple(built))
        print(f"{tool}: {len(built)} questions")
    return faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or tools_asked()))
