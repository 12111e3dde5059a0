"""Which of many demonstrations are shown with a task: those nearest to it in words.

Source: Liu et al., What Makes Good In-Context Examples for GPT-3?, arXiv 2101.06804: examples near to the question help more.
Differs from it: nearness is BM25 over words and pairs of words, which needs no second model. Numbers count as one word, for
the way a question is built matters and not the numbers in it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from agents.spec import Example
from tools.retrieve import bm25


def nearest(task: str, examples: Sequence[Example], k: int) -> list[Example]:
    """The `k` examples nearest to a task, the nearest last, where a model heeds it most."""
    if k >= len(examples):
        return list(examples)
    scores = bm25(set(_terms(task)), [_terms(e.task) for e in examples])
    best = sorted(range(len(examples)), key=lambda i: -scores[i])[:k]
    return [examples[i] for i in reversed(best)]


def _terms(text: str) -> Counter[str]:
    words = re.findall(r"[a-z#]+|[%?]", re.sub(r"\d+(?:[.,]\d+)*", "#", text.lower()))
    return Counter([*words, *map(" ".join, pairwise(words))])
