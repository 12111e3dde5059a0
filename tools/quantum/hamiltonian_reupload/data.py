"""The images of a call in three parts: to train on, to choose by, and to test on once."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools import datasets
from tools.contract import BadInput
from tools.datasets import Images

TEST_SHARE = 0.2  # where the set has no test part of its own
VALIDATION = 0.1  # of the rest, but
MOST_VALIDATION = 2000  # images are enough to rate by


@dataclass(frozen=True)
class Part:
    pixels: Float[ndarray, "n side side"]  # float32, 0 to 1
    targets: Int[ndarray, "n"]  # place of the image's class in the list of classes


@dataclass(frozen=True)
class Task:
    """A classification task. `sha256` is that of all pixels and targets in their order."""

    classes: list[int]
    train: Part
    validation: Part
    test: Part
    sha256: str


def task(dataset: str, classes: list[int] | None, seed: int, given: Images | None = None) -> Task:
    """The task of a data set.

    Args:
        dataset: `digits`, `fashion`, `mnist5k`, or `array` for the images given.
        classes: Labels to tell apart; None for 0 to 7, or for all labels of the images given.
        seed: Splits the images, alike in all classes. The test part of Fashion-MNIST is its own.

    Raises:
        BadInput: A class has too few images to be split.
    """
    if given is not None:
        wanted = classes or np.unique(given.labels).tolist()
        rest, test = _split(_scaled(given).only(wanted), TEST_SHARE, seed)
    else:
        wanted = classes or list(range(8))
        if dataset == "fashion":
            rest, test = (part.only(wanted) for part in datasets.fashion())
        else:
            loaded = datasets.digits() if dataset == "digits" else datasets.mnist5k()
            rest, test = _split(loaded.only(wanted), TEST_SHARE, seed)
    missing = sorted(set(wanted) - set(rest.labels.tolist()))
    if missing:
        raise BadInput(f"no image has the label {missing[0]}", hint=f"labels here: {np.unique(rest.labels).tolist()}")
    train, validation = _split(rest, min(VALIDATION, MOST_VALIDATION / len(rest.labels)), seed)
    parts = [Part(part.pixels, _places(part.labels, wanted)) for part in (train, validation, test)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part.pixels).tobytes())
        digest.update(part.targets.tobytes())
    return Task(wanted, parts[0], parts[1], parts[2], digest.hexdigest())


def _scaled(images: Images) -> Images:
    """Pixels from -1 to 1 at most: initial times of about 1 radian suit energies of that size."""
    largest = float(np.abs(images.pixels).max())
    return Images(images.pixels / np.float32(largest or 1.0), images.labels)


def _split(images: Images, share: float, seed: int) -> tuple[Images, Images]:
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(images.labels))
    try:
        first, second = train_test_split(rows, test_size=share, random_state=seed, stratify=images.labels)
    except ValueError as error:
        labels, counts = np.unique(images.labels, return_counts=True)
        shown = ", ".join(f"{n} of label {label}" for label, n in zip(labels, counts, strict=True)) or "none"
        raise BadInput(
            f"too few images to train and to test: {shown}", hint="give at least 10 of each label"
        ) from error
    return (
        Images(images.pixels[first], images.labels[first]),
        Images(images.pixels[second], images.labels[second]),
    )


def _places(labels: Int[ndarray, "n"], classes: list[int]) -> Int[ndarray, "n"]:
    place = {label: i for i, label in enumerate(classes)}
    return np.array([place[label] for label in labels.tolist()], dtype=np.int64)
