import io
import random
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.needs import lend_tiny
from tests.tools.language.conftest import mixture_on
from tools.check import check_arguments
from tools.contract import BadInput, ToolError
from tools.language.lora_mixture import answer as answering
from tools.language.lora_mixture import base as bases
from tools.language.lora_mixture.base import Base, find_file, load_base
from tools.language.lora_mixture.data import Domain, own_domain
from tools.language.lora_mixture.learn import Plan, new_expert, train_expert, trained_expert, trained_mixture
from tools.language.lora_mixture.measure import gain, measure
from tools.language.lora_mixture.tool import (
    BaseModelMissing,
    LoraMixtureInput,
    LoraMixtureOutput,
    MixLoraExperts,
    PromptTooLong,
    UnknownDomain,
)
from tools.perform import perform
from tools.training import BudgetTooSmall

SHORT = Plan(rank=4, expert_tokens=16_384, gate_tokens=16_384, expert_rate=0.03, gate_rate=0.03, size=16)
ARGUMENTS: dict[str, Any] = {
    "domains": ["rise", "fall"],
    "rank": 4,
    "expert_tokens": 16_384,
    "gate_tokens": 16_384,
    "expert_rate": 0.03,
    "gate_rate": 0.03,
    "size": 16,
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path))


@pytest.fixture
def texts() -> dict[str, list[str]]:
    """Small letters that go up and capitals that go down, from anywhere."""
    draw = random.Random(0)

    def line(step: int) -> str:
        at, length = draw.randrange(26), draw.randint(8, 20)
        return "".join(chr((97 if step > 0 else 65) + (at + step * i) % 26) for i in range(length)) + "\n"

    return {
        name: ["".join(line(step) for _ in range(40)) for _ in range(60)] for name, step in (("rise", 1), ("fall", -1))
    }


@pytest.fixture
def domains(tiny: Base, texts: dict[str, list[str]]) -> list[Domain]:
    return [own_domain(tiny, name, given) for name, given in texts.items()]


@pytest.fixture
def on_tiny(tiny: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "load_base", lambda: tiny)


def call(**arguments: Any) -> tuple[LoraMixtureOutput, dict[str, bytes]]:
    output, _, files = perform(MixLoraExperts, check(**arguments), lambda done, what: None)
    return LoraMixtureOutput.model_validate(output), files


def check(**arguments: Any) -> LoraMixtureInput:
    checked = check_arguments(MixLoraExperts, arguments)
    assert isinstance(checked, LoraMixtureInput)
    return checked


def test_experts_learn_their_domain_and_the_gate_learns_which_is_whose(tiny: Base, domains: list[Domain]) -> None:
    before = {name: value.clone() for name, value in tiny.model.state_dict().items()}
    trained = trained_mixture(tiny, domains, SHORT, 600)
    losses = measure(tiny, trained.mixture, [domain.rows(tiny, "test", 6) for domain in domains])
    for own in range(2):
        other = losses.perplexity(losses.experts[:, 1 - own], own)
        assert losses.perplexity(losses.experts[:, own], own) < 0.8 * min(other, losses.perplexity(losses.base, own))
    assert losses.confusion.trace() == len(losses.tokens) == 12
    assert losses.perplexity(losses.mixed) < 0.95 * losses.perplexity(losses.uniform)
    assert losses.perplexity(losses.oracle) <= losses.perplexity(losses.experts[:, losses.single])
    assert gain(losses.mixed, losses.uniform, losses.tokens)[1] > 0
    assert all(torch.equal(before[name], value) for name, value in tiny.model.state_dict().items())
    shuffled = mixture_on(tiny, 2)  # random experts under random scalings know nothing
    assert measure(tiny, shuffled, [domains[0].rows(tiny, "test", 4)]).mixed.sum() > losses.mixed[:4].sum()


def test_the_same_seed_trains_the_same_expert_and_finds_it_again(tiny: Base, domains: list[Domain]) -> None:
    plan = Plan(rank=4, expert_tokens=2048)
    first, learned = trained_expert(tiny, domains[:1], plan, 600)
    assert learned.trained_now
    assert learned.story["training"]["score"] == sorted(learned.story["training"]["score"])
    again, found = trained_expert(tiny, domains[:1], plan, 600)
    assert not found.trained_now
    anew = new_expert(tiny, plan)
    train_expert(tiny, anew, domains[:1], plan, 600)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        assert torch.allclose(value, anew.state_dict()[name], atol=1e-6)
    other, _ = trained_expert(tiny, domains[1:], plan, 600)
    assert not torch.equal(first.up[0], other.up[0])


def test_a_budget_for_less_than_a_round_is_refused(tiny: Base, domains: list[Domain]) -> None:
    with pytest.raises(BudgetTooSmall, match="expert of rise"):
        train_expert(tiny, new_expert(tiny, SHORT), domains[:1], SHORT, 1e-3)


@pytest.mark.usefixtures("on_tiny")
def test_score_agrees_with_itself(texts: dict[str, list[str]]) -> None:
    out, files = call(**ARGUMENTS, texts=texts, documents=3, plots=True)
    assert out.domains == ["rise", "fall"]
    table = np.array(out.confusion)
    assert table.sum() == 6
    assert out.gate_accuracy == table.trace() / 6
    assert out.mixed_perplexity is not None
    assert out.uniform_perplexity is not None
    assert out.gain_pct == pytest.approx(100 * (1 - out.mixed_perplexity / out.uniform_perplexity))
    assert out.gain_low_pct is not None
    assert out.gain_high_pct is not None
    assert out.gain_low_pct <= out.gain_pct <= out.gain_high_pct
    assert sum(out.shares.values()) == pytest.approx(1, abs=1e-5)
    assert 0.7 < out.quality < 1.5
    assert out.adapted_layers == 4
    assert out.parameters == 2 * 2 * 4 * (32 + 32 + 32 + 16) + 32 * 16 + 16 + 16 * 8 + 8
    assert len(out.plots) == len(files) == 2
    assert call(**ARGUMENTS, texts=texts, documents=3, plots=True)[0] == out  # nothing was trained again


@pytest.mark.usefixtures("on_tiny")
def test_a_heat_map_is_that_of_the_scalings_kept(tiny: Base, texts: dict[str, list[str]]) -> None:
    given = {**ARGUMENTS, "texts": texts, "prompt": "abcdefghijkl"}
    out, files = call(**given, action="explain", plots=True)
    assert out.scalings is not None
    scalings = np.load(io.BytesIO(files[out.scalings.sha256]))
    assert scalings.shape == (12, 4, 2)
    assert [word for word, _, _ in out.by_token] == list("abcdefghijkl")
    for row, (_, expert, much) in zip(scalings.mean(1), out.by_token, strict=True):
        assert (expert, much) == (out.domains[row.argmax()], pytest.approx(row.max(), abs=1e-6))
    assert out.main_expert == "rise"
    assert out.shares["rise"] == pytest.approx(scalings[..., 0].mean(), abs=1e-6)
    assert out.entropy == pytest.approx(np.mean(out.entropy_by_layer), abs=1e-6)
    assert len(out.entropy_by_layer) == 4
    assert len(out.plots) == 2
    written, _ = call(**given, action="generate", max_new_tokens=9)
    assert written.new_tokens == len(written.text or "") == 9
    assert [word for word, _, _ in written.by_token] == list("abcdefghijkl" + (written.text or "")[:-1])


@pytest.mark.usefixtures("on_tiny")
def test_a_prompt_that_is_too_long_is_refused_before_anything_is_trained(texts: dict[str, list[str]]) -> None:
    with pytest.raises(PromptTooLong, match="2,001 tokens"):
        call(**ARGUMENTS, texts=texts, action="explain", prompt="x" * 2001)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"domains": ["code", "chemestry"]}, UnknownDomain, "did you mean chemistry"),
        ({"domains": ["code", "code"]}, BadInput, "must all be different"),
        ({"texts": {"code": ["x"]}}, BadInput, "built-in domain"),
        ({"texts": {"poems": ["x"]}}, BadInput, "not among the domains"),
        ({"prompt": "x"}, BadInput, "score takes no prompt"),
        ({"action": "generate"}, BadInput, "generate needs a prompt"),
        ({"domains": ["code", "math"], "top_k": 3}, BadInput, "top_k is 3, but there are 2 experts"),
    ],
)
def test_what_the_arguments_show_to_be_wrong_is_refused(
    arguments: dict[str, Any], kind: type[ToolError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        check(**arguments)


def test_without_its_file_the_base_model_is_missing_by_name() -> None:
    with pytest.raises(BaseModelMissing, match="SmolLM2"):
        find_file()


def test_another_file_is_not_the_base_model(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / bases.FILE).write_bytes(b"something else")
    with pytest.raises(BaseModelMissing, match="has sha256"):
        load_base.__wrapped__()


def test_the_plan_is_that_of_the_arguments_defaults() -> None:
    defaults = check()
    assert Plan(**{field.name: getattr(defaults, field.name) for field in fields(Plan)}) == Plan()


def test_shipped_experts_are_used_where_they_belong(tmp_path: Path) -> None:
    """Nothing is trained: the weights of the default settings come with the distribution."""
    lend_tiny(tmp_path)
    texts = {
        "code": "import os\n\n\ndef main() -> None:\n    print(os.getcwd())\n",
        "chemistry": "Compound: propan-2-ol\nSMILES: CC(C)O\nInChI: C3H8O/c1-3(2)4/h3-4H,1-2H3\nFormula: C3H8O\n",
        "math": "Differentiate: 3*x**2 + 5*sin(2*x)\nDerivative: 6*x + 10*cos(2*x)\n",
    }
    for domain, text in texts.items():
        out, _ = call(action="explain", prompt=text)
        assert out.main_expert == domain
    assert out.quality > 0.9
    written, _ = call(action="generate", prompt="Differentiate: 4*x**3 + 6*sin(5*x)\nDerivative:", max_new_tokens=16)
    assert written.new_tokens == 16


def test_the_real_base_model_knows_its_capitals_and_its_tokens(tmp_path: Path) -> None:
    lend_tiny(tmp_path)
    base = load_base()
    assert sum(p.numel() for p in base.model.parameters()) == 134_515_008
    ids = base.tokens("The capital of France is")
    assert ids == [504, 3575, 282, 4649, 314]
    assert base.text(ids) == "The capital of France is"
    assert base.tokens("x = 12\n<|im_end|>")[-1] == base.end
    with torch.no_grad():
        token = int(base.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
    assert base.text([token]) == " Paris"
