"""The roles a planned team is made of: who solves, who checks, who explains, and what a small model must be shown to do it.

A hand-made network may use them too; a backward pass edits what they made, not this file.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal

from agents.act import function
from agents.answer import Answer, Evidence
from agents.program import CALL_NAMES
from agents.prompt import Brief
from agents.spec import AgentSpec, AnswerField, Choice, Example
from tools import Tool, get_tool

Role = Literal["solve", "check", "reason", "explain"]

ASKED = AnswerField(
    name="asked", meaning="the question itself with its verb, in the words of the task", max_chars=160, question=True
)
GIVEN = AnswerField(name="given", meaning="the conditions of the case, in the words of the task", max_chars=200)
COMPARE = AnswerField(
    name="compare",
    meaning="nothing, when values of one case are wanted (with X out, what is Y? what does Y cost then?); "
    "difference, when a change is wanted (what does losing X cost? how much does X add or save? how much more at A than at B?); "
    "difference in percent, when the change is wanted in percent; ratio, when it is asked how many times as much. "
    "A difference or ratio takes two calls: a with the change or the case named first, b without it or the other case",
    choices=(
        Choice(value="nothing", calls=1),
        Choice(value="difference", calls=2, forms=("a.x - b.x", "b.x - a.x", "a.x", "b.x")),
        Choice(
            value="difference in percent",
            calls=2,
            forms=tuple(f"({p}.x - {q}.x) / {r}.x * 100" for p, q in ("ab", "ba") for r in "ba"),
        ),
        Choice(value="ratio", calls=2, forms=("a.x / b.x", "b.x / a.x")),
    ),
)
SOLVE = (
    "You turn a task into tool calls and answers. Copy numbers and names from the task; never invent any. "
    "Leave out arguments that the task does not speak of."
)
REASON = "You solve the task step by step in a few short sentences and end with the result."
EXPLAIN = (
    "You tell a scientist the result in two or three plain sentences: the values with their units first, then what they mean "
    "for the task and what they stand on. Use only numbers that stand in the results, exactly as they stand there."
)

ALWAYS_SHOWN = 8  # of a tool's worked questions: a prefix that providers keep cached
NEAREST = 4  # of its others


def solver(id: str, tools: Sequence[str], **settings: Any) -> AgentSpec:
    """An agent that answers with tools, shown how by the worked questions that the tools bring along."""
    worked = [_demonstrations(get_tool(name)) for name in tools]
    given: dict[str, Any] = {
        "fields": (ASKED, GIVEN, COMPARE),
        "examples": tuple(e for of_tool in worked for e in of_tool[:ALWAYS_SHOWN]),
        "more_examples": tuple(e for of_tool in worked for e in of_tool[ALWAYS_SHOWN:]),
        "nearest": NEAREST,
        "checks": ("grounded", "complete", "comparison"),
        "max_turns": 4,
        **settings,
    }
    return AgentSpec(id=id, prompt=SOLVE, role="You plan calls of scientific tools.", tools=tuple(tools), **given)


def reasoner(id: str, **settings: Any) -> AgentSpec:
    """An agent that answers from its own head, for tasks no tool helps with."""
    return AgentSpec(id=id, prompt=REASON, role="You are a careful problem solver.", **settings)


def checker(id: str) -> AgentSpec:
    """A deterministic agent that holds every result against the certificate its tool brings along."""
    return AgentSpec(
        id=id, prompt="Hold every result against its certificate.", role="certificate check", function="certify"
    )


def explainer(id: str, **settings: Any) -> AgentSpec:
    """An agent that puts a checked result into words; numbers that stand in no result are sent back."""
    given: dict[str, Any] = {"checks": ("faithful",), "max_tokens": 160, "max_turns": 1, **settings}
    return AgentSpec(id=id, prompt=EXPLAIN, role="You explain results.", **given)


@function("certify")
def certify(brief: Brief) -> Answer:
    """The last input, if every certificate of its tool calls is within its limit; a refusal that names the breach otherwise."""
    answer = brief.inputs[-1][1] if brief.inputs else Answer(text="nothing to check", refused=True)
    findings = [f for e in answer.evidence for f in _findings(e)]
    if breaches := [words for words, holds in findings if not holds]:
        return answer.model_copy(
            update={"text": f"the result is not certified: {'; '.join(breaches)}", "refused": True, "values": ()}
        )
    checked = "; ".join(words for words, _ in findings)
    return answer.model_copy(update={"text": f"{answer.text} (checked: {checked})" if checked else answer.text})


def _findings(evidence: Evidence) -> list[tuple[str, bool]]:
    """What each certificate of a call says, and whether it holds."""
    found = []
    for name, limit in get_tool(evidence.tool).certificate.items():
        value = evidence.shown.get(name)
        if isinstance(value, int | float):
            found.append((f"{evidence.name}.{name} is {value:.3g}, limit {limit:.3g}", abs(value) <= limit))
        else:
            found.append((f"{evidence.name} has no {name}", False))
    return found


def _demonstrations(tool: type[Tool[Any, Any]]) -> list[Example]:
    return [
        Example(
            task=w.question,
            turn=json.dumps(
                {
                    "asked": w.asked,
                    "given": w.given,
                    "compare": w.compare,
                    "calls": [
                        {"name": name, "tool": tool.name, "arguments": arguments}
                        for name, arguments in zip(CALL_NAMES, w.calls, strict=False)
                    ],
                    "answers": list(w.answers),
                },
                ensure_ascii=False,
            ),
            origin=f"tool {tool.name}",
        )
        for w in tool.worked
    ]
