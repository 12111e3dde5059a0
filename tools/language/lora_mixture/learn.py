"""How experts and gate learn: each expert alone on its domain, then the head alone on all domains, by ordinary next-token loss.

Source: as `model`; base and experts stay frozen while the head learns.
Differs from it: an optional penalty on the entropy of the scalings, so that a gate that stays undecided can be told to decide.

To make the shipped weights anew: python -m tools.language.lora_mixture.learn
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tools.contract import Desk, at_desk, progress
from tools.language.lora_mixture.base import Base, load_base
from tools.language.lora_mixture.data import IGNORED, LENGTH, Domain, targets
from tools.language.lora_mixture.model import (
    Experts,
    Mixture,
    ScalingHead,
    Targets,
    adapted_layers,
    entropy,
    sizes,
)
from tools.training import Hardware, Learned, Training, batches, fit, load_or_train, seeded

TOOL = "mix_lora_experts"
SHIPPED = Path(__file__).parent / "weights"
VALIDATION = 8  # documents of each domain that rate a gate; an expert is rated by as many of its own
BATCH = 4  # documents a step
ROUNDS = 4  # times that a training is rated
WARM_UP = 0.1  # of all steps


@dataclass(frozen=True)
class Plan:
    """What decides the weights beside the domains, as the tool's arguments name it."""

    rank: int = 8
    targets: Targets = "qv"
    expert_tokens: int = 24_576
    expert_rate: float = 3e-3
    gate_tokens: int = 32_768
    gate_rate: float = 1e-2
    entropy_weight: float = 0.0
    depth: int = 2
    size: int = 64
    layerwise: bool = True
    temperature: float = 1.0
    top_k: int | None = None
    null_expert: bool = False
    seed: int = 0

    def of_expert(self) -> dict[str, Any]:
        """What decides an expert's weights."""
        names = ("rank", "targets", "expert_tokens", "expert_rate", "seed")
        return {name: value for name, value in asdict(self).items() if name in names}


@dataclass(frozen=True)
class Trained:
    """A mixture with the stories of its experts and of its gate."""

    mixture: Mixture
    experts: list[Learned]
    gate: Learned

    @property
    def seconds(self) -> float:
        return float(sum(learned.story["seconds"] for learned in [*self.experts, self.gate]))

    @property
    def quality(self) -> float:
        """Validation perplexity of every domain's own expert by the mixture's, which is told no domain."""
        own = [max(learned.story["training"]["score"]) for learned in self.experts]
        return math.exp(max(self.gate.story["training"]["score"]) - sum(own) / len(own))


def trained_mixture(base: Base, domains: Sequence[Domain], plan: Plan, seconds: float) -> Trained:
    """Experts and gate for these domains: shipped, kept from an earlier training, or trained now.

    Raises:
        BudgetTooSmall: The first of a training's rounds takes longer than `seconds`.
    """
    experts, stories = [], []
    for i, domain in enumerate(domains):
        share = (0.8 * i / len(domains), 0.8 * (i + 1) / len(domains))
        expert, learned = trained_expert(base, [domain], plan, seconds, share)
        experts.append(expert)
        stories.append(learned)
    together = Experts.beside(experts)
    head = new_head(base, len(domains), plan)
    mixture = Mixture(base.model, together.to(base.device), plan.targets, head.to(base.device))
    settings = {"base": base.sha256, "domains": [domain.settings for domain in domains], **asdict(plan), "version": 1}

    def train() -> dict[str, Any]:
        return told(train_gate(base, mixture, domains, plan, seconds))

    learned = load_or_train(TOOL, settings, head, train, shipped=SHIPPED)
    head.eval()
    return Trained(mixture, stories, learned)


def trained_expert(
    base: Base, domains: Sequence[Domain], plan: Plan, seconds: float, share: tuple[float, float] = (0.0, 1.0)
) -> tuple[Experts, Learned]:
    """One expert for a domain, or one for several at once, which is what mixing has to beat."""
    expert = new_expert(base, plan)
    settings = {
        "base": base.sha256,
        "domains": [domain.settings for domain in domains],
        **plan.of_expert(),
        "version": 1,
    }

    def train() -> dict[str, Any]:
        return told(train_expert(base, expert, domains, plan, seconds, share))

    learned = load_or_train(TOOL, settings, expert, train, shipped=SHIPPED)
    return expert.cpu(), learned


def new_expert(base: Base, plan: Plan) -> Experts:
    with seeded(plan.seed) as generator:
        return Experts(sizes(adapted_layers(base.model, plan.targets)), 1, plan.rank, generator=generator)


def new_head(base: Base, experts: int, plan: Plan) -> ScalingHead:
    with seeded(plan.seed):
        return ScalingHead(
            base.model.config.hidden_size,
            len(adapted_layers(base.model, plan.targets)),
            experts,
            depth=plan.depth,
            size=plan.size,
            layerwise=plan.layerwise,
            temperature=plan.temperature,
            top_k=plan.top_k,
            null=plan.null_expert,
        )


def train_expert(
    base: Base,
    expert: Experts,
    domains: Sequence[Domain],
    plan: Plan,
    seconds: float,
    share: tuple[float, float] = (0.0, 1.0),
) -> Training:
    """Train an expert, in place, on as many tokens of each of its domains as the plan says."""
    hardware = Hardware.choose()
    base.model.to(hardware.device)
    mixture = Mixture(base.model, expert.to(hardware.device), plan.targets)

    def logits(ids: Tensor) -> tuple[Tensor, Tensor]:
        return mixture.logits(ids, mixture.fixed(ids, [1.0])), ids.new_zeros((), dtype=torch.float32)

    what = f"expert of {' and '.join(domain.name for domain in domains)}"
    return _fit(base, expert, logits, domains, plan.expert_tokens, plan.expert_rate, plan.seed, seconds, share, what)


def train_gate(base: Base, mixture: Mixture, domains: Sequence[Domain], plan: Plan, seconds: float) -> Training:
    """Train the head of a mixture, in place, on equal numbers of tokens of all domains, `gate_tokens` together."""
    assert mixture.head is not None
    hardware = Hardware.choose()
    base.model.to(hardware.device)
    mixture.experts.to(hardware.device).requires_grad_(False)
    mixture.head.to(hardware.device)

    def logits(ids: Tensor) -> tuple[Tensor, Tensor]:
        scalings = mixture.scalings(ids)
        return mixture.logits(ids, scalings), plan.entropy_weight * entropy(scalings).mean()

    each = plan.gate_tokens // len(domains)
    return _fit(base, mixture.head, logits, domains, each, plan.gate_rate, plan.seed, seconds, (0.8, 1.0), "gate")


def _fit(
    base: Base,
    model: nn.Module,
    logits: Callable[[Tensor], tuple[Tensor, Tensor]],
    domains: Sequence[Domain],
    tokens: int,
    rate: float,
    seed: int,
    seconds: float,
    share: tuple[float, float],
    what: str,
) -> Training:
    """Adam with a short warm-up and a cosine to nothing; the weights kept are the best on validation documents."""
    progress(share[0], f"{what}: reading")
    hardware = Hardware.choose()
    most = max(BATCH, tokens // LENGTH)
    train = mixed([domain.rows(base, "train", most) for domain in domains]).to(hardware.device)
    validation = mixed([domain.rows(base, "validation", VALIDATION) for domain in domains]).to(hardware.device)
    total = most * len(domains)  # fewer documents than that are read again
    steps = -(-total // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps + ROUNDS, pct_start=WARM_UP)
    with seeded(seed + 1) as generator:
        order = torch.cat(
            [torch.cat(list(batches(len(train), BATCH, generator))) for _ in range(-(-total // len(train)))]
        )
        rounds = iter(order[:total].tensor_split(min(ROUNDS, steps)))

        def epoch() -> float:
            model.train()
            losses = []
            for rows in next(rounds).split(BATCH):
                ids = train[rows.to(hardware.device)]
                optimiser.zero_grad()
                with hardware.autocast():
                    found, penalty = logits(ids)
                    loss = mean_loss(found, ids, base.end) + penalty
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
            return sum(losses) / len(losses)

        def score() -> float:
            model.eval()
            with torch.no_grad(), hardware.autocast():
                parts = [mean_loss(logits(ids)[0], ids, base.end).item() for ids in validation.split(BATCH)]
            return -sum(parts) / len(parts)

        return fit(model, epoch, epochs=min(ROUNDS, steps), score=score, seconds=seconds, share=share, what=what)


def mixed(parts: Sequence[Int[Tensor, "n length"]]) -> Int[Tensor, "m length"]:
    """Rows of all parts in turn, as far as each reaches."""
    longest = max(map(len, parts))
    return torch.stack([part[i % len(part)] for i in range(longest) for part in parts])


def mean_loss(logits: Float[Tensor, "n t v"], ids: Int[Tensor, "n t"], end: int) -> Float[Tensor, ""]:
    """Mean cross-entropy of the next token [nat]."""
    return cross_entropy(logits.flatten(0, 1).float(), targets(ids, end).flatten(), ignore_index=IGNORED)


def told(training: Training) -> dict[str, Any]:
    return {"training": asdict(training)}


def main() -> None:
    """Train the built-in experts and their gate anew and put them into the distribution, in half precision."""
    import shutil

    from safetensors.torch import load_file, save_file

    from tools.checkpoints import cache_folder, find_checkpoint, keep_checkpoint, provenance_path
    from tools.language.lora_mixture.domains import DOMAINS

    shutil.rmtree(SHIPPED, ignore_errors=True)
    torch.set_num_threads(1)
    with at_desk(Desk(lambda done, what: print(f"{done:4.0%} {what}", file=sys.stderr, flush=True))):
        trained = trained_mixture(load_base(), [Domain(name) for name in DOMAINS], Plan(), 36_000)
    wanted = {learned.story["sha256"] for learned in [*trained.experts, trained.gate]}
    for path in sorted((cache_folder() / "checkpoints" / TOOL).glob("*.safetensors")):
        story = find_checkpoint(path)
        if story and story["sha256"] in wanted:
            halves = {name: value.half() for name, value in load_file(path).items()}
            keep_checkpoint(SHIPPED / path.name, lambda place, halves=halves: save_file(halves, place), story)  # type: ignore[misc]
            print(SHIPPED / path.name, provenance_path(path).name)


if __name__ == "__main__":
    main()
