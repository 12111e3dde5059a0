"""Train the classifier on a task, and beside it what an honest report compares it with."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor, nn

from tools.contract import progress
from tools.quantum.hamiltonian_reupload.data import Part, Task
from tools.quantum.hamiltonian_reupload.model import (
    Block,
    ReuploadClassifier,
    Spectra,
    eigen,
    hamiltonian,
    loss,
    qubits_for,
)
from tools.quantum.hamiltonian_reupload.qcnn import Qcnn
from tools.training import Device, Hardware, Training, batches, fit, seeded

CLIP = 1.0  # of each gradient
DECAY, DECAY_STEPS = 0.99, 100  # the learning rate falls by this factor every so many steps
QCNN_STEPS, QCNN_BATCH, QCNN_RATE = 300, 256, 0.1
MLP_EPOCHS, MLP_BATCH, MLP_RATE = 60, 128, 3e-3
CHUNK = 2000  # images at once where no gradient is needed


@dataclass(frozen=True)
class Plan:
    """How to train the classifier: depth, block and the optimiser's settings, as the tool's arguments name them."""

    layers: int = 10
    block: Block = "su_full"
    epochs: int = 20
    batch: int = 1000
    learning_rate: float = 0.01
    time_scale: float = 1.0
    seed: int = 0
    seconds: float = math.inf
    device: Device = "auto"

    def settings(self) -> dict[str, Any]:
        """As JSON values, which have no infinity. The device is left out: it decides the last digits only."""
        return {k: v for k, v in asdict(self).items() if k != "device" and v != math.inf}


@dataclass(frozen=True)
class Embedded:
    """A part of a task, diagonalised."""

    spectra: Spectra
    targets: Int[Tensor, "n"]

    @classmethod
    def of(cls, part: Part, device: torch.device) -> "Embedded":
        pixels = torch.from_numpy(part.pixels).to(device)
        chunks = [eigen(hamiltonian(chunk)) for chunk in pixels.split(CHUNK)]
        spectra = Spectra(torch.cat([c.energies for c in chunks]), torch.cat([c.modes for c in chunks]))
        return cls(spectra, torch.from_numpy(part.targets).to(device))


def classifier(side: int, classes: int, plan: Plan) -> ReuploadClassifier:
    """An untrained classifier; the plan's seed draws its weights."""
    with seeded(plan.seed) as generator:
        return ReuploadClassifier(
            qubits_for(side), plan.layers, classes, plan.block, generator=generator, time_scale=plan.time_scale
        )


def train(
    model: ReuploadClassifier,
    task: Task,
    plan: Plan,
    *,
    share: tuple[float, float] = (0.0, 1.0),
    after_epoch: Callable[[int, float], None] = lambda epoch, accuracy: None,
) -> Training:
    """Train by Adam as the paper does, and keep the weights that are best on the validation images.

    Products stay in single precision on every device: half of it would lose the phases.
    """
    hardware = Hardware.choose(plan.device, mixed=False)
    model.to(hardware.device)
    progress(share[0], f"diagonalising {len(task.train.targets) + len(task.validation.targets)} images")
    images, validation = Embedded.of(task.train, hardware.device), Embedded.of(task.validation, hardware.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.learning_rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, DECAY_STEPS, DECAY)
    epochs = 0

    with seeded(plan.seed + 1) as generator:

        def epoch() -> float:
            total = 0.0
            for rows in batches(len(images.targets), plan.batch, generator):
                here = rows.to(hardware.device)
                optimizer.zero_grad()
                error = loss(model(images.spectra[here]), images.targets[here])
                error.backward()
                nn.utils.clip_grad_value_(model.parameters(), CLIP)
                optimizer.step()
                schedule.step()
                total += error.item() * len(rows)
            return total / len(images.targets)

        def score() -> float:
            nonlocal epochs
            epochs += 1
            accuracy = float((predict(model, validation.spectra) == task.validation.targets).mean())
            after_epoch(epochs, accuracy)
            return accuracy

        return fit(
            model, epoch, epochs=plan.epochs, score=score, seconds=plan.seconds, share=share, what="re-uploading"
        )


@torch.no_grad()
def predict(model: ReuploadClassifier, images: Spectra) -> Int[ndarray, "n"]:
    """The most probable class of each image, as its place among the classes."""
    rows = [model(images[at : at + CHUNK]).argmax(1) for at in range(0, len(images), CHUNK)]
    return torch.cat(rows).cpu().numpy()


def predict_test(model: ReuploadClassifier, task: Task) -> Int[ndarray, "n"]:
    return predict(model, Embedded.of(task.test, model.times.device).spectra)


def qcnn_accuracy(task: Task, seed: int, *, steps: int = QCNN_STEPS) -> tuple[float, float]:
    """Accuracy on the validation and on the test images of a QCNN trained here, by Adam with cosine decay as in the paper."""
    with seeded(seed) as generator:
        model = Qcnn(qubits_for(task.train.pixels.shape[1]), len(task.classes), generator=generator)
        optimizer = torch.optim.Adam(model.parameters(), lr=QCNN_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        pixels, targets = _amplitudes(task.train), torch.from_numpy(task.train.targets)
        done = 0
        while done < steps:
            for rows in batches(len(targets), QCNN_BATCH, generator):
                optimizer.zero_grad()
                loss(model(pixels[rows]), targets[rows]).backward()
                optimizer.step()
                schedule.step()
                done += 1
                if done == steps:
                    break

    @torch.no_grad()
    def accuracy(part: Part) -> float:
        found = torch.cat([model(chunk).argmax(1) for chunk in _amplitudes(part).split(CHUNK)])
        return float((found.numpy() == part.targets).mean())

    return accuracy(task.validation), accuracy(task.test)


def mlp_accuracy(
    task: Task, parameters: int, seed: int, *, share: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, int]:
    """Test accuracy of a classical network with one hidden layer and about as many parameters, and how many it has."""
    features = [torch.from_numpy(_features(part)) for part in (task.train, task.validation, task.test)]
    targets = [torch.from_numpy(part.targets) for part in (task.train, task.validation)]
    inputs, outputs = features[0].shape[1], len(task.classes)
    width = max(1, round((parameters - outputs) / (inputs + 1 + outputs)))
    with seeded(seed) as generator:
        model = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, outputs))
        optimizer = torch.optim.Adam(model.parameters(), lr=MLP_RATE)

        def epoch() -> float:
            total = 0.0
            for rows in batches(len(targets[0]), MLP_BATCH, generator):
                optimizer.zero_grad()
                error = nn.functional.cross_entropy(model(features[0][rows]), targets[0][rows])
                error.backward()
                optimizer.step()
                total += error.item() * len(rows)
            return total / len(targets[0])

        @torch.no_grad()
        def score() -> float:
            return float((model(features[1]).argmax(1) == targets[1]).double().mean())

        fit(model, epoch, epochs=MLP_EPOCHS, score=score, patience=10, share=share, what="classical network")
    with torch.no_grad():
        found = model(features[2]).argmax(1).numpy()
    return float((found == task.test.targets).mean()), sum(p.numel() for p in model.parameters())


def logistic_accuracy(task: Task) -> float:
    """Test accuracy of logistic regression on the symmetrised pixels, which are all that the classifier sees."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=200).fit(_features(task.train), task.train.targets)
    return float(fitted.score(_features(task.test), task.test.targets))


def nearest_accuracy(task: Task) -> float:
    """Test accuracy of the nearest training image in the symmetrised pixels."""
    from sklearn.neighbors import KNeighborsClassifier

    fitted = KNeighborsClassifier(1, algorithm="brute").fit(_features(task.train), task.train.targets)
    return float(fitted.score(_features(task.test), task.test.targets))


def _features(part: Part) -> Float[ndarray, "n features"]:
    matrices = hamiltonian(torch.from_numpy(part.pixels)).numpy()
    return matrices[:, *np.triu_indices(matrices.shape[1])]


def _amplitudes(part: Part) -> Float[Tensor, "n pixels"]:
    """Padded and flattened as the classifier's images are, but not symmetrised. A black image becomes a grey one."""
    pixels = torch.from_numpy(part.pixels)
    side = pixels.shape[1]
    missing = 2 ** qubits_for(side) - side
    before = missing // 2
    flat = nn.functional.pad(pixels, (before, missing - before, before, missing - before)).flatten(1)
    return torch.where(flat.abs().sum(1, keepdim=True) > 0, flat, torch.ones_like(flat))


def interval(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a proportion (E. B. Wilson, JASA 22, 1927)."""
    from scipy.stats import binomtest

    found = binomtest(right, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def confusion(truth: Int[ndarray, "n"], found: Int[ndarray, "n"], classes: int) -> list[list[int]]:
    """How often an image of the row's class was taken for the column's."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (truth, found), 1)
    rows: list[list[int]] = table.tolist()
    return rows


def told(task: Task, plan: Plan, model: ReuploadClassifier, baselines: Sequence[str]) -> dict[str, Any]:
    """Train the classifier and what it is compared with; everything a report needs, as JSON values."""
    share = 0.9 if baselines else 1.0
    training = train(model, task, plan, share=(0.0, share))
    found = predict_test(model, task)
    right = int((found == task.test.targets).sum())
    parameters = sum(p.numel() for p in model.parameters())
    story: dict[str, Any] = {
        "test_accuracy": right / len(found),
        "interval": interval(right, len(found)),
        "confusion": confusion(task.test.targets, found, len(task.classes)),
        "validation_accuracy": training.score[training.best_epoch - 1],
        "training": asdict(training),
        "parameters": parameters,
        "images_per_second": len(task.train.targets) * len(training.loss) / training.seconds,
        "compared": {},
    }
    for i, name in enumerate(baselines):
        begin, end = (share + (1 - share) * (i + k) / len(baselines) for k in (0, 1))
        progress(begin, f"comparing with {name}")
        match name:
            case "qcnn":
                story["qcnn_validation_accuracy"], story["compared"][name] = qcnn_accuracy(task, plan.seed)
            case "mlp":
                story["compared"][name], story["mlp_parameters"] = mlp_accuracy(
                    task, parameters, plan.seed, share=(begin, end)
                )
            case "logistic":
                story["compared"][name] = logistic_accuracy(task)
            case _:
                story["compared"][name] = nearest_accuracy(task)
    return json.loads(json.dumps(story))  # type: ignore[no-any-return]
