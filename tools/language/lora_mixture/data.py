"""Documents of a domain as rows of tokens: built in, or cut from texts of the user's own."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from tools.language.lora_mixture.base import Base
from tools.language.lora_mixture.domains import DOMAINS, VERSION, Part, part_of, windows
from tools.language.lora_mixture.tool import LEAST_TOKENS, CorpusTooSmall

LENGTH = 128  # tokens of a row
IGNORED = -100  # target of what is no text
_LEAST_DOCUMENTS = 2  # of each part of a user's texts


@dataclass(frozen=True)
class Domain:
    """Where an expert learns what it knows.

    `own` holds the parts of a user's texts; without them the domain is built in.
    """

    name: str
    own: Mapping[Part, Sequence[str]] = field(default_factory=dict)

    def documents(self, part: Part, most: int) -> list[str]:
        """So many documents of a part, or all if there are fewer; always the same ones first."""
        return list(islice(iter(self.own[part]) if self.own else DOMAINS[self.name](part), most))

    def rows(self, base: Base, part: Part, most: int) -> Int[Tensor, "n length"]:
        return rows(base, self.documents(part, most))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What decides the documents. Those built in may differ with the Python or package that they come from."""
        if not self.own:
            return {"domain": self.name, "version": VERSION}
        return {"domain": self.name, "sha256": sha256_of([text for part in self.own.values() for text in part])}


def rows(base: Base, documents: Sequence[str]) -> Int[Tensor, "n length"]:
    """One row a document, cut to `LENGTH` tokens; a shorter one is filled up at its end with the token that ends texts.

    Both passes are causal, so what stands behind a text does not touch it, and no mask is needed.
    """
    filled = torch.full((len(documents), LENGTH), base.end)
    for row, document in zip(filled, documents, strict=True):
        tokens = base.tokens(document)[:LENGTH]
        row[: len(tokens)] = torch.tensor(tokens)
    return filled


def targets(ids: Int[Tensor, "n t"], end: int) -> Int[Tensor, "n t"]:
    """The next token of each token; none after the text's end."""
    following = torch.full_like(ids, IGNORED)
    following[:, :-1] = ids[:, 1:].masked_fill(ids[:, 1:] == end, IGNORED)
    return following


def own_domain(base: Base, name: str, texts: Sequence[str]) -> Domain:
    """A domain of the user's texts, cut into documents and split by text, or by document where there are few texts.

    Raises:
        CorpusTooSmall: They have too few tokens to learn from, or too few documents to test on.
    """
    total = sum(len(base.tokens(text)) for text in texts)
    if total < LEAST_TOKENS:
        raise CorpusTooSmall(
            f"{name} has {total:,} tokens, an expert needs {LEAST_TOKENS:,}", hint="give more text", tokens=total
        )
    parts: dict[Part, list[str]] = {"train": [], "validation": [], "test": []}
    for i, text in enumerate(texts):
        for j, piece in enumerate(windows(text)):
            parts[part_of(f"{i}" if len(texts) >= 20 else f"{i} {j}")].append(piece)
    for part, documents in parts.items():
        if len(documents) < _LEAST_DOCUMENTS:
            raise CorpusTooSmall(
                f"{name} has {len(documents)} documents in its {part} part, {_LEAST_DOCUMENTS} are needed",
                hint="give more text, with line breaks at which it can be cut",
            )
    return Domain(name, parts)


def duplicates(domain: Domain, trained: int, tested: int) -> float:
    """Share of the first `tested` test documents that stand word for word among the first `trained` of the training part."""
    known = set(domain.documents("train", trained))
    asked = domain.documents("test", tested)
    return sum(document in known for document in asked) / len(asked)


def sha256_of(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)} ".encode() + text.encode(errors="replace"))
    return digest.hexdigest()
