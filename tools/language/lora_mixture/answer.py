"""From a checked input to an output: find or train experts and gate, then test, write or explain."""

import io
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tools.contract import Artifact, progress, save_artifact
from tools.language.lora_mixture import pictures
from tools.language.lora_mixture.base import Base, load_base
from tools.language.lora_mixture.data import LENGTH, Domain, duplicates, own_domain
from tools.language.lora_mixture.learn import Plan, Trained, trained_mixture
from tools.language.lora_mixture.measure import Losses, gain, measure
from tools.language.lora_mixture.model import entropy
from tools.language.lora_mixture.tasks import TASKS, share_right
from tools.language.lora_mixture.tool import MOST_PROMPT, LoraMixtureInput, LoraMixtureOutput, PromptTooLong
from tools.language.lora_mixture.write import write
from tools.plots import draw_curves, save_plot
from tools.training import Hardware


def answer(inp: LoraMixtureInput) -> LoraMixtureOutput:
    """Do what is asked with experts and gate as the settings say."""
    progress(0.0, "loading the base model")
    base = load_base()
    base.model.to(Hardware.choose().device)
    prompt = _prompt(base, inp)
    domains = _domains(base, inp)
    plan = Plan(**{field.name: getattr(inp, field.name) for field in fields(Plan)})
    trained = trained_mixture(base, domains, plan, inp.time_budget)
    found = _scored(base, domains, trained, inp) if inp.action == "score" else _told(base, prompt, trained, inp)
    head = trained.mixture.head
    assert head is not None
    weights = [*trained.mixture.experts.parameters(), *head.parameters()]
    return LoraMixtureOutput(
        domains=inp.domains,
        quality=trained.quality,
        parameters=sum(w.numel() for w in weights),
        adapted_layers=len(trained.mixture.layers),
        base_sha256=base.sha256,
        training_seconds=trained.seconds,
        notes=_notes(trained, inp),
        **found,
    )


def _prompt(base: Base, inp: LoraMixtureInput) -> list[int]:
    tokens = base.tokens(inp.prompt)
    if len(tokens) > MOST_PROMPT:
        raise PromptTooLong(
            f"the prompt has {len(tokens):,} tokens, at most {MOST_PROMPT:,} are read",
            hint="shorten it",
            tokens=len(tokens),
        )
    return tokens


def _domains(base: Base, inp: LoraMixtureInput) -> list[Domain]:
    given = inp.texts or {}
    return [own_domain(base, name, given[name]) if name in given else Domain(name) for name in inp.domains]


def _scored(base: Base, domains: Sequence[Domain], trained: Trained, inp: LoraMixtureInput) -> dict[str, Any]:
    losses = measure(base, trained.mixture, [domain.rows(base, "test", inp.documents) for domain in domains])
    places = range(len(domains))
    gained, low, high = gain(losses.mixed, losses.uniform, losses.tokens)
    matrix = [[losses.perplexity(losses.experts[:, e], d) for d in places] for e in places]
    return {
        "base_perplexity": [losses.perplexity(losses.base, d) for d in places],
        "perplexity": matrix,
        "mixed_perplexity": losses.perplexity(losses.mixed),
        "uniform_perplexity": losses.perplexity(losses.uniform),
        "oracle_perplexity": losses.perplexity(losses.oracle),
        "single_perplexity": losses.perplexity(losses.experts[:, losses.single]),
        "single_expert": inp.domains[losses.single],
        "plain_perplexity": losses.perplexity(losses.base),
        "gain_pct": gained,
        "gain_low_pct": low,
        "gain_high_pct": high,
        "gate_accuracy": float(losses.confusion.trace() / len(losses.tokens)),
        "confusion": losses.confusion.tolist(),
        "shares": _shares(inp.domains, losses),
        "tasks": _tasks(base, trained, inp),
        "duplicates": {
            domain.name: duplicates(domain, inp.expert_tokens // LENGTH, inp.documents) for domain in domains
        },
        "plots": _score_plots(matrix, trained, inp) if inp.plots else [],
    }


def _shares(names: Sequence[str], losses: Losses) -> dict[str, float]:
    return dict(zip(names, losses.used.mean(0).tolist(), strict=True))


def _tasks(base: Base, trained: Trained, inp: LoraMixtureInput) -> dict[str, tuple[float, float]]:
    """Those of the domains that take part, if questions are asked for."""
    found = {}
    for task, (domain, _) in TASKS.items():
        if inp.questions and domain in inp.domains:
            progress(0.9, f"asking {inp.questions} questions: {task}")
            zeros = [0.0] * len(inp.domains)
            plain = share_right(base, trained.mixture, task, inp.questions, zeros)
            found[task] = (plain, share_right(base, trained.mixture, task, inp.questions))
    return found


def _told(base: Base, prompt: list[int], trained: Trained, inp: LoraMixtureInput) -> dict[str, Any]:
    """The text written, if one is, and which expert each of its tokens used."""
    if inp.action == "generate":
        written = write(trained.mixture, prompt, inp.max_new_tokens, base.end)
        scalings = written.scalings
        text = {
            "text": base.text(written.tokens),
            "new_tokens": len(written.tokens),
            "tokens_per_second": len(written.tokens) / written.seconds,
        }
        tokens = [*prompt, *written.tokens][: len(scalings)]
    else:
        with torch.no_grad():
            scalings = trained.mixture.scalings(torch.tensor([prompt], device=base.device))[0].cpu()
        text, tokens = {}, prompt
    words = [base.text([token]) for token in tokens]
    used = scalings.mean((0, 1))
    by_token = scalings.mean(1)
    return {
        **text,
        "main_expert": inp.domains[int(used.argmax())],
        "shares": dict(zip(inp.domains, used.tolist(), strict=True)),
        "entropy": float(entropy(scalings).mean()),
        "entropy_by_layer": entropy(scalings).mean(0).tolist(),
        "by_token": [
            (word, inp.domains[int(row.argmax())], float(row.max())) for word, row in zip(words, by_token, strict=True)
        ],
        "scalings": _keep(scalings),
        "plots": _text_plots(scalings, words, inp) if inp.plots else [],
    }


def _keep(scalings: Float[Tensor, "t layers n"]) -> Artifact:
    content = io.BytesIO()
    np.save(content, scalings.float().numpy(), allow_pickle=False)
    return save_artifact("scalings.npy", "application/x-npy", content.getvalue(), "scalings (tokens, layers, experts)")


def _score_plots(matrix: list[list[float]], trained: Trained, inp: LoraMixtureInput) -> list[Artifact]:
    curves = {
        name: [-score for score in learned.story["training"]["score"]]
        for name, learned in zip([*inp.domains, "gate"], [*trained.experts, trained.gate], strict=True)
    }
    return [
        save_plot("matrix", pictures.draw_matrix(matrix, inp.domains), "test perplexity of each expert on each domain"),
        save_plot("curves", draw_curves(curves, x="quarter of the training", y="validation loss, nat"), "training"),
    ]


def _text_plots(scalings: Tensor, words: Sequence[str], inp: LoraMixtureInput) -> list[Artifact]:
    return [
        save_plot("tokens", pictures.draw_tokens(scalings, words, inp.domains), "which expert each token uses"),
        save_plot("layers", pictures.draw_layers(scalings, inp.domains), "which expert each layer uses"),
    ]


def _notes(trained: Trained, inp: LoraMixtureInput) -> list[str]:
    notes = ["The base model is SmolLM2-135M-Instruct from a 4-bit file: what it writes may be wrong."]
    stories = [learned.story for learned in [*trained.experts, trained.gate]]
    if any(story["training"]["ended"] == "time" for story in stories):
        notes.append("A training was stopped by its time budget: another machine gives another result.")
    if inp.action == "score" and inp.documents < 8:
        notes.append(f"{inp.documents} documents a domain are few: see the interval before you conclude.")
    return notes
