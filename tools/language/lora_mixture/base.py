"""The frozen language model below the experts: SmolLM2-135M-Instruct, read from its 4-bit file into single precision.

Source: L. B. Allal et al., SmolLM2, arXiv 2502.02737 (2025), Apache-2.0, as quantised to Q4_1 in GGUF; the layout of the file
is llama.cpp's, which turns the rows of queries and keys so that rotary pairs lie side by side. They are turned back here.
Differs from transformers' own reader, whose model is the same: the file is read once and not three times, in a fifth of the time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tools.checkpoints import cache_folder
from tools.language.lora_mixture.tool import BaseModelMissing

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@dataclass(frozen=True)
class Base:
    """A causal language model of transformers with its tokenizer; nothing here ever changes its weights."""

    model: Any  # LlamaForCausalLM
    tokenizer: Any  # tokenizers.Tokenizer
    sha256: str
    end: int  # token that ends a text

    @property
    def device(self) -> torch.device:
        device: torch.device = self.model.device
        return device

    def tokens(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids

    def text(self, tokens: Sequence[int]) -> str:
        words: str = self.tokenizer.decode(list(tokens), skip_special_tokens=False)
        return words

    def is_line_end(self, token: int) -> bool:
        return "\n" in self.text([token])


@cache
def load_base() -> Base:
    """The base model of this process.

    Raises:
        BaseModelMissing: Its file is not in the cache, or is not the right one.
    """
    file = find_file()
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != SHA256:
        raise BaseModelMissing(
            f"{file.name} has sha256 {found[:12]}…, not {SHA256[:12]}…",
            hint="remove it and run `backprose model fetch local/smollm2-135m`",
        )
    return read_gguf(file, found)


def find_file() -> Path:
    """Where `backprose model fetch` put the weights."""
    file = cache_folder() / "models" / FILE
    if not file.is_file():
        raise BaseModelMissing(
            f"the base model {FILE} is not in the cache", hint="run `backprose model fetch local/smollm2-135m`"
        )
    return file


def read_gguf(file: Path, sha256: str) -> Base:
    """A Llama model and its tokenizer from a GGUF file."""
    import gguf

    reader = gguf.GGUFReader(file)

    def said(name: str) -> Any:
        return reader.fields[name].contents()

    heads, kv_heads = said("llama.attention.head_count"), said("llama.attention.head_count_kv")
    weights = {}
    for tensor in reader.tensors:
        array = torch.tensor(gguf.dequantize(tensor.data, tensor.tensor_type))
        if ".attn_q." in tensor.name or ".attn_k." in tensor.name:
            array = _unturned(array, heads if ".attn_q." in tensor.name else kv_heads)
        weights[_name(tensor.name)] = array.float().contiguous()
    model = llama(
        vocab_size=len(weights["model.embed_tokens.weight"]),
        hidden_size=said("llama.embedding_length"),
        intermediate_size=said("llama.feed_forward_length"),
        num_hidden_layers=said("llama.block_count"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        rms_norm_eps=said("llama.attention.layer_norm_rms_epsilon"),
        max_position_embeddings=said("llama.context_length"),
        rope_parameters={"rope_type": "default", "rope_theta": said("llama.rope.freq_base")},
        weights=weights,
    )
    tokenizer = _tokenizer(said("tokenizer.ggml.tokens"), said("tokenizer.ggml.merges"))
    return Base(model, tokenizer, sha256, said("tokenizer.ggml.eos_token_id"))


def llama(*, weights: dict[str, Tensor] | None = None, **sizes: Any) -> Any:
    """A frozen LlamaForCausalLM whose output layer is its embedding, with these weights or with random ones."""
    from transformers.models.llama.configuration_llama import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaForCausalLM, LlamaRotaryEmbedding

    config = LlamaConfig(tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=None, **sizes)
    if weights is None:
        model = LlamaForCausalLM(config)
    else:
        with torch.device("meta"):  # no time is spent on random weights
            model = LlamaForCausalLM(config)
        model.load_state_dict(weights, strict=False, assign=True)
        model.model.rotary_emb = LlamaRotaryEmbedding(config)
        model.lm_head.weight = nn.Parameter(model.model.embed_tokens.weight)
        model.tie_weights()
    return model.eval().requires_grad_(False)


def _name(gguf_name: str) -> str:
    """The name that transformers gives to a tensor of llama.cpp."""
    if gguf_name.startswith("blk."):
        _, block, part, kind = gguf_name.split(".")
        return f"model.layers.{block}.{_PARTS[part]}.{kind}"
    return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}[gguf_name]


def _unturned(rows: Tensor, heads: int) -> Tensor:
    return rows.reshape(heads, len(rows) // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _tokenizer(vocabulary: Sequence[str], merges: Sequence[str]) -> Any:
    """Byte pairs, digits one by one, as SmolLM2 was trained."""
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    pairs = [(first, second) for first, second in (merge.split(" ") for merge in merges)]
    tokenizer = Tokenizer(BPE({token: i for i, token in enumerate(vocabulary)}, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token in vocabulary[:64] if token.startswith("<") and token.endswith(">")]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return tokenizer
