"""Where in a task the asking begins: its question sentences, and the words that open the question in them."""

import re

SENTENCE = re.compile(r"[^.?!]*(?:\.\d[^.?!]*)*\?")  # 1.35 ends no sentence
ASKING = re.compile(
    r"(?:\b(?:by|at|in|on|to|for|of|from) )?\b(?:how|what|which|whose)\b|\bwhere (?:is|are|does|do)\b", re.IGNORECASE
)
FEWEST_WORDS = 5  # fewer ("and which?", "what comes out?") stand for what was said before


def questions(task: str) -> list[str]:
    """The sentences of a task that end in a question mark, or the whole task if none does."""
    return [sentence.strip() for sentence in SENTENCE.findall(task)] or [task]


def opening(task: str) -> str:
    """The first two words of what a task asks, such as "how many"; "" where no question word opens a whole question."""
    said = " ".join(SENTENCE.findall(task)).rstrip(" ?")
    found = ASKING.search(said)
    first, *others = said[found.start() :].split() if found else [""]
    return f"{first.lower()} {others[0].strip(',;:')}" if len(others) >= FEWEST_WORDS - 1 else ""
