"""The vote of self-consistency and debate: answers are sorted by the result they end in, and the largest group wins.

Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models", arXiv 2203.11171: the reasoning is
marginalised out, so what votes is the final result, not the text around it.
"""

import ast
import re
from collections import Counter

from agents import Answer, Brief, function
from experiments.suites.reply import code_blocks, last_boxed, last_number

NAMED = re.compile(r"@(\w+)\[([^\]]*)\]")
MARKED = re.compile(r"####\s*(.+)|(?:final answer|answer is|answer)\s*:?\s*(.+)", re.IGNORECASE)


def result_of(text: str) -> str:
    """What an answer's text comes to, so that answers with the same result are equal.

    The first of: all `@name[value]` pairs, the last code block by its syntax, the last `\\boxed{}`, what stands behind the last
    `####` or "answer is", the last number, the words without case and punctuation.
    """
    if pairs := NAMED.findall(text):
        return " ".join(sorted(f"@{name}[{_plain(value)}]" for name, value in pairs))
    if blocks := code_blocks(text):
        return _syntax(blocks[-1])
    if boxed := last_boxed(text):
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
    """The last number, such that 7 and 7.00 are one."""
    found = last_number(text)
    return f"{float(found):.12g}" if found else ""


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\s.,;:!?$\"'`*]+", text.lower()))


def _syntax(code: str) -> str:
    try:
        return ast.unparse(ast.parse(code))
    except SyntaxError:
        return _plain(code)
