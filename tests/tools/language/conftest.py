from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tools.language.lora_mixture.base import Base, llama
from tools.language.lora_mixture.model import Experts, Mixture, ScalingHead, Targets, adapted_layers, sizes


class Letters:
    """A tokenizer with one token a letter of ASCII; 0 ends a text, 95 a line."""

    def encode(self, text: str) -> Any:
        return SimpleNamespace(ids=[95 if letter == "\n" else ord(letter) - 31 for letter in text])

    def decode(self, ids: list[int], skip_special_tokens: bool = True) -> str:
        return "".join("\n" if i == 95 else chr(31 + i) for i in ids)


def tiny_llama(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return llama(
        vocab_size=96,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.1,  # so wide that texts do not repeat one token
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    )


@pytest.fixture
def tiny() -> Base:
    """A base model with random weights: no language, but all the mathematics."""
    return Base(tiny_llama(), Letters(), "0" * 64, 0)


def mixture_on(base: Base, count: int = 3, targets: Targets = "qv", seed: int = 1, **head: Any) -> Mixture:
    """Random experts, whose B is not zero as when fresh, and a random head that is not timid."""
    torch.manual_seed(seed)
    layers = adapted_layers(base.model, targets)
    experts = Experts(sizes(layers), count, 4)
    for b in experts.up:
        torch.nn.init.normal_(b, std=0.3)
    scaling = ScalingHead(32, len(layers), count, **head).eval()
    for parameter in scaling.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return Mixture(base.model, experts, targets, scaling)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(1, 96, (2, 20), generator=torch.Generator().manual_seed(3))
