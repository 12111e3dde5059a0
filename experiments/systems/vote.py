"""The vote of self-consistency and debate: answers are sorted by the result they end in, and the largest group wins.

Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models", arXiv 2203.11171: the reasoning is
marginalised out, so what votes is the final result, not the text around it.
"""

import ast
import re
from collections import Counter

from agents import Answer, Brief, function

NAMED = re.compile(r"@(\w+)\[([^\]]*)\]")
FENCE = re.compile(r"```[\w+-]*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
MARKED = re.compile(r"####\s*(.+)|(?:final answer|answer is|answer)\s*:?\s*(.+)", re.IGNORECASE)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?")


def result_of(text: str) -> str:
    """What an answer's text comes to, so that answers with the same result are equal.

    The first of: all `@name[value]` pairs, the last code block by its syntax, the last `\\boxed{}`, what stands behind the last
    `####` or "answer is", the last number, the words without case and punctuation.
    """
    if pairs := NAMED.findall(text):
        return " ".join(sorted(f"@{name}[{_plain(value)}]" for name, value in pairs))
    if blocks := FENCE.findall(text):
        return _syntax(blocks[-1])
    if boxed := _last_boxed(text):
        return _plain(boxed)
    if marks := MARKED.findall(text):
        said = next(part for part in marks[-1] if part)
        return _number(said) or _plain(said)
    return _number(text) or _plain(text)


@function("vote")
def vote(brief: Brief) -> Answer:
    """The first answer whose result is the most frequent one."""
    answers = [answer for _, answer in brief.inputs]
    results = ["refused" if a.refused else result_of(a.text) for a in answers]
    counts = Counter(results)
    winner = max(results, key=counts.__getitem__)  # the earliest of the most frequent
    return answers[results.index(winner)]


def _number(text: str) -> str:
    found = NUMBER.findall(text)
    return found[-1].replace(",", "").removesuffix(".00").removesuffix(".0") if found else ""


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\s.,;:!?$\"'`*]+", text.lower()))


def _syntax(code: str) -> str:
    try:
        return ast.unparse(ast.parse(code))
    except SyntaxError:
        return _plain(code)


def _last_boxed(text: str) -> str:
    start = text.rfind("\\boxed{")
    depth = 0
    for k in range(start + 6, len(text)) if start >= 0 else ():
        depth += {"{": 1, "}": -1}.get(text[k], 0)
        if depth == 0:
            return text[start + 7 : k]
    return ""
