"""What `mix_lora_experts` takes and gives.

Differs from what was first asked of it: there is no action to train. Experts and gate are found by what decides them, domains
and settings, and trained when they are first needed, so `score` after any change of a setting is the training and its test in
one. Budgets are counted in tokens, which give the same weights on any machine, and not in minutes, which do not; `time_budget`
bounds the minutes.
"""

from typing import Literal, Self

from pydantic import model_validator

from tools.contract import Artifact, BadInput, Frozen, NoAnswer, Tool, quantity
from tools.language.lora_mixture.worked import WORKED
from tools.suggest import did_you_mean

BUILT_IN = ("code", "chemistry", "protein", "math")
LEAST_TOKENS = 20_000  # of a user's domain
MOST_PROMPT = 2000  # tokens of a prompt
_MOST_EXPERTS = 8
_MOST_CHARACTERS = 40_000  # of a prompt, whatever its tokens


class BaseModelMissing(NoAnswer):
    """The base model's file is not installed, or is not the one that the experts were made for."""


class CorpusTooSmall(BadInput):
    """A user's domain has too little text to learn from or to test on."""


class UnknownDomain(BadInput):
    """A domain is neither built in nor among the texts given."""


class AdapterBaseMismatch(NoAnswer):
    """The experts do not fit the layers of the base model."""


class PromptTooLong(BadInput):
    """The prompt has more tokens than are read."""


class LoraMixtureInput(Frozen):
    action: Literal["score", "generate", "explain"] = quantity(
        "", "Test all, continue the prompt, or show which expert its tokens use", "score"
    )
    domains: list[str] = quantity(
        "",
        "code, chemistry, protein, math, or names of texts",
        list(BUILT_IN),
        min_length=2,
        max_length=_MOST_EXPERTS,
    )
    texts: dict[str, list[str]] | None = quantity(
        "",
        f"Your own domains, {LEAST_TOKENS:,} tokens each",
        None,
        max_length=_MOST_EXPERTS,
        named_by=("corpus", "corpora", "my own", "my text"),
    )
    prompt: str = quantity("", "Text", "", max_length=_MOST_CHARACTERS, copied="quoted")
    max_new_tokens: int = quantity("1", "Tokens to write", 64, ge=1, le=512, named_by=("token",))
    documents: int = quantity("1", "Test documents a domain", 8, ge=1, le=64, named_by=("document",))
    questions: int = quantity("1", "Test questions a task", 0, ge=0, le=100, named_by=("question",))
    rank: int = quantity("1", "Rank of an expert", 8, ge=2, le=64, named_by=("rank",))
    targets: Literal["qv", "all"] = quantity(
        "", "Adapted projections", "qv", named_by={"all": ("all projections", "every projection", "all linear")}
    )
    expert_tokens: int = quantity("1", "Tokens an expert trains on", 24_576, ge=1024, le=5_000_000, named_by=("token",))
    expert_rate: float = quantity("1", "Its learning rate", 3e-3, ge=1e-5, le=0.1, named_by=("rate",))
    gate_tokens: int = quantity("1", "Tokens the gate trains on", 32_768, ge=1024, le=5_000_000, named_by=("token",))
    gate_rate: float = quantity("1", "Its learning rate", 1e-2, ge=1e-5, le=0.1, named_by=("rate",))
    entropy_weight: float = quantity("1", "Penalty on undecided gates", 0.0, ge=0, le=1, named_by=("entropy", "penal"))
    depth: int = quantity("1", "Layers of the gate", 2, ge=1, le=4, named_by=("layer", "deep", "depth"))
    size: int = quantity("1", "Its width", 64, ge=16, le=2048, named_by=("wide", "width"))
    layerwise: bool = quantity(
        "", "Mix each layer its own way", True, named_by=("layerwise", "layer-wise", "each layer", "every layer")
    )
    temperature: float = quantity("1", "Of the softmax", 1.0, ge=0.1, le=5, named_by=("temperature",))
    top_k: int | None = quantity(
        "1", "Experts a token may use", None, ge=1, le=_MOST_EXPERTS, named_by=("top", "best", "at most", "only")
    )
    null_expert: bool = quantity("", "An expert that adds nothing", False, named_by=("null", "adds nothing"))
    time_budget: float = quantity(
        "s", "Longest training, each", 3600.0, ge=10, le=86_400, named_by=("second", "minute")
    )
    seed: int = quantity("1", "Seed", 0, ge=0, le=2**31, named_by=("seed",))
    plots: bool = quantity(
        "", "Pictures", False, named_by=("plot", "draw", "picture of", "heat map", "chart", "figure")
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = self.texts or {}
        for name in self.domains:
            if name not in {*BUILT_IN, *given}:
                raise UnknownDomain(
                    f"there is no domain {name}{did_you_mean(name, [*BUILT_IN, *given])}",
                    hint=f"built in: {', '.join(BUILT_IN)}; or give texts under this name",
                )
        if len(set(self.domains)) < len(self.domains):
            raise BadInput(f"domains are {self.domains}, must all be different", hint="name each domain once")
        if both := sorted(set(given) & set(BUILT_IN)):
            raise BadInput(f"texts are named {both[0]}, as a built-in domain", hint="give them another name")
        if unused := sorted(set(given) - set(self.domains)):
            raise BadInput(
                f"texts {unused[0]} are not among the domains", hint="name them in domains, or leave them out"
            )
        if self.action == "score" and self.prompt:
            raise BadInput("score takes no prompt", hint="say action generate or explain, or leave the prompt out")
        if self.action != "score" and not self.prompt.strip():
            raise BadInput(f"{self.action} needs a prompt", hint="give the text in prompt")
        if self.top_k and self.top_k > len(self.domains) + self.null_expert:
            raise BadInput(
                f"top_k is {self.top_k}, but there are {len(self.domains) + self.null_expert} experts",
                hint="choose at most all of them",
            )
        return self


class LoraMixtureOutput(Frozen):
    domains: list[str] = quantity("", "Domains in the order of the experts")
    base_perplexity: list[float] = quantity("1", "Test perplexity of the base model, by domain", [])
    perplexity: list[list[float]] = quantity("1", "Test perplexity of the row's expert on the column's domain", [])
    mixed_perplexity: float | None = quantity("1", "Test perplexity of the gated mixture over all domains", None)
    uniform_perplexity: float | None = quantity("1", "The same of all experts mixed alike", None)
    oracle_perplexity: float | None = quantity("1", "The same with each document's best expert", None)
    single_perplexity: float | None = quantity("1", "The same of the one expert that is best over all", None)
    single_expert: str | None = quantity("", "That expert", None)
    plain_perplexity: float | None = quantity("1", "The same of the base model", None)
    gain_pct: float | None = quantity("%", "How far the mixture is below mixing alike", None)
    gain_low_pct: float | None = quantity("%", "Lower end of its 95 % interval over documents", None)
    gain_high_pct: float | None = quantity("%", "Upper end of that interval", None)
    gate_accuracy: float | None = quantity(
        "1", "Share of test documents whose most used expert is their domain's", None
    )
    confusion: list[list[int]] = quantity("1", "Documents of the row's domain that use most the column's expert", [])
    tasks: dict[str, tuple[float, float]] = quantity("1", "Share of questions right: base model, mixture", {})
    text: str | None = quantity("", "The prompt's continuation", None)
    new_tokens: int | None = quantity("1", "Tokens written", None)
    tokens_per_second: float | None = quantity("1/s", "Speed of writing on this machine", None)
    main_expert: str | None = quantity("", "Expert used most in this text", None)
    shares: dict[str, float] = quantity("1", "How much each expert is used, averaged over tokens and layers", {})
    entropy: float | None = quantity("1", "Indecision of the gate: 0 one expert, 1 all alike", None)
    entropy_by_layer: list[float] = quantity("1", "The same for each adapted layer, from the text to the output", [])
    by_token: list[tuple[str, str, float]] = quantity("1", "Each token, its most used expert and how much of it", [])
    quality: float = quantity("1", "Validation perplexity of each domain's own expert by the mixture's")
    parameters: int = quantity("1", "Weights of all experts and the gate")
    adapted_layers: int = quantity("1", "Layers that experts change")
    duplicates: dict[str, float] = quantity("1", "Share of each domain's test documents that were trained on", {})
    base_sha256: str = quantity("", "Hash of the base model's file")
    training_seconds: float = quantity("s", "Time that all training took, now or earlier")
    notes: list[str] = quantity("", "How to read the result")
    scalings: Artifact | None = quantity("", "Scalings (tokens, layers, experts) of the text (npy)", None)
    plots: list[Artifact] = quantity("", "Pictures, if asked for")


class MixLoraExperts(Tool[LoraMixtureInput, LoraMixtureOutput]):
    """Trains or loads LoRA experts of a small language model on named domains or your texts, learns a gate that mixes them token
    by token and layer by layer (X-LoRA), then tests the mixture, writes text, or shows which expert was used where."""

    name = "mix_lora_experts"
    source = "E. L. Buehler, M. J. Buehler, X-LoRA: Mixture of low-rank adapter experts, arXiv 2402.07148 (2024)"
    paper = 13
    examples = (
        {"action": "explain", "prompt": "Differentiate: 3*x**2 + 5*sin(2*x)\nDerivative:"},
        {"action": "generate", "prompt": "Formula: C6H6\nMolar mass:", "max_new_tokens": 4},
    )
    worked = WORKED
    keywords = (
        *(
            "lora",
            "adapter",
            "expert",
            "mixture of experts",
            "gate",
            "fine-tune",
            "language model",
            "x-lora",
            "perplexity",
        ),
        *("low-rank", "corpus", "corpora", "domain", "smollm2", "token", "heat map", "peft"),
    )
    refinable = (
        *("rank", "expert_tokens", "expert_rate", "gate_tokens", "gate_rate", "entropy_weight", "depth", "temperature"),
        "top_k",
    )
    score = "quality"
    timings = ("tokens_per_second", "training_seconds")
    headline = ("mixed_perplexity", "uniform_perplexity", "gate_accuracy", "main_expert", "text")
    time_limit = 7200.0
    extra = "lora"

    def __call__(self, inp: LoraMixtureInput) -> LoraMixtureOutput:
        from tools.language.lora_mixture.answer import answer

        return answer(inp)
