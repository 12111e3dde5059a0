"""What a mixture is worth: perplexities of all its rivals on the same documents, with intervals over documents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import cross_entropy

from tools.contract import progress
from tools.language.lora_mixture.base import Base
from tools.language.lora_mixture.data import IGNORED, targets
from tools.language.lora_mixture.model import Mixture

_RESAMPLES = 2000
_AT_ONCE = 8  # documents


@dataclass(frozen=True)
class Losses:
    """Summed cross-entropy [nat] of each document under each rival, and the tokens that were predicted in it."""

    tokens: Int[ndarray, "n"]
    domain: Int[ndarray, "n"]  # the document's own, as its place
    base: Float[ndarray, "n"]
    experts: Float[ndarray, "n e"]
    uniform: Float[ndarray, "n"]
    mixed: Float[ndarray, "n"]
    used: Float[ndarray, "n e"]  # scalings of the gate, averaged over tokens and layers

    @property
    def oracle(self) -> Float[ndarray, "n"]:
        """The expert that is best for each document, known only afterwards."""
        return np.asarray(self.experts.min(1))

    @property
    def single(self) -> int:
        """The expert that is best over all documents."""
        return int(self.experts.sum(0).argmin())

    def perplexity(self, loss: Float[ndarray, "n"], domain: int | None = None) -> float:
        rows = slice(None) if domain is None else self.domain == domain
        return float(np.exp(loss[rows].sum() / self.tokens[rows].sum()))

    @property
    def confusion(self) -> Int[ndarray, "e e"]:
        """Documents of the row's domain that use most the column's expert."""
        table = np.zeros((self.used.shape[1],) * 2, dtype=int)
        np.add.at(table, (self.domain, self.used.argmax(1)), 1)
        return table


@torch.no_grad()
def measure(base: Base, mixture: Mixture, documents: Sequence[Int[Tensor, "n t"]]) -> Losses:
    """Losses of base, each expert, all alike, and the gated mixture on documents of each domain."""
    ids = torch.cat(list(documents)).to(base.device)
    domain = np.repeat(np.arange(len(documents)), [len(part) for part in documents])
    count = mixture.experts.count
    choices = [*np.eye(count).tolist(), [1 / count] * count]
    losses: list[Tensor] = []
    used = []
    for at in range(0, len(ids), _AT_ONCE):
        rows = ids[at : at + _AT_ONCE]
        progress(at / len(ids), f"testing document {at + 1} of {len(ids)}")
        scalings = mixture.scalings(rows)
        found = [document_losses(base.model(input_ids=rows).logits, rows, base.end)]
        found += [document_losses(mixture.logits(rows, mixture.fixed(rows, c)), rows, base.end) for c in choices]
        found.append(document_losses(mixture.logits(rows, scalings), rows, base.end))
        losses.append(torch.stack(found, 1))
        inside = (rows != base.end).float()
        used.append((scalings.mean(2) * inside[..., None]).sum(1) / inside.sum(1, keepdim=True))
    table = torch.cat(losses).double().cpu().numpy()
    return Losses(
        tokens=(targets(ids, base.end) != IGNORED).sum(1).cpu().numpy(),
        domain=domain,
        base=table[:, 0],
        experts=table[:, 1 : count + 1],
        uniform=table[:, -2],
        mixed=table[:, -1],
        used=torch.cat(used).double().cpu().numpy(),
    )


def document_losses(logits: Float[Tensor, "n t v"], ids: Int[Tensor, "n t"], end: int) -> Float[Tensor, "n"]:
    each = cross_entropy(logits.mT.float(), targets(ids, end), ignore_index=IGNORED, reduction="none")
    return each.sum(1)


def gain(
    ours: Float[ndarray, "n"], other: Float[ndarray, "n"], tokens: Int[ndarray, "n"]
) -> tuple[float, float, float]:
    """How far our perplexity is below another's [%], with its 95 % bootstrap interval over documents."""
    random = np.random.default_rng(0)
    picks = random.integers(0, len(tokens), (_RESAMPLES, len(tokens)))
    ratios = np.exp((ours - other)[picks].sum(1) / tokens[picks].sum(1))
    low, high = np.quantile(100 * (1 - ratios), [0.025, 0.975])
    return float(100 * (1 - np.exp((ours - other).sum() / tokens.sum()))), float(low), float(high)


def switch(scalings: Float[Tensor, "t layers n"], first: int, second: int) -> int:
    """The token from which a spliced text is more the second expert's than the first's: where two levels fit best."""
    lead = (scalings.mean(1)[:, second] - scalings.mean(1)[:, first]).double()
    ahead = lead.cumsum(0)
    at = torch.arange(1, len(lead))
    left, right = ahead[:-1] / at, (ahead[-1] - ahead[:-1]) / (len(lead) - at)
    between = (right - left) * (at * (len(lead) - at)).double().sqrt()
    return int(between.argmax()) + 1
