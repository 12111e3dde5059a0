"""X-LoRA: how much of each low-rank expert to use is decided anew for every token and every adapted layer.

A layer gives W x + g sum_i s_i (alpha / r) B_i A_i x. The scalings s come from a small head that reads the last hidden state of
a first pass through the base model alone; a second pass uses them. Both passes are causal, so the scalings of a token depend on
what came before it and on nothing else, and both can keep their keys and values while a text is written.

Source: E. L. Buehler, M. J. Buehler, X-LoRA: Mixture of low-rank adapter experts, arXiv 2402.07148 (2024).
Differs from it: the experts of a layer lie side by side, so that a layer costs two more products however many experts there are;
the base model is never changed, since what the experts add is added by hooks for the time of one pass; top-k keeps the k
largest logits and then takes the softmax, so that scalings still add up to 1; and with a null expert, which adds nothing, the
scalings of the others add up to less than 1. g is 1 and there is no dropout inside the experts.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import linear

from tools.language.lora_mixture.tool import AdapterBaseMismatch

Targets = Literal["qv", "all"]
PROJECTIONS: dict[Targets, tuple[str, ...]] = {
    "qv": ("q_proj", "v_proj"),
    "all": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
}
ALPHA_BY_RANK = 2.0  # alpha / r
DROPOUT = 0.2  # in the head, as in the authors' released settings


def adapted_layers(base: nn.Module, targets: Targets) -> dict[str, nn.Linear]:
    """The linear layers of `base` that experts change, by name, in the order of the scalings."""
    wanted = PROJECTIONS[targets]
    return {
        name: module for name, module in base.named_modules() if isinstance(module, nn.Linear) and name.endswith(wanted)
    }


class Experts(nn.Module):
    """n LoRA experts for the same layers, side by side. Fresh ones add nothing: their B is zero.

    Args:
        layers: Inputs and outputs of each adapted layer, in order.
        count: Experts n.
        rank: Rank r of each.
        generator: Draws A, uniformly as PEFT does.
    """

    def __init__(
        self, layers: Sequence[tuple[int, int]], count: int, rank: int, *, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.count, self.rank = count, rank
        self.down = nn.ParameterList(torch.empty(count, rank, inputs) for inputs, _ in layers)
        self.up = nn.ParameterList(torch.zeros(count, outputs, rank) for _, outputs in layers)
        for a in self.down:
            nn.init.uniform_(a, -(a.shape[-1] ** -0.5), a.shape[-1] ** -0.5, generator=generator)

    @classmethod
    def beside(cls, experts: Sequence["Experts"]) -> "Experts":
        """All experts of several sets, in their order."""
        sizes = [(a.shape[-1], b.shape[-2]) for a, b in zip(experts[0].down, experts[0].up, strict=True)]
        joined = cls(sizes, sum(each.count for each in experts), experts[0].rank)
        with torch.no_grad():
            for mine, theirs in ((joined.down, [e.down for e in experts]), (joined.up, [e.up for e in experts])):
                for place, parameter in enumerate(mine):
                    parameter.copy_(torch.cat([each[place] for each in theirs]))
        return joined

    def picked(self, order: Sequence[int]) -> "Experts":
        """Some of the experts, or all in another order."""
        sizes = [(a.shape[-1], b.shape[-2]) for a, b in zip(self.down, self.up, strict=True)]
        chosen = Experts(sizes, len(order), self.rank)
        chosen.load_state_dict({name: value[list(order)] for name, value in self.state_dict().items()})
        return chosen

    def forward(
        self, place: int, x: Float[Tensor, "b t inputs"], s: Float[Tensor, "b t n"]
    ) -> Float[Tensor, "b t outputs"]:
        """What they add together to the output of the layer at `place`."""
        low = linear(x, self.down[place].flatten(0, 1)).unflatten(-1, (self.count, self.rank))
        scaled = low * (ALPHA_BY_RANK * s)[..., None]
        added: Tensor = linear(scaled.flatten(-2), self.up[place].transpose(0, 1).flatten(1))
        return added


class ScalingHead(nn.Module):
    """From a hidden state to the scalings of all experts in all adapted layers.

    Args:
        hidden: Size of the hidden state.
        layers: Adapted layers L.
        experts: Experts n.
        depth: Linear layers, at least 1.
        size: Width between them.
        layerwise: False gives all layers the same scalings.
        temperature: Divides the logits; a low one decides more sharply.
        top_k: Only the k largest count; None for all.
        null: Add an expert that adds nothing, so that the others may be used less than fully.
    """

    def __init__(
        self,
        hidden: int,
        layers: int,
        experts: int,
        *,
        depth: int = 2,
        size: int = 64,
        layerwise: bool = True,
        temperature: float = 1.0,
        top_k: int | None = None,
        null: bool = False,
    ) -> None:
        super().__init__()
        self.layers, self.experts, self.layerwise = layers, experts, layerwise
        self.temperature, self.top_k, self.null = temperature, top_k, null
        widths = [hidden] + [size] * (depth - 1)
        parts: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            parts += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(DROPOUT)]
        self.net = nn.Sequential(*parts, nn.Linear(widths[-1], (experts + null) * (layers if layerwise else 1)))

    def forward(self, state: Float[Tensor, "b t hidden"]) -> Float[Tensor, "b t layers n"]:
        """Scalings from 0 to 1, which add up to 1 over the experts (with a null expert, to 1 at most)."""
        logits = self.net(state).unflatten(-1, (-1, self.experts + self.null)) / self.temperature
        if self.top_k is not None:
            least = logits.topk(self.top_k, -1).values[..., -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        scalings: Tensor = logits.softmax(-1)[..., : self.experts]
        return scalings.expand(-1, -1, self.layers, -1)


class Mixture:
    """A frozen base model with experts on it and, if given, a head that decides how to mix them.

    Args:
        base: A LlamaForCausalLM, or any causal model of transformers with such projections.
        experts: For the layers that `targets` name.
        head: Without it only given scalings can be used.

    Raises:
        AdapterBaseMismatch: The experts have not the shapes of the base model's layers, or the head not those of both.
    """

    def __init__(self, base: Any, experts: Experts, targets: Targets, head: ScalingHead | None = None) -> None:
        self.base, self.experts, self.head = base, experts, head
        self.layers = adapted_layers(base, targets)
        wanted = sizes(self.layers)
        found = [(a.shape[-1], b.shape[-2]) for a, b in zip(experts.down, experts.up, strict=True)]
        if wanted != found or (head and (head.layers, head.experts) != (len(wanted), experts.count)):
            raise AdapterBaseMismatch(
                f"the experts are made for {len(found)} layers of other sizes than the {len(wanted)} of this base model",
                hint="use them with the base model and the targets that they were trained with",
            )

    def state(self, ids: Int[Tensor, "b t"], cache: Any = None) -> Float[Tensor, "b t hidden"]:
        """The last hidden state of the base model alone: the first pass."""
        with torch.no_grad():
            state: Tensor = self.base.model(input_ids=ids, cache=cache, use_cache=cache is not None).last_hidden_state
        return state

    def scalings(self, ids: Int[Tensor, "b t"], cache: Any = None) -> Float[Tensor, "b t layers n"]:
        """What the head decides for these tokens."""
        assert self.head is not None, "this mixture has no head"
        return torch.as_tensor(self.head(self.state(ids, cache)))

    def logits(
        self, ids: Int[Tensor, "b t"], scalings: Float[Tensor, "b t layers n"], cache: Any = None
    ) -> Float[Tensor, "b t vocabulary"]:
        """Logits of the next token under these scalings: the second pass."""
        with self._adding(scalings):
            logits: Tensor = self.base(input_ids=ids, cache=cache, use_cache=cache is not None).logits
        return logits

    def fixed(self, ids: Int[Tensor, "b t"], weights: Sequence[float]) -> Float[Tensor, "b t layers n"]:
        """The same scalings for all tokens and layers: (1, 0, 0) is the first expert alone, zeros are the base model."""
        return torch.tensor(weights, device=ids.device).expand(*ids.shape, len(self.layers), -1)

    @contextmanager
    def _adding(self, scalings: Float[Tensor, "b t layers n"]) -> Iterator[None]:
        handles = [
            layer.register_forward_hook(partial(self._add, place, scalings[..., place, :]))
            for place, layer in enumerate(self.layers.values())
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _add(self, place: int, s: Tensor, layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        return torch.add(output, self.experts(place, inputs[0], s))


def sizes(layers: Mapping[str, nn.Linear]) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in layers.values()]


def entropy(scalings: Float[Tensor, "*shape n"]) -> Float[Tensor, "*shape"]:
    """Entropy over the experts as a share of its largest value: 0 if one is used alone, 1 if all alike."""
    shares = scalings / scalings.sum(-1, keepdim=True).clamp_min(1e-9)
    return -(shares * shares.clamp_min(1e-9).log()).sum(-1) / torch.log(torch.tensor(float(scalings.shape[-1])))
