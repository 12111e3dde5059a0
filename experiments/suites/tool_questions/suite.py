"""The suite of all tools' questions, in the order of their names."""

from collections.abc import Iterable

from experiments.suites.listed import ListedSuite
from experiments.suites.protocol import Item
from experiments.suites.tool_questions.check import check
from experiments.suites.tool_questions.questions import load, tools_asked


def _items() -> Iterable[Item]:
    for tool in tools_asked():
        for q in load(tool):
            yield Item(q.id, q.family, q.split, q.prompt, q.expected, f"{tool}: {q.kind}")


suite = ListedSuite(
    name="tool_questions",
    licence="Apache-2.0",
    description="Questions for each scientific tool: the right tool, arguments, number and unit, or the right refusal",
    load=_items,
    score=lambda item, answer: check(item.prompt, item.expected, answer),
)
