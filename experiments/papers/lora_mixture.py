"""The bar of X-LoRA, arXiv 2402.07148: experts, gate and mixture on four domains, beside their rivals and PEFT's own X-LoRA.

The paper has case studies and no table, so there are no figures of its own to stand beside. Intervals are over test documents.
All is measured on one thread, with the weights that the tool uses: those shipped with it, or those trained at first use.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

from experiments.papers.bench import one_thread
from experiments.papers.lines import Line

if TYPE_CHECKING:
    from tools.language.lora_mixture.base import Base
    from tools.language.lora_mixture.data import Domain
    from tools.language.lora_mixture.learn import Trained
    from tools.language.lora_mixture.model import Experts, Mixture

PAPER = 13
DOCUMENTS = 24  # of each domain, to test on
SPLICES = 40
QUESTIONS = 25  # of each task
Say = Callable[[str], None]


def correctness(say: Say) -> Sequence[Line]:
    """The base model against transformers' own reader, the mixture against PEFT's X-LoRA, and what must hold exactly."""
    import torch

    from tools.language.lora_mixture.write import write, write_slowly

    with one_thread(), torch.no_grad():
        base, domains, trained = _ours()
        mixture = trained.mixture
        text = domains[0].documents("test", 1)[0]
        ids = torch.tensor([base.tokens(text)[:64]])
        theirs, tokenizer = _by_transformers()
        samples = [document for domain in domains for document in domain.documents("test", 20)]
        same = sum(base.tokens(sample) == tokenizer(sample).input_ids for sample in samples) / len(samples)
        plain = base.model(input_ids=ids).logits
        read = float((plain - theirs(input_ids=ids).logits).abs().max())
        say("against PEFT")
        peft = _peft(theirs, mixture)
        scalings = mixture.scalings(ids)
        mixed = mixture.logits(ids, scalings)
        off = float((mixed - peft(input_ids=ids).logits).abs().max())
        alone = []
        for i in range(len(domains)):
            one_hot = [float(i == j) for j in range(len(domains))]
            single = _single(base, mixture, i)
            found = mixture.logits(ids, mixture.fixed(ids, one_hot))
            alone.append(float((found - single.logits(ids, single.fixed(ids, [1.0]))).abs().max()))
        zeros = mixture.logits(ids, mixture.fixed(ids, [0.0] * len(domains)))
        order = [2, 0, 3, 1]
        turned = _reordered(mixture, order)
        together = float((turned.logits(ids, scalings[..., order]) - mixed).abs().max())
        only_scalings = float((mixture.logits(ids, scalings[..., order]) - mixed).abs().max())
        prompt = ids[0, :24].tolist()
        cached = write(mixture, prompt, 40).tokens == write_slowly(mixture, prompt, 40)
    return [
        Line("logits of our reading of the base model against transformers', off by", read, target=1e-4, at_most=True),
        Line("share of 80 test documents with the same tokens as transformers' tokenizer", same, target=1.0),
        Line("logits against PEFT's X-LoRA, same experts and head, off by", off, target=1e-4, at_most=True),
        Line("one-hot scalings against the single expert, logits off by", max(alone), target=1e-5, at_most=True),
        Line(
            "zero scalings against the base model, logits off by",
            float((zeros - plain).abs().max()),
            target=0,
            at_most=True,
        ),
        Line("experts and scalings permuted together: logits move by", together, target=1e-4, at_most=True),
        Line("scalings permuted alone: logits move by", only_scalings, target=1e-2),
        Line("40 tokens written with caches equal those without (1 is yes)", float(cached), target=1),
    ]


def perplexity(say: Say) -> Sequence[Line]:
    """Every expert on every domain; the mixture against mixing alike, single experts, one large LoRA and the oracle."""
    import numpy as np
    import torch

    from tools.language.lora_mixture.learn import Plan, trained_expert
    from tools.language.lora_mixture.measure import document_losses, gain, measure
    from tools.language.lora_mixture.model import Mixture

    with one_thread():
        base, domains, trained = _ours()
        say("one LoRA of equal total rank")
        plan = Plan()
        equal = replace(
            plan,
            rank=plan.rank * len(domains),
            expert_tokens=plan.expert_tokens + plan.gate_tokens // len(domains),
        )
        large = Mixture(base.model, trained_expert(base, domains, equal, 36_000)[0], plan.targets)
        rows = [domain.rows(base, "test", DOCUMENTS) for domain in domains]
        say("testing")
        losses = measure(base, trained.mixture, rows)
        ids = torch.cat(rows)
        with torch.no_grad():
            one = torch.cat(
                [document_losses(large.logits(r, large.fixed(r, [1.0])), r, base.end) for r in ids.split(8)]
            )
        single_large = one.double().numpy()
    names = [domain.name for domain in domains]
    places = range(len(names))
    matrix = np.array([[losses.perplexity(losses.experts[:, e], d) for d in places] for e in places])
    plain = [losses.perplexity(losses.base, d) for d in places]
    best = losses.experts[:, losses.single]
    table = losses.confusion
    mixed = losses.perplexity(losses.mixed)

    def ahead(what: str, other: Any, target: float, note: str = "") -> Line:
        below, low, high = gain(losses.mixed, other, losses.tokens)
        return Line(what, below, "%", target=target, others={"95 % from": low, "to": high}, note=note)

    return [
        *(
            Line(
                f"expert of {name} below the base model on its own domain",
                100 * (1 - matrix[d, d] / plain[d]),
                "%",
                target=25,
                others={"base": plain[d], **{f"{other} expert": matrix[e, d] for e, other in enumerate(names)}},
                note=NOTES.get(f"expert {name}", ""),
            )
            for d, name in enumerate(names)
        ),
        Line(
            "domains in which their own expert is best",
            float((matrix.argmin(0) == np.arange(len(names))).sum()),
            target=4,
        ),
        Line(
            "perplexity of the mixture on all domains",
            mixed,
            others={
                "base": losses.perplexity(losses.base),
                "uniform": losses.perplexity(losses.uniform),
                f"best single ({names[losses.single]})": losses.perplexity(best),
                f"one LoRA of rank {equal.rank}": losses.perplexity(single_large),
                "oracle": losses.perplexity(losses.oracle),
            },
            note=f"{DOCUMENTS} test documents a domain, {int(losses.tokens.sum()):,} tokens",
        ),
        ahead("mixture below uniform mixing", losses.uniform, 5, NOTES.get("uniform", "")),
        ahead("mixture below the oracle", losses.oracle, -3, NOTES.get("oracle", "")),
        ahead("mixture below the best single expert", best, 0, NOTES.get("single", "")),
        ahead("mixture below one LoRA of equal total rank and tokens", single_large, 0, NOTES.get("equal", "")),
        Line(
            "documents whose most used expert is their domain's",
            float(table.trace() / table.sum()),
            target=0.9,
            others={
                f"{a} taken for {b}": int(table[i, j])
                for i, a in enumerate(names)
                for j, b in enumerate(names)
                if i != j and table[i, j]
            },
            note=NOTES.get("gate", ""),
        ),
        Line(
            "training of all experts and the gate",
            trained.seconds / 60,
            "min",
            target=35,
            at_most=True,
            note=NOTES.get("minutes", ""),
        ),
    ]


def splices(say: Say) -> Sequence[Line]:
    """Half a document of code, then half one of chemistry: where does the gate switch?"""
    import torch

    from tools.language.lora_mixture.measure import switch

    offs = []
    with one_thread(), torch.no_grad():
        base, domains, trained = _ours()
        code, chemistry = (domain.rows(base, "test", SPLICES) for domain in domains[:2])
        for i in range(SPLICES):
            cut = 40 + i  # so that the place itself tells nothing
            spliced = torch.cat([code[i, :cut], chemistry[i, :64]])[None]
            offs.append(abs(switch(trained.mixture.scalings(spliced)[0], 0, 1) - cut))
    near = sum(off <= 16 for off in offs) / len(offs)
    return [
        Line(
            f"{SPLICES} splices of code and chemistry: switch found within 16 tokens",
            near,
            target=0.8,
            others={"median off by": sorted(offs)[len(offs) // 2]},
            note=NOTES.get("splice", ""),
        )
    ]


def tasks(say: Say) -> Sequence[Line]:
    """Questions with one right answer, by the base model, by the domain's expert alone, and by the mixture."""
    from tools.language.lora_mixture.tasks import TASKS, share_right

    lines = []
    with one_thread():
        base, domains, trained = _ours()
        names = [domain.name for domain in domains]
        for task, (domain, _) in TASKS.items():
            one_hot = [float(name == domain) for name in names]
            plain = share_right(base, trained.mixture, task, QUESTIONS, [0.0] * len(names))
            own = share_right(base, trained.mixture, task, QUESTIONS, one_hot)
            ours = share_right(base, trained.mixture, task, QUESTIONS)
            say(f"{task}: base {plain:.2f}, expert {own:.2f}, mixture {ours:.2f}")
            lines.append(
                Line(
                    f"{task}: right, above the base model",
                    100 * (ours - plain),
                    "points",
                    target=1 if task == "peptide" else 20,
                    others={"base": plain, f"{domain} expert alone": own, "mixture": ours},
                    note=NOTES.get(task, f"{QUESTIONS} questions; the prompt shows no example of an answer"),
                )
            )
    return lines


def fakes(say: Say) -> Sequence[Line]:
    """What must get worse: experts of random weights, and scalings given to the wrong experts."""
    import torch

    from tools.language.lora_mixture.measure import document_losses
    from tools.language.lora_mixture.model import Mixture

    with one_thread(), torch.no_grad():
        base, domains, trained = _ours()
        mixture = trained.mixture
        ids = torch.cat([domain.rows(base, "test", 4) for domain in domains])
        tokens = int((ids[:, 1:] != base.end).sum())
        scalings = mixture.scalings(ids)
        noise = _noisy(mixture.experts)
        random = Mixture(base.model, noise, "qv")
        right, wrong, fake = (
            float(torch.exp(document_losses(logits, ids, base.end).sum() / tokens))
            for logits in (
                mixture.logits(ids, scalings),
                mixture.logits(ids, scalings.roll(1, -1)),
                random.logits(ids, scalings),
            )
        )
    return [
        Line(
            "perplexity with each scaling given to the next expert, by the mixture's",
            wrong / right,
            target=1.05,
            others={"mixture": right},
        ),
        Line(
            "perplexity with random experts of equal size, by the mixture's",
            fake / right,
            target=1.05,
            others={"mixture": right},
        ),
    ]


def speed(say: Say) -> Sequence[Line]:
    """Greedy writing with the same experts and head: ours with its caches, PEFT's X-LoRA as it is."""
    import torch

    from tools.language.lora_mixture.write import write

    lines = []
    with one_thread(), torch.no_grad():
        base, domains, trained = _ours()
        peft = _peft(_by_transformers()[0], trained.mixture)
        for new, prompts in ((128, 2), (256, 1)):
            seconds = {"ours": 0.0, "PEFT": 0.0}
            same = 0
            for prompt in (base.tokens(text)[:20] for text in domains[0].documents("test", prompts)):
                started = process_time()
                ours = write(trained.mixture, prompt, new).tokens
                seconds["ours"] += process_time() - started
                started = process_time()
                theirs = peft.generate(
                    input_ids=torch.tensor([prompt]), max_new_tokens=new, min_new_tokens=new, do_sample=False
                )
                seconds["PEFT"] += process_time() - started
                same += theirs[0, len(prompt) :].tolist() == ours
                say(f"{new} tokens: {seconds}")
            lines.append(
                Line(
                    f"{new} new tokens: speed over PEFT's X-LoRA",
                    seconds["PEFT"] / seconds["ours"],
                    target=5 if new == 256 else None,
                    others={f"{who}, tokens/s": prompts * new / took for who, took in seconds.items()}
                    | {"texts alike": same / prompts},
                    note=NOTES.get(f"speed {new}", f"{prompts} prompt{'s' * (prompts > 1)}, one thread"),
                )
            )
    return lines


NOTES: dict[str, str] = {}  # why a target was missed, by line

PARTS = {
    "correctness": correctness,
    "perplexity": perplexity,
    "splices": splices,
    "tasks": tasks,
    "fakes": fakes,
    "speed": speed,
}


@cache
def _ours() -> "tuple[Base, list[Domain], Trained]":
    from tools.language.lora_mixture.base import load_base
    from tools.language.lora_mixture.data import Domain
    from tools.language.lora_mixture.domains import DOMAINS
    from tools.language.lora_mixture.learn import Plan, trained_mixture

    base = load_base()
    domains = [Domain(name) for name in DOMAINS]
    return base, domains, trained_mixture(base, domains, Plan(), 36_000)


def _single(base: "Base", mixture: "Mixture", i: int) -> "Mixture":
    from tools.language.lora_mixture.model import Mixture

    return Mixture(base.model, mixture.experts.picked([i]), "qv")


def _reordered(mixture: "Mixture", order: list[int]) -> "Mixture":
    from tools.language.lora_mixture.model import Mixture

    return Mixture(mixture.base, mixture.experts.picked(order), "qv")


def _noisy(experts: "Experts") -> "Experts":
    """Random weights, each as large as the true one's spread."""
    import torch

    noise = experts.picked(list(range(experts.count)))
    generator = torch.Generator().manual_seed(0)
    for parameter in noise.parameters():
        parameter.copy_(float(parameter.std()) * torch.randn(parameter.shape, generator=generator))
    return noise


def _by_transformers() -> tuple[Any, Any]:
    """The same base model, read from the same file by transformers itself, with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tools.language.lora_mixture.base import find_file

    file = find_file()
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)


def _peft(base: Any, mixture: "Mixture") -> Any:
    """The mixture's experts and head in PEFT's own X-LoRA on `base`."""
    from peft import XLoraConfig, get_peft_model
    from safetensors.torch import save_file

    from tools.language.lora_mixture.model import ALPHA_BY_RANK

    assert mixture.head is not None
    base.config.use_cache = False  # PEFT's X-LoRA forbids it
    rank = mixture.experts.rank
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": int(ALPHA_BY_RANK * rank)}
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for i in range(mixture.experts.count):
            place = Path(folder) / str(i)
            place.mkdir()
            tensors = {}
            for name, a, b in zip(mixture.layers, mixture.experts.down, mixture.experts.up, strict=True):
                tensors[f"base_model.model.{name}.lora_A.weight"] = a[i].detach().contiguous()
                tensors[f"base_model.model.{name}.lora_B.weight"] = b[i].detach().contiguous()
            save_file(tensors, place / "adapter_model.safetensors")
            (place / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["q_proj", "v_proj"]}))
            paths[str(i)] = str(place)
        model = get_peft_model(
            base,
            XLoraConfig(
                task_type="CAUSAL_LM",
                hidden_size=base.config.hidden_size,
                adapters=paths,
                xlora_depth=2,
                xlora_size=64,
                layerwise_scalings=True,
            ),
        ).eval()
    layers = model.base_model.internal_xlora_classifier.layers
    for theirs, ours in zip(layers.parameters(), mixture.head.net.parameters(), strict=True):
        theirs.data.copy_(ours)
    return model
