"""Stories that must mention the answers to trivia questions; the score is the share of answers that are mentioned.

Source: Wang et al., Unleashing the Emergent Cognitive Synergy in Large Language Models (arXiv:2307.05300, 2023), trivia
creative writing with five questions from TriviaQA a story.
Differs from it: an answer counts as mentioned if it stands there as words of their own, with a plural or possessive ending if
need be. In the source `car` is mentioned in `scared`.
"""

import re
import unicodedata
from collections.abc import Iterator

from experiments.suites.data import find_folder, from_files, read_rows
from experiments.suites.listed import ListedSuite, hash_of, make_item
from experiments.suites.protocol import AnswerLike, Item, Score

_RAW = "https://raw.githubusercontent.com/MikeWangWZHL/Solo-Performance-Prompting/main/data/trivia_creative_writing"
HOME = from_files({"test.jsonl": f"{_RAW}/trivia_creative_writing_100_n_5.jsonl"})


def load() -> Iterator[Item]:
    for row in read_rows(find_folder("creative_writing") / "test.jsonl"):
        questions = row["questions"]
        asked = " ".join(questions)
        prompt = (
            f"Write a short and coherent story about {row['topic']} that incorporates the answers to the following"
            f" {len(questions)} questions: {asked}"
        )
        expected = [{"question": q, "names": names} for q, names in zip(questions, row["answers"], strict=True)]
        yield make_item(prompt, expected, id=f"creative_writing/{hash_of(prompt)}", kind="story")


def check(item: Item, answer: AnswerLike) -> Score:
    """The share of questions whose answer is mentioned by any of its names."""
    story = _plain(answer.text)
    missing = [part for part in item.expected if not any(mentions(story, _plain(name)) for name in part["names"])]
    if not missing:
        return Score(1, "mentions all answers")
    first = "; ".join(f"{part['question']} ({part['names'][0]})" for part in missing)
    return Score(1 - len(missing) / len(item.expected), f"does not mention the answer to: {first}")


def mentions(story: str, name: str) -> bool:
    """Whether a name stands in a story as words of their own; both in the same plain writing."""
    if not name:
        return False
    start = r"(?<!\w)" if name[0].isalnum() else ""
    end = r"(?:'?s|es|')?(?!\w)" if name[-1].isalnum() else ""
    return re.search(f"{start}{re.escape(name)}{end}", story) is not None


def _plain(text: str) -> str:
    """Without case, with one kind of apostrophe and blank: `Sunset  Boulevard’s` -> `sunset boulevard's`."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")
    return re.sub(r"\s+", " ", text).strip()


suite = ListedSuite(
    "creative_writing", "Apache-2.0", "Stories that must mention the answers to five trivia questions", load, check
)
