"""From a checked input to an output: train or find the classifier, then say what it can and what it cannot."""

import json
from functools import partial
from typing import Any

import numpy as np
import torch

from tools.contract import Artifact, progress, save_artifact
from tools.datasets import Images
from tools.plots import draw_curves, save_plot
from tools.quantum.hamiltonian_reupload import plots
from tools.quantum.hamiltonian_reupload.data import Task, task
from tools.quantum.hamiltonian_reupload.learn import Embedded, Plan, classifier, told
from tools.quantum.hamiltonian_reupload.model import ReuploadClassifier, cnots
from tools.quantum.hamiltonian_reupload.tool import ReuploadInput, ReuploadOutput, TrainHamiltonianReupload
from tools.training import load_or_train

_PRICE = 1e-6  # of a parameter, in accuracy: among equals the smaller circuit wins


def answer(inp: ReuploadInput) -> ReuploadOutput:
    """Train, or find what was trained under the same settings, and report."""
    progress(0.0, f"loading {inp.dataset}")
    given = None
    if inp.images is not None:
        given = Images(np.array(inp.images, dtype=np.float32), np.array(inp.labels, dtype=np.int64))
    data = task(inp.dataset, inp.classes, inp.seed, given)
    plan = Plan(
        layers=inp.layers,
        block=inp.block,
        epochs=inp.epochs,
        batch=inp.batch,
        learning_rate=inp.learning_rate,
        time_scale=inp.time_scale,
        seed=inp.seed,
        seconds=inp.time_budget,
    )
    tool = TrainHamiltonianReupload
    baselines = sorted(set(inp.baselines))
    settings = {
        "data": {
            "set": inp.dataset,
            "classes": data.classes,
            "sha256": data.sha256,
            "pixels": _preprocessing(inp.dataset),
        },
        "plan": plan.settings(),
        "compared": baselines,
        "version": tool.version,
    }
    model = classifier(data.train.pixels.shape[1], len(data.classes), plan)
    learned = load_or_train(tool.name, settings, model, partial(told, data, plan, model, baselines))
    return _report(inp, data, model.cpu(), settings, learned.story)


def _report(
    inp: ReuploadInput, data: Task, model: ReuploadClassifier, settings: dict[str, Any], story: dict[str, Any]
) -> ReuploadOutput:
    compared, training = story["compared"], story["training"]
    table = np.array(story["confusion"])
    recalls = table.diagonal() / table.sum(1)
    low, high = story["interval"]
    quality = story["validation_accuracy"] - story.get("qcnn_validation_accuracy", 0.0) - _PRICE * story["parameters"]
    return ReuploadOutput(
        test_accuracy=story["test_accuracy"],
        test_accuracy_low=low,
        test_accuracy_high=high,
        qcnn_accuracy=compared.get("qcnn"),
        mlp_accuracy=compared.get("mlp"),
        logistic_accuracy=compared.get("logistic"),
        nearest_accuracy=compared.get("nearest"),
        parameters=story["parameters"],
        qubits=model.qubits,
        best_class=data.classes[int(recalls.argmax())],
        worst_class=data.classes[int(recalls.argmin())],
        classes=data.classes,
        recalls=recalls.tolist(),
        confusion=story["confusion"],
        times=model.times.tolist(),
        validation_accuracy=story["validation_accuracy"],
        quality=quality,
        loss=training["loss"],
        epochs_run=len(training["loss"]),
        best_epoch=training["best_epoch"],
        ended=training["ended"],
        training_images=len(data.train.targets),
        test_images=len(data.test.targets),
        cnots=cnots(model.qubits, inp.layers),
        images_per_second=story["images_per_second"],
        training_seconds=training["seconds"],
        notes=_notes(inp, model, story),
        weights=_keep(model, settings),
        plots=_draw(inp, data, model, training) if inp.plots else [],
    )


def _notes(inp: ReuploadInput, model: ReuploadClassifier, story: dict[str, Any]) -> list[str]:
    """The verdict, by the paper's own design principles."""
    ours, compared = story["test_accuracy"], story["compared"]
    classical = {name: compared[name] for name in ("mlp", "logistic", "nearest") if name in compared}
    names = {
        "mlp": "a classical network of equal size",
        "logistic": "logistic regression",
        "nearest": "the nearest image",
    }
    notes = []
    if classical:
        best = max(classical, key=lambda name: classical[name])
        word = "beats" if classical[best] > ours else "does not beat"
        notes.append(
            f"On the same symmetrised pixels {names[best]} ({classical[best]:.3f}) {word} the circuit ({ours:.3f}); "
            "no speed-up is claimed."
        )
    notes += [
        "Only scaling and zero-padding precede the circuit, and nothing classical is trained behind it: what is learned, the "
        "circuit learned.",
        "An image and its transpose give the same Hamiltonian, so the circuit cannot tell them apart.",
        f"On hardware one image would cost up to {cnots(model.qubits, inp.layers):,} CNOT gates, since each layer has two dense "
        f"unitaries on {model.qubits} qubits; this is an exact simulation without noise.",
    ]
    if story["training"]["ended"] == "time":
        notes.append("Training was stopped by its time budget: a faster or less busy machine gives another result.")
    return notes


def _preprocessing(dataset: str) -> str:
    scale = {"digits": "divided by 16", "array": "divided by the largest"}.get(dataset, "divided by 255")
    return f"{scale}, zero-padded to a power of two, (M + M^T) / 2"


def _keep(model: ReuploadClassifier, settings: dict[str, Any]) -> Artifact:
    from safetensors.torch import save

    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    content = save(tensors, metadata={"settings": json.dumps(settings, sort_keys=True)})
    return save_artifact("hamiltonian_reupload.safetensors", "application/octet-stream", content, "trained weights")


@torch.no_grad()
def _draw(inp: ReuploadInput, data: Task, model: ReuploadClassifier, training: dict[str, Any]) -> list[Artifact]:
    first = Embedded.of(data.test, torch.device("cpu")).spectra[:1]
    path = torch.cat([model.probabilities(state) for state in model.states(first)]).numpy()
    wanted = int(data.test.targets[0])
    return [
        save_plot(
            "curves",
            draw_curves({"training loss": training["loss"], "validation accuracy": training["score"]}),
            "training loss and validation accuracy",
        ),
        save_plot("times", plots.draw_times(model.times.tolist()), "trained evolution times"),
        save_plot(
            "states", plots.draw_states(path, data.classes[wanted], wanted), "one image's read-out after each layer"
        ),
        save_plot("circuit", plots.draw_circuit(model.qubits, inp.layers, model.read_out, inp.block), "the circuit"),
    ]
