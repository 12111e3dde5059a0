"""Models that run in this process: llama.cpp through xllamacpp, one server per model, no key and no network.

Measured on 2 cores, Qwen2.5-Coder-1.5B Q4_K_M: a prompt costs 10.6 ms a token, an answer 28 ms a token, and a cached prompt
nothing. Four requests decoded together gain nothing there (29 tokens/s instead of 35), and four that start together with the
same prefix compute it four times (46 s instead of 17 s). So few requests run at once, while several slots and a cache in
memory keep the prefixes that come again.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from agents.models import kept
from agents.models.contract import BadRequest, ModelReply, ModelRequest, Price, WeightsMissing
from agents.models.cores import usable_cores
from agents.models.failures import failure
from agents.models.weights import Weights
from agents.models.wire import Assembler, Body, chat_request, prompt_bytes

SLOTS = 4
CONTEXT = 4 * 4096  # tokens, one pool for all slots: a single long request may use all of it
BATCH = 512  # prompt tokens computed between two looks at whether the caller still waits


@dataclass
class _Served:
    server: Any
    kept: str  # folder of computed prompts
    longest: int = 0  # tokens of the longest stretch of a prompt that it had to compute


_servers: dict[Path, _Served] = {}
_starting = threading.Lock()


def serve(weights: Path) -> Any:
    """The process's server for these weights, started on first use (seconds). Safe to call from any thread."""
    return _serve(weights).server


def _serve(weights: Path) -> _Served:
    with _starting:
        if weights not in _servers:
            _servers[weights] = _start(weights)
        return _servers[weights]


@atexit.register
def _stop() -> None:
    """Keep what is worth it, and stop the servers' threads before the interpreter takes itself apart."""
    for weights, served in _servers.items():
        if served.longest >= kept.WORTH:
            kept.keep(served.server, served.kept, weights.stem, SLOTS)
    _servers.clear()


def _start(weights: Path) -> _Served:
    # OpenMP reads this when llama.cpp is loaded. Where other programs want the cores too, threads that sleep at a barrier
    # keep the model at about half its speed; spinning ones bring it down to a fortieth (measured with four others on two cores).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = CONTEXT
    params.n_parallel = SLOTS
    params.kv_unified = True
    params.n_batch = BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = usable_cores()
    params.warmup = False  # the first prompt warms it up as well
    params.ui = False
    params.verbosity = 0
    params.cache_idle_slots = False  # a slot's prompt stays in it, where it can be kept
    params.slot_save_path = place = kept.folder()
    server = xllamacpp.Server(params)
    kept.restore(server, place, weights.stem, SLOTS)
    return _Served(server, place)


def grammar_of(schema: dict[str, Any]) -> str:
    """The grammar of a JSON schema, fields in its order, on one line.

    Left to itself a small model indents its JSON: the same answer then takes 53 tokens instead of 36, and a tiny one may fill
    its whole answer with blank lines.
    """
    from xllamacpp import json_schema_to_grammar

    one_line = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return str(json_schema_to_grammar(schema | {"x-guidance": one_line}))


class LocalModel:
    """A model whose weights are on this machine; a `Provider`."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.concurrency = max(1, min(SLOTS, usable_cores() // 2))

    def price(self, model: str) -> Price:
        return Price()

    def prompt_bound(self, request: ModelRequest) -> int:
        return prompt_bytes(request)

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None] | None) -> ModelReply:
        """One attempt, in a thread. When the caller stops waiting, the model stops within a token or a prompt batch."""
        loop = asyncio.get_running_loop()
        abandoned = threading.Event()
        assembler = Assembler()
        refused: list[Body] = []

        def on_chunk(chunk: Body) -> bool:
            if not abandoned.is_set():
                if "error" in chunk:
                    refused.append(chunk["error"])
                elif (added := assembler.add(chunk)) and on_text:
                    loop.call_soon_threadsafe(on_text, added)
            return abandoned.is_set()

        try:
            await loop.run_in_executor(self._threads, self._generate, chat_request(request), on_chunk)
        finally:
            abandoned.set()
        if refused:
            raise failure(request.model, refused[0].get("code") or 500, refused[0].get("message") or "no reason given")
        return assembler.reply(request)

    def base_url(self) -> str:
        """The OpenAI-compatible address on loopback where other programs may reach the same server."""
        return f"{serve(self._file()).listening_address}/v1"

    def _generate(self, body: Body, on_chunk: Callable[[Body], bool]) -> None:
        served = _serve(self._file())
        streamed = body | {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        if wanted := streamed.pop("response_format", None):
            streamed["grammar"] = grammar_of(wanted["json_schema"]["schema"])

        def look(chunk: Body) -> bool:
            served.longest = max(served.longest, chunk.get("timings", {}).get("prompt_n", 0))
            return on_chunk(chunk)

        try:
            served.server.handle_chat_completions(streamed, look)
        except ValueError as error:  # a tool's parameters that are no JSON schema
            raise BadRequest(f"local/{self.weights.name} refused the request: {error}") from None

    def _file(self) -> Path:
        if not self.weights.ready():
            raise WeightsMissing(
                f"the weights of local/{self.weights.name} are not on this machine",
                hint=f"run: backprose model fetch {self.weights.name}",
            )
        return self.weights.path()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(SLOTS, thread_name_prefix=self.weights.name)
