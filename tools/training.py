"""What all trained tools share: one loop with early stopping and progress, one seed, one device, weights kept with their story.

A tool brings the mathematics of one epoch. This module decides when to stop, which weights to keep, where the computation
runs, and what is written beside the weights so that a person can tell where a number comes from. torch is imported inside.
"""

import math
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from tools.checkpoints import checkpoint_path, find_checkpoint, keep_checkpoint
from tools.contract import BadInput, NoAnswer, progress

if TYPE_CHECKING:
    import torch
    from torch import nn

Device = Literal["auto", "cpu", "cuda"]


class BudgetTooSmall(BadInput):
    """The time allowed is too short for a single epoch."""


class Diverged(NoAnswer):
    """The loss became infinite or not a number."""


@dataclass(frozen=True)
class Training:
    """How a training went.

    `loss` and `score` have one value an epoch; the weights kept are those of `best_epoch` (counted from 1).
    """

    loss: list[float]
    score: list[float]  # empty where no score was asked for
    best_epoch: int
    seconds: float
    ended: Literal["epochs", "patience", "time"]
    """Why it ended. After "time" another machine, or a busier one, may give another result."""


def fit(
    model: "nn.Module",
    epoch: Callable[[], float],
    *,
    epochs: int,
    score: Callable[[], float] | None = None,
    patience: int | None = None,
    seconds: float = math.inf,
    share: tuple[float, float] = (0.0, 1.0),
    what: str = "training",
) -> Training:
    """Train `model` in place and leave it with its best weights.

    Args:
        model: Its parameters and buffers are what is kept and restored.
        epoch: Trains for one epoch and returns the mean loss over it.
        epochs: Epochs at most.
        score: Rates the model after each epoch, on data that are neither trained nor tested on; higher is better. Without it
            the last weights are kept.
        patience: Stop after this many epochs without a better score.
        seconds: Stop when the next epoch would end later than this; what was learned until then is kept.
        share: The part of the running call's progress that this training is.
        what: What is being trained, in the words of the progress message.

    Raises:
        Diverged: The loss is no longer finite.
        BudgetTooSmall: `seconds` had passed before the first epoch ended.
    """
    losses: list[float] = []
    scores: list[float] = []
    best: dict[str, Any] | None = None
    best_epoch = 0
    ended: Literal["epochs", "patience", "time"] = "epochs"
    started = perf_counter()
    for n in range(1, epochs + 1):
        losses.append(epoch())
        if not math.isfinite(losses[-1]):
            raise Diverged(
                f"{what}: the loss is {losses[-1]} after {n} epochs", hint="lower the learning rate", epoch=n
            )
        if score:
            scores.append(score())
            if not best_epoch or scores[-1] > scores[best_epoch - 1]:
                best_epoch = n
                best = {name: value.detach().clone() for name, value in model.state_dict().items()}
        else:
            best_epoch = n
        took = perf_counter() - started
        if n == 1 and took > seconds:
            raise BudgetTooSmall(
                f"{what}: one epoch took {took:.1f} s, but only {seconds:g} s are allowed",
                hint=f"allow {math.ceil(took * min(epochs, 5))} s or more, or train on less data",
            )
        rating = f", score {scores[-1]:.4f}" if scores else ""
        left = took / n * (epochs - n)
        progress(
            share[0] + (share[1] - share[0]) * max(n / epochs, min(took / seconds, 1.0)),
            f"{what}: epoch {n} of {epochs}, loss {losses[-1]:.4g}{rating}, about {min(left, seconds - took):.0f} s left",
        )
        if n < epochs and took * (n + 1) / n > seconds:
            ended = "time"
            break
        if patience is not None and n - best_epoch >= patience:
            ended = "patience"
            break
    if best is not None:
        model.load_state_dict(best)
    return Training(losses, scores, best_epoch, perf_counter() - started, ended)


@contextmanager
def seeded(seed: int) -> "Iterator[torch.Generator]":
    """Draw all random numbers inside from `seed`: those of the generator given, and torch's own, as `nn.Linear` draws them.

    torch's own state is as before afterwards. On another device the same seed draws the same numbers if they are drawn here,
    on the CPU, and moved there.
    """
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)


def batches(n: int, size: int, generator: "torch.Generator") -> "Iterator[torch.Tensor]":
    """The numbers 0 to n - 1 in random order, `size` at a time; the last batch may be smaller."""
    import torch

    yield from torch.randperm(n, generator=generator).split(size)


@dataclass(frozen=True)
class Hardware:
    """Where tensors live, and the number format in which the heavy products are computed."""

    device: "torch.device"
    mixed: bool = False

    @classmethod
    def choose(cls, wanted: Device = "auto", *, mixed: bool = True) -> "Hardware":
        """CUDA where there is one, or what is wanted.

        Args:
            wanted: "auto" takes CUDA if it is there.
            mixed: Compute products in bfloat16 on CUDA. False where the mathematics needs its digits (complex states,
                residuals of differential equations).

        Raises:
            BadInput: CUDA is wanted and not there.
        """
        import torch

        there = torch.cuda.is_available()
        if wanted == "cuda" and not there:
            raise BadInput("this machine has no CUDA device", hint="leave device out, or say cpu")
        cuda = there and wanted != "cpu"
        return cls(torch.device("cuda" if cuda else "cpu"), mixed and cuda)

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision for a forward pass and its loss; nothing on a CPU."""
        import torch

        return torch.autocast(self.device.type, torch.bfloat16) if self.mixed else nullcontext()

    def compiled(self, module: "nn.Module") -> Any:
        """`module`, compiled on CUDA. On a CPU compiling takes longer than most of our trainings gain."""
        import torch

        return torch.compile(module) if self.device.type == "cuda" else module


@dataclass(frozen=True)
class Learned:
    """Where the weights in a model come from."""

    story: dict[str, Any] = field(default_factory=dict)
    """Settings, what the training told, `sha256`, versions, seconds."""
    trained_now: bool = False
    """False if the weights were found, shipped or in the cache."""


def load_or_train(
    tool: str,
    settings: Mapping[str, Any],
    model: "nn.Module",
    train: Callable[[], Mapping[str, Any]],
    *,
    shipped: Path | None = None,
) -> Learned:
    """Fill `model` with what `tool` learned under `settings`: found if it was kept before, or else trained and kept now.

    Args:
        tool: The tool's name.
        settings: All that decides the result: data with their hash, sizes, seed, version of the method.
        model: Untrained, of the shape that `settings` say.
        train: Trains `model` and returns what is worth telling about it, as JSON values (scores, epochs, loss curve).
        shipped: A folder of this distribution with trained weights, looked into first.
    """
    from safetensors.torch import load_file, save_file

    path = checkpoint_path(tool, settings)
    for place in ([shipped / path.name] if shipped else []) + [path]:
        if story := find_checkpoint(place):
            model.load_state_dict(load_file(place))
            return Learned(story)
    started = perf_counter()
    told = dict(train())
    story = {
        "tool": tool,
        "settings": dict(settings),
        **told,
        "seconds": round(perf_counter() - started, 1),
        "made_with": made_with(),
    }
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    keep_checkpoint(path, partial(save_file, weights), story)
    return Learned(find_checkpoint(path) or story, trained_now=True)


def made_with() -> dict[str, str]:
    """What else decides the last digits of a trained weight."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {"python": platform.python_version(), "torch": version("torch"), "system": sys.platform, "device": device}
