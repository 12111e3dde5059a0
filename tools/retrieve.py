"""Which few of many tools a question is about: BM25 over what each tool says of itself.

Source: S. Robertson, H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), eq. 3.15, with the idf of
Lucene (never negative), so that two tools can be told apart as well as forty.
Differs from it: fields are weighted by repetition (their eq. 3.29 in its simplest form), and a tool named outright wins.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable

from tools.registry import AnyTool

_SATURATION = 1.2  # k1
_LENGTH = 0.6  # b
_NAME, _KEYWORDS, _DESCRIPTION, _INPUTS = 4, 3, 2, 1  # how often each field counts

_COMMON_WORDS = """
    a about all also an and any are as at be been but by can did do does each for from get give given gives had has have
    here how i if in into is it its let long make me much my no not of on one only or our over per please same say show so
    some still such take tell than that the their them then there these they this to under up use used using want was we
    were what when where which while who why will with would you your
"""
_STOPWORDS = frozenset(_COMMON_WORDS.split())
_ENDINGS = re.compile(
    r"(?:ational|ations?|ifications?|ically|ical|ised|ized|ises?|izes?|ising|izing|ings?|edly|ed|ers?|ors?"
    r"|ies|ment|ments|ly|es|s|e|y|ic|al|ive|ity)$"
)


def retrieve(query: str, tools: Iterable[AnyTool], k: int, share: float = 0.0) -> list[AnyTool]:
    """The `k` tools nearest to a question in plain words, best first; all of them when there are no more than `k`.

    Equal scores are in alphabetical order, so the same question always gives the same list.

    Args:
        share: Of the best score, in 0..1, which a tool must reach that the question does not name.
    """
    candidates = sorted(tools, key=lambda tool: tool.name)
    bags = [_bag(tool) for tool in candidates]
    scores = bm25(set(_stems(query)), bags)
    named = [_is_named(tool, query) for tool in candidates]
    order = sorted(range(len(candidates)), key=lambda i: (not named[i], -scores[i]))
    least = share * max(scores, default=0.0)
    return [candidates[i] for i in order[:k] if named[i] or scores[i] >= least]


def keywords_in(query: str, tool: AnyTool) -> int:
    """How many of a tool's keywords a question uses."""
    said = set(_stems(query))
    return sum(bool(stems) and said >= set(stems) for stems in map(_stems, tool.keywords))


def bm25(query: set[str], bags: list[Counter[str]]) -> list[float]:
    """How well each bag of terms fits a query's terms; at least 0."""
    mean = sum(bag.total() for bag in bags) / max(len(bags), 1)
    weight = {}
    for term in query:
        holders = sum(term in bag for bag in bags)
        weight[term] = math.log(1 + (len(bags) - holders + 0.5) / (holders + 0.5))

    def score(bag: Counter[str]) -> float:
        norm = _SATURATION * (1 - _LENGTH + _LENGTH * bag.total() / mean)
        return math.fsum(
            weight[term] * bag[term] * (_SATURATION + 1) / (bag[term] + norm) for term in query if term in bag
        )

    return [score(bag) for bag in bags]


def _bag(tool: AnyTool) -> Counter[str]:
    inputs = " ".join(f"{name} {field.description or ''}" for name, field in tool.input_type().model_fields.items())
    bag: Counter[str] = Counter()
    for text, times in (
        (tool.name, _NAME),
        (" ".join(tool.keywords), _KEYWORDS),
        (tool.description(), _DESCRIPTION),
        (inputs, _INPUTS),
    ):
        for stem in _stems(text):
            bag[stem] += times
    bag.update({stem for worked in tool.worked for stem in _stems(worked.question)})  # words that questions are put in
    return bag


def _is_named(tool: AnyTool, query: str) -> bool:
    return re.search(rf"\b{re.escape(tool.name).replace('_', '[ _-]')}\b", query, re.IGNORECASE) is not None


def _stems(text: str) -> list[str]:
    words = re.findall(r"[a-z]+|[0-9]+", text.lower())
    return [_stem(word) for word in words if word not in _STOPWORDS]


def _stem(word: str) -> str:
    """The word without its ending, as long as four letters stay: forecasts, forecasting, forecaster -> forecast."""
    shorter = _ENDINGS.sub("", word)
    return shorter if len(shorter) >= 4 else word.removesuffix("s")
