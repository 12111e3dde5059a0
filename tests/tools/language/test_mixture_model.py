import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.tools.language.conftest import mixture_on, tiny_llama
from tools.language.lora_mixture.base import Base
from tools.language.lora_mixture.measure import switch
from tools.language.lora_mixture.model import (
    ALPHA_BY_RANK,
    Experts,
    Mixture,
    ScalingHead,
    adapted_layers,
    entropy,
    sizes,
)
from tools.language.lora_mixture.tool import AdapterBaseMismatch
from tools.language.lora_mixture.write import write, write_slowly

Tensor = torch.Tensor
EVERY_HEAD = pytest.mark.parametrize(
    "head", [{}, {"depth": 1}, {"depth": 3, "size": 16}, {"layerwise": False}, {"temperature": 0.3}], ids=str
)


def save_for_peft(mixture: Mixture, folder: Path) -> dict[str, str]:
    """Each expert as an adapter folder of PEFT."""
    paths = {}
    for i in range(mixture.experts.count):
        tensors = {}
        for name, a, b in zip(mixture.layers, mixture.experts.down, mixture.experts.up, strict=True):
            tensors[f"base_model.model.{name}.lora_A.weight"] = a[i].detach().contiguous()
            tensors[f"base_model.model.{name}.lora_B.weight"] = b[i].detach().contiguous()
        place = folder / str(i)
        place.mkdir()
        save_file(tensors, place / "adapter_model.safetensors")
        rank = mixture.experts.rank
        wanted = sorted({name.split(".")[-1] for name in mixture.layers})
        config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": int(ALPHA_BY_RANK * rank)}
        (place / "adapter_config.json").write_text(json.dumps({**config, "target_modules": wanted}))
        paths[str(i)] = str(place)
    return paths


def peft_xlora(mixture: Mixture, folder: Path, **settings: Any) -> Any:
    """The same experts and head in PEFT's own X-LoRA, on the same base model."""
    from peft import XLoraConfig, get_peft_model

    assert mixture.head is not None
    config = XLoraConfig(task_type="CAUSAL_LM", hidden_size=32, adapters=save_for_peft(mixture, folder), **settings)
    base = tiny_llama()
    base.config.use_cache = False  # PEFT's X-LoRA forbids it
    model = get_peft_model(base, config).eval()
    classifier = model.base_model.internal_xlora_classifier
    weights = zip(classifier.layers.parameters(), mixture.head.net.parameters(), strict=True)
    with torch.no_grad():
        for theirs, ours in weights:
            theirs.copy_(ours)
    return model


@EVERY_HEAD
@torch.no_grad()
def test_logits_are_those_of_pefts_x_lora(tiny: Base, ids: Tensor, tmp_path: Path, head: dict[str, Any]) -> None:
    mixture = mixture_on(tiny, **head)
    theirs = peft_xlora(
        mixture,
        tmp_path,
        xlora_depth=head.get("depth", 2),
        xlora_size=head.get("size", 64),
        layerwise_scalings=head.get("layerwise", True),
        softmax_temperature=head.get("temperature", 1.0),
    )
    expected = theirs(input_ids=ids).logits
    found = mixture.logits(ids, mixture.scalings(ids))
    assert (found - expected).abs().max() < 1e-4
    assert (found - tiny.model(input_ids=ids).logits).abs().max() > 1e-2


def test_pefts_gate_gets_gradients_and_its_experts_do_not(tiny: Base, ids: Tensor, tmp_path: Path) -> None:
    """PEFT's issue 2015 was that no gradient reached the head; ours and theirs agree on every one."""
    mixture = mixture_on(tiny)
    theirs = peft_xlora(mixture, tmp_path, xlora_depth=2, xlora_size=64, layerwise_scalings=True)
    theirs(input_ids=ids, labels=ids).loss.backward()
    assert mixture.head is not None
    mixture.experts.requires_grad_(False)
    logits = mixture.logits(ids, mixture.scalings(ids))
    torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    heads = zip(theirs.base_model.internal_xlora_classifier.layers.parameters(), mixture.head.parameters(), strict=True)
    for other, mine in heads:
        assert other.grad is not None
        assert mine.grad is not None
        assert mine.grad.abs().max() > 0
        assert torch.allclose(mine.grad, other.grad, atol=1e-5)
    trained = [name for name, p in theirs.named_parameters() if p.requires_grad]
    assert all("internal_xlora_classifier" in name for name in trained)


@torch.no_grad()
def test_zero_scalings_are_the_base_model_exactly_and_so_is_it_afterwards(tiny: Base, ids: Tensor) -> None:
    mixture = mixture_on(tiny)
    base = tiny.model(input_ids=ids).logits
    assert torch.equal(mixture.logits(ids, mixture.fixed(ids, [0, 0, 0])), base)
    mixture.logits(ids, mixture.scalings(ids))
    assert torch.equal(tiny.model(input_ids=ids).logits, base)


@torch.no_grad()
@pytest.mark.parametrize("targets", ["qv", "all"])
def test_one_hot_scalings_are_the_single_expert(tiny: Base, ids: Tensor, targets: Any) -> None:
    """An expert alone, merged into the weights of a copy of the base model."""
    mixture = mixture_on(tiny, targets=targets)
    for i in range(3):
        merged = tiny_llama()
        for layer, a, b in zip(
            adapted_layers(merged, targets).values(), mixture.experts.down, mixture.experts.up, strict=True
        ):
            layer.weight += ALPHA_BY_RANK * b[i] @ a[i]
        one_hot = [float(i == j) for j in range(3)]
        found = mixture.logits(ids, mixture.fixed(ids, one_hot))
        assert (found - merged(input_ids=ids).logits).abs().max() < 1e-5
        alone = Mixture(tiny.model, mixture.experts.picked([i]), targets)
        assert (found - alone.logits(ids, alone.fixed(ids, [1.0]))).abs().max() < 1e-5


@torch.no_grad()
def test_permuting_experts_and_scalings_together_changes_nothing_and_scalings_alone_do(tiny: Base, ids: Tensor) -> None:
    mixture, order = mixture_on(tiny), [2, 0, 1]
    scalings = mixture.scalings(ids)
    as_before = mixture.logits(ids, scalings)
    turned = Mixture(tiny.model, mixture.experts.picked(order), "qv")
    assert torch.allclose(turned.logits(ids, scalings[..., order]), as_before, atol=1e-5)
    assert (mixture.logits(ids, scalings[..., order]) - as_before).abs().max() > 1e-3


@torch.no_grad()
def test_experts_put_beside_each_other_are_the_same_experts(tiny: Base, ids: Tensor) -> None:
    mixture = mixture_on(tiny)
    again = Mixture(tiny.model, Experts.beside([mixture.experts.picked([i]) for i in range(3)]), "qv")
    scalings = mixture.scalings(ids)
    assert torch.equal(again.logits(ids, scalings), mixture.logits(ids, scalings))


@torch.no_grad()
def test_neither_scalings_nor_logits_know_later_tokens(tiny: Base, ids: Tensor) -> None:
    mixture = mixture_on(tiny)
    other = ids.clone()
    other[:, 12:] = 1
    for of in (mixture.scalings, lambda x: mixture.logits(x, mixture.scalings(x))):
        first, second = of(ids), of(other)
        assert torch.allclose(first[:, :12], second[:, :12], atol=1e-6)
        assert not torch.allclose(first[:, 12:], second[:, 12:], atol=1e-3)


@EVERY_HEAD
def test_writing_with_a_cache_writes_the_same_tokens(tiny: Base, ids: Tensor, head: dict[str, Any]) -> None:
    mixture = mixture_on(tiny, **head)
    prompt = ids[0, :7].tolist()
    written = write(mixture, prompt, 25)
    assert written.tokens == write_slowly(mixture, prompt, 25)
    assert len(set(written.tokens)) > 1
    text = torch.tensor([[*prompt, *written.tokens[:-1]]])
    with torch.no_grad():
        assert torch.allclose(written.scalings, mixture.scalings(text)[0], atol=1e-5)
    half = write(mixture, prompt, 25, end=written.tokens[10]).tokens
    assert half == written.tokens[: written.tokens.index(written.tokens[10])]


def test_every_weight_of_head_and_expert_is_reached_by_a_gradient(tiny: Base, ids: Tensor) -> None:
    mixture = mixture_on(tiny, null=True)
    assert mixture.head is not None
    mixture.logits(ids, mixture.scalings(ids)).square().mean().backward()
    for parameter in [*mixture.head.parameters(), *mixture.experts.parameters()]:
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in tiny.model.parameters())


def test_scalings_add_up_to_one_and_with_a_null_expert_to_less() -> None:
    state = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    plain, top, null = (ScalingHead(32, 4, 3, **more).eval() for more in ({}, {"top_k": 2}, {"null": True}))
    assert plain(state).shape == (2, 5, 4, 3)
    assert torch.allclose(plain(state).sum(-1), torch.ones(2, 5, 4))
    assert torch.allclose(top(state).sum(-1), torch.ones(2, 5, 4))
    assert ((top(state) > 0).sum(-1) == 2).all()
    assert (null(state).sum(-1) < 1).all()


def test_a_lower_temperature_decides_more_sharply() -> None:
    state = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    entropies = []
    for temperature in (0.2, 1.0, 5.0):
        torch.manual_seed(0)
        entropies.append(float(entropy(ScalingHead(32, 4, 3, temperature=temperature).eval()(state)).mean()))
    assert entropies == sorted(entropies)


def test_entropy_is_one_if_all_are_used_alike_and_none_if_one_is() -> None:
    assert entropy(torch.full((4,), 0.25)).item() == pytest.approx(1)
    assert entropy(torch.tensor([0.0, 1.0, 0.0])).item() == pytest.approx(0, abs=1e-6)


def test_experts_for_other_layers_are_refused(tiny: Base) -> None:
    experts = Experts(sizes(adapted_layers(tiny.model, "qv")), 2, 4)
    with pytest.raises(AdapterBaseMismatch, match="4 layers of other sizes than the 14"):
        Mixture(tiny.model, experts, "all")
    with pytest.raises(AdapterBaseMismatch):
        Mixture(tiny.model, experts, "qv", ScalingHead(32, 4, 3))


def test_a_switch_is_found_where_it_is() -> None:
    scalings = torch.full((40, 3, 2), 0.2)
    scalings[:25, :, 0] = 0.8
    scalings[25:, :, 1] = 0.8
    assert switch(scalings + 0.1 * torch.rand(40, 3, 2, generator=torch.Generator().manual_seed(0)), 0, 1) == 25
