"""Greedy writing with both passes cached: each new token costs one step of the base model and one of the mixture.

Differs from PEFT's X-LoRA, which forbids a cache and runs the whole text through both passes for each new token. The tokens are
the same, since a token's scalings do not depend on later ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from jaxtyping import Float
from torch import Tensor

from tools.language.lora_mixture.model import Mixture


@dataclass(frozen=True)
class Written:
    """New tokens, and the scalings of every token that went through the mixture: prompt and new ones but the last."""

    tokens: list[int]
    scalings: Float[Tensor, "tokens layers n"]
    seconds: float


@torch.no_grad()
def write(
    mixture: Mixture,
    prompt: list[int],
    most: int,
    end: int | None = None,
    *,
    weights: Sequence[float] | None = None,
    stop: Callable[[int], bool] = lambda token: False,
) -> Written:
    """Continue a prompt, always by the most probable token.

    Args:
        prompt: Tokens, at least one.
        most: New tokens at most.
        end: Token after which to stop; it is not kept.
        weights: Scale the experts so in every token and layer, instead of asking the head; zeros write as the base model does.
        stop: Says of a token that the text ends with it.
    """
    from transformers.cache_utils import DynamicCache

    started = perf_counter()
    first, second = DynamicCache(), DynamicCache()
    device = next(mixture.experts.parameters()).device
    step = torch.tensor([prompt], device=device)
    tokens: list[int] = []
    seen = []
    while len(tokens) < most:
        scalings = mixture.scalings(step, first) if weights is None else mixture.fixed(step, weights)
        seen.append(scalings[0])
        token = int(mixture.logits(step, scalings, second)[0, -1].argmax())
        if token == end:
            break
        tokens.append(token)
        if stop(token):
            break
        step = torch.tensor([[token]], device=device)
    return Written(tokens, torch.cat(seen).cpu(), perf_counter() - started)


@torch.no_grad()
def write_slowly(mixture: Mixture, prompt: list[int], most: int, end: int | None = None) -> list[int]:
    """The same without any cache, to compare with."""
    text = list(prompt)
    device = next(mixture.experts.parameters()).device
    while len(text) < len(prompt) + most:
        ids = torch.tensor([text], device=device)
        token = int(mixture.logits(ids, mixture.scalings(ids))[0, -1].argmax())
        if token == end:
            break
        text.append(token)
    return text[len(prompt) :]
