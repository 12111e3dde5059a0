"""What `train_hamiltonian_reupload` takes and gives."""

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tools.contract import Artifact, BadInput, Frozen, Tool, quantity
from tools.quantum.hamiltonian_reupload.worked import WORKED

_MOST_PIXELS = 5_000_000  # of an array of images
_MOST_CLASSES = 16
_FULL_BLOCK_QUBITS, _QUBITS = 5, 6

Pixel = Annotated[float, Field(allow_inf_nan=True)]  # refused below, by a name of its own


class ImageNotSquare(BadInput):
    """An image has not as many columns as rows, or not as many as the others."""


class TooManyClasses(BadInput):
    """More classes than the read-out qubits have states."""


class NonFinitePixels(BadInput):
    """A pixel is infinite or not a number."""


class QubitLimit(BadInput):
    """The images need more qubits than are simulated."""


def _labels(said: Any) -> Any:
    """The labels that words name: `0 to 7`, `2, 5 and 7`. Anything else is left to the type."""
    if not isinstance(said, str):
        return said
    if span := re.fullmatch(r"(\d+) *(?:to|through|-|–) *(\d+)", said):
        first, last = map(int, span.groups())
        return list(range(first, min(last, first + _MOST_CLASSES) + 1))
    return (
        [int(n) for n in re.findall(r"\d+", said)] if re.fullmatch(r"\d+(?:(?:,|,? and|,? or) *\d+)+", said) else said
    )


class ReuploadInput(Frozen):
    dataset: Literal["digits", "fashion", "mnist5k", "array"] = quantity(
        "",
        "Images: 8x8 digits, Fashion-MNIST clothing, 5,000 MNIST digits, or the array given",
        "digits",
        named_by={"fashion": ("fashion", "cloth"), "mnist5k": ("mnist",), "array": ("array",)},
    )
    classes: Annotated[list[int] | None, BeforeValidator(_labels)] = quantity(
        "1",
        "Labels to tell apart, all others left out, also in words such as 2, 5 and 7; default 0 to 7",
        None,
        min_length=2,
        max_length=_MOST_CLASSES,
        copied="list",
    )
    layers: int = quantity("1", "Re-uploading layers", 10, ge=1, le=40, named_by=("layer",))
    block: Literal["su_full", "brickwork"] = quantity(
        "",
        "Trained block: any unitary on all qubits, or a row of two-qubit gates with far fewer parameters",
        "su_full",
        named_by={"brickwork": ("brick",)},
    )
    epochs: int = quantity("1", "Passes over the training images", 20, ge=1, le=500, named_by=("epoch",))
    batch: int = quantity("1", "Images a step; 1000 suits fashion", 64, ge=16, le=5000, named_by=("batch",))
    learning_rate: float = quantity(
        "1",
        "Adam's learning rate; 0.01 suits fashion",
        0.03,
        ge=1e-4,
        le=0.3,
        named_by=("learning rate",),
    )
    time_scale: float = quantity(
        "rad",
        "Standard deviation of the initial evolution times",
        1.0,
        gt=0,
        le=10,
        named_by=("time scale", "evolution time"),
    )
    seed: int = quantity("1", "Random seed of weights and splits", 0, ge=0, le=2**31, named_by=("seed",))
    time_budget: float = quantity(
        "s", "Time the training may take", 300.0, ge=10, le=3600, named_by=("second", "minute")
    )
    baselines: list[Literal["qcnn", "mlp", "logistic", "nearest"]] = quantity(
        "",
        "What to compare with: quantum CNN, classical network of equal size, logistic regression, nearest image",
        ["qcnn", "mlp", "logistic", "nearest"],
        max_length=4,
    )
    images: list[list[list[Pixel]]] | None = quantity(
        "1",
        "Square grey images, with dataset array only",
        None,
        min_length=32,
        max_length=60000,
        named_by=("array",),
    )
    labels: list[int] | None = quantity("1", "A label for each image", None, max_length=60000, named_by=("array",))
    plots: bool = quantity(
        "",
        "Also draw curves, times, a chosen image's states and the circuit",
        False,
        named_by=("plot", "draw", "picture of", "chart", "figure", "show me"),
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.dataset == "array") != (self.images is not None) or (self.images is None) != (self.labels is None):
            raise BadInput(
                "images and labels go together, with dataset array and only with it",
                hint='give images, labels and dataset "array", or neither images nor labels',
            )
        if self.classes and len(set(self.classes)) < len(self.classes):
            raise BadInput(f"classes are {self.classes}, must all be different", hint="name each class once")
        side = 8 if self.dataset == "digits" else 28
        if self.images is not None and self.labels is not None:
            side = _check_images(self.images)
            if len(self.labels) != len(self.images):
                raise BadInput(
                    f"{len(self.images)} images have {len(self.labels)} labels", hint="give one label an image"
                )
        self._check_circuit(side)
        return self

    def _check_circuit(self, side: int) -> None:
        qubits = max(1, math.ceil(math.log2(side)))
        if qubits > _QUBITS:
            raise QubitLimit(
                f"images of {side} x {side} pixels need {qubits} qubits, at most {_QUBITS} are simulated",
                hint=f"shrink them to {2**_QUBITS} x {2**_QUBITS} or less",
            )
        if self.block == "su_full" and qubits > _FULL_BLOCK_QUBITS:
            raise QubitLimit(
                f"block su_full is limited to {_FULL_BLOCK_QUBITS} qubits, these images need {qubits}",
                hint="take block brickwork, or images of 32 x 32 or less",
            )
        wanted = len(self.classes or set(self.labels or range(8)))
        states = 2 ** min(qubits, 4)
        if wanted > states:
            raise TooManyClasses(
                f"{wanted} classes are wanted, but {qubits} qubits tell at most {states} apart",
                hint=f"name at most {states} classes",
                at_most=states,
            )
        if wanted < 2:
            raise BadInput("there is only one class", hint="give images of two classes at least")


def _check_images(images: list[list[list[float]]]) -> int:
    """Their side."""
    side = len(images[0])
    for i, image in enumerate(images):
        if len(image) != side or any(len(row) != side for row in image):
            raise ImageNotSquare(
                f"images[{i}] is not {side} x {side}", hint="give square images of one size, as lists of rows"
            )
        if not all(math.isfinite(pixel) for row in image for pixel in row):
            raise NonFinitePixels(f"images[{i}] has a pixel that is no finite number", hint="mend or drop the image")
    if side < 2:
        raise BadInput(f"images are {side} x {side}", hint="give images of 2 x 2 pixels at least")
    if len(images) * side**2 > _MOST_PIXELS:
        raise BadInput(
            f"{len(images)} images of {side} x {side} are {len(images) * side**2:,} pixels, at most {_MOST_PIXELS:,} fit",
            hint=f"give at most {_MOST_PIXELS // side**2} images of this size",
        )
    return side


class ReuploadOutput(Frozen):
    test_accuracy: float = quantity("1", "Share of test images classified right")
    test_accuracy_low: float = quantity("1", "Lower end of its 95 % interval")
    test_accuracy_high: float = quantity("1", "Upper end of its 95 % interval")
    qcnn_accuracy: float | None = quantity("1", "Test accuracy of the quantum CNN, trained for 300 steps", None)
    mlp_accuracy: float | None = quantity("1", "Test accuracy of the classical network of equal size", None)
    logistic_accuracy: float | None = quantity("1", "Test accuracy of logistic regression", None)
    nearest_accuracy: float | None = quantity("1", "Test accuracy of the nearest training image", None)
    parameters: int = quantity("1", "Trained parameters")
    qubits: int = quantity("1", "Qubits")
    best_class: int = quantity("1", "Label recognised best")
    worst_class: int = quantity("1", "Label recognised worst")
    classes: list[int] = quantity("1", "Labels, in the order of the recalls and of the confusion matrix")
    recalls: list[float] = quantity("1", "Share of each class's test images classified right")
    confusion: list[list[int]] = quantity("1", "Test images of the row's class taken for the column's")
    times: list[float] = quantity("rad", "Trained evolution times a pixel unit, by layer")
    validation_accuracy: float = quantity("1", "Accuracy on the images that chose the weights")
    quality: float = quantity(
        "1", "Validation accuracy, above the quantum CNN's if compared, less a millionth a parameter"
    )
    loss: list[float] = quantity("1", "Training loss by epoch")
    epochs_run: int = quantity("1", "Epochs trained")
    best_epoch: int = quantity("1", "Epoch whose weights were kept")
    ended: Literal["epochs", "patience", "time"] = quantity("", "Why training ended; time means the budget")
    training_images: int = quantity("1", "Images trained on")
    test_images: int = quantity("1", "Images tested on")
    cnots: int = quantity("1", "CNOT gates one image would cost on hardware, at most")
    images_per_second: float = quantity("1/s", "Training speed on this machine")
    training_seconds: float = quantity("s", "Time the training took on this machine")
    notes: list[str] = quantity("", "How to read the result")
    weights: Artifact = quantity("", "Trained weights and times (safetensors), with settings, classes and data hash")
    plots: list[Artifact] = quantity("", "Pictures, if asked for")


class TrainHamiltonianReupload(Tool[ReuploadInput, ReuploadOutput]):
    """Trains and tests a few-qubit re-uploading quantum classifier that embeds each image as a Hamiltonian, and compares it
    with a quantum CNN and classical baselines."""

    name = "train_hamiltonian_reupload"
    source = (
        "P. Wang, C. R. Myers, L. C. L. Hollenberg, U. Parampalli, Quantum Hamiltonian embedding of images for data "
        "reuploading classifiers, arXiv 2407.14055 (2024)"
    )
    paper = 9
    examples = (
        {"dataset": "digits", "classes": [0, 1, 2], "layers": 3, "epochs": 3, "baselines": ["qcnn", "nearest"]},
        {"dataset": "digits", "layers": 2, "block": "brickwork", "epochs": 2, "baselines": [], "plots": True},
    )
    worked = WORKED
    keywords = (
        *("quantum", "qubit", "circuit", "classifier", "hamiltonian", "embedding", "data reuploading", "qcnn", "su(4)"),
        *("variational", "image classification", "digits", "fashion-mnist", "mnist", "accuracy", "pennylane", "layers"),
    )
    refinable = ("layers", "learning_rate", "block", "time_scale", "batch", "epochs")
    score = "quality"
    timings = ("images_per_second", "training_seconds")
    headline = ("test_accuracy", "qcnn_accuracy", "mlp_accuracy", "logistic_accuracy", "parameters")
    time_limit = 4200.0
    extra = "quantum"

    def __call__(self, inp: ReuploadInput) -> ReuploadOutput:
        from tools.quantum.hamiltonian_reupload.answer import answer

        return answer(inp)
