"""A re-uploading classifier whose layers evolve a few qubits under the image itself, taken as a Hamiltonian.

Source: P. Wang, C. R. Myers, L. C. L. Hollenberg, U. Parampalli, Quantum Hamiltonian Embedding of Images for Data Reuploading
Classifiers, arXiv 2407.14055 (2024), with the authors' public notebooks.
Differs from it: each Hamiltonian is diagonalised once, H = Q diag(e) Q^T, so that a layer is two real products with Q and one
product with the shared block, for a whole batch; the paper multiplies out every exp(-iHt/2) again. The result is the same.
"""

import math
from functools import reduce
from typing import Literal

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor, nn

Block = Literal["su_full", "brickwork"]
READ_OUT_QUBITS = 4  # at most; the fifth qubit of a 32 x 32 image is traced out


def hamiltonian(images: Float[Tensor, "n side side"]) -> Float[Tensor, "n dim dim"]:
    """Square images, zero-padded to the next power of two, as real symmetric matrices (M + M^T) / 2.

    An image and its transpose give the same matrix, so no classifier of these can tell them apart.
    """
    side = images.shape[-1]
    missing = 2 ** qubits_for(side) - side
    before = missing // 2
    padded = nn.functional.pad(images, (before, missing - before, before, missing - before))
    return (padded + padded.mT) / 2


def qubits_for(side: int) -> int:
    """Qubits whose states number at least `side`."""
    return max(1, math.ceil(math.log2(side)))


def eigen(matrices: Float[Tensor, "n dim dim"]) -> "Spectra":
    """Energies and eigenvectors of a batch of symmetric matrices, to all digits of their type."""
    energies, modes = torch.linalg.eigh(matrices.double())
    return Spectra(energies.to(matrices.dtype), modes.to(matrices.dtype))


class Spectra:
    """Diagonalised Hamiltonians: matrix = modes @ diag(energies) @ modes^T."""

    def __init__(self, energies: Float[Tensor, "n dim"], modes: Float[Tensor, "n dim dim"]) -> None:
        self.energies = energies
        self.modes = modes

    def __len__(self) -> int:
        return len(self.energies)

    def __getitem__(self, rows: Int[Tensor, "k"] | slice) -> "Spectra":
        return Spectra(self.energies[rows], self.modes[rows])

    def to(self, device: torch.device) -> "Spectra":
        return Spectra(self.energies.to(device), self.modes.to(device))

    def evolve(self, state: Complex[Tensor, "n dim"], time: Float[Tensor, ""]) -> Complex[Tensor, "n dim"]:
        """exp(-i H time / 2) on each image's state. Time is in radian per unit of energy, which is a pixel's."""
        in_modes = _real_times(self.modes.mT, state)
        turned = in_modes * torch.exp(torch.complex(torch.zeros_like(self.energies), -self.energies * time / 2))
        return _real_times(self.modes, turned)


def _real_times(matrices: Float[Tensor, "n dim dim"], state: Complex[Tensor, "n dim"]) -> Complex[Tensor, "n dim"]:
    """Real matrices on complex vectors, without the half of a complex product that is zero."""
    return torch.view_as_complex(torch.bmm(matrices, torch.view_as_real(state)).contiguous())


def paulis(qubits: int) -> Complex[Tensor, "strings dim dim"]:
    """All Pauli strings on these qubits but the identity, 4^qubits - 1 of them, in double precision."""
    single = torch.tensor(
        [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=torch.complex128
    )
    strings = single
    for _ in range(qubits - 1):
        strings = torch.stack([torch.kron(a, b) for a in strings for b in single])
    return strings[1:]


def unitary(weights: Float[Tensor, "*layers strings"], generators: Complex[Tensor, "strings dim dim"]) -> Tensor:
    """exp(i sum_p w_p P_p), for each layer, in the precision of the weights.

    Built from the weights each time, it stays unitary through any training. The exponential is taken in double precision: a
    thousand weights of size 1 make an exponent so large that single precision would lose the norm's fifth digit.
    """
    dim = generators.shape[-1]
    exponent = weights.to(generators.dtype) @ generators.reshape(len(generators), -1)
    exact = torch.matrix_exp(1j * exponent.reshape(*weights.shape[:-1], dim, dim))
    return exact.to(weights.dtype.to_complex())


class ReuploadClassifier(nn.Module):
    """|psi> = prod_l V(w_l) exp(-i H t_l / 2) |+>; the class is the computational state that the first qubits are found in.

    Args:
        qubits: The images are 2^qubits on a side.
        layers: How often the image enters.
        classes: At most 2^min(qubits, 4).
        block: `su_full` is any special unitary on all qubits, 4^qubits - 1 weights a layer; `brickwork` is a row of two-qubit
            ones on neighbours, first from even then from odd qubits, 15 weights each.
        time_scale: Standard deviation of the initial times [radian per pixel unit]; that of the weights is 1.
        generator: Draws both.
    """

    generators: Tensor

    def __init__(
        self,
        qubits: int,
        layers: int,
        classes: int,
        block: Block,
        *,
        generator: torch.Generator,
        time_scale: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.qubits, self.classes, self.block = qubits, classes, block
        self.read_out = min(qubits, READ_OUT_QUBITS)
        self.pairs = [] if block == "su_full" else [*range(0, qubits - 1, 2), *range(1, qubits - 1, 2)]
        self.register_buffer("generators", paulis(2 if self.pairs else qubits), persistent=False)
        gates = (len(self.pairs),) if self.pairs else ()
        shape = (layers, *gates, len(self.generators))
        self.weights = nn.Parameter(torch.randn(shape, dtype=dtype, generator=generator))
        self.times = nn.Parameter(time_scale * torch.randn(layers, dtype=dtype, generator=generator))

    def forward(self, images: Spectra) -> Float[Tensor, "n classes"]:
        """Probabilities of the classes' states. They need not add up to 1: the other states have some."""
        return self.probabilities(self.states(images)[-1])[:, : self.classes]

    def states(self, images: Spectra) -> list[Complex[Tensor, "n dim"]]:
        """The state after each layer."""
        dim = 2**self.qubits
        complex_dtype = self.times.dtype.to_complex()
        state = torch.full((len(images), dim), dim**-0.5, dtype=complex_dtype, device=self.times.device)
        after = []
        for time, block in zip(self.times, self.blocks(), strict=True):
            state = images.evolve(state, time) @ block.T
            after.append(state)
        return after

    def blocks(self) -> Complex[Tensor, "layers dim dim"]:
        """The trained unitaries V."""
        gates = unitary(self.weights, self.generators)
        if not self.pairs:
            return gates
        one = gates.new_tensor([[1.0]])
        eye = torch.eye(2**self.qubits, dtype=gates.dtype, device=gates.device)
        rows = []
        for layer in gates:
            placed = (
                reduce(torch.kron, [_identity(first, one), gate, _identity(self.qubits - first - 2, one)])
                for first, gate in zip(self.pairs, layer, strict=True)
            )
            rows.append(reduce(lambda product, gate: gate @ product, placed, eye))
        return torch.stack(rows)

    def probabilities(self, state: Complex[Tensor, "n dim"]) -> Float[Tensor, "n outcomes"]:
        """Of the outcomes when the first qubits are measured, the others being traced out."""
        return state.abs().square().reshape(len(state), 2**self.read_out, -1).sum(-1)


def _identity(qubits: int, like: Tensor) -> Tensor:
    return torch.eye(2**qubits, dtype=like.dtype, device=like.device)


def loss(probabilities: Float[Tensor, "n classes"], labels: Int[Tensor, "n"]) -> Float[Tensor, ""]:
    """Softmax cross-entropy with the probabilities themselves as logits, as in the paper.

    It cannot fall below log(1 + (classes - 1) / e), which is 1.274 for 8 classes.
    """
    return nn.functional.cross_entropy(probabilities, labels)


def cnots(qubits: int, layers: int) -> int:
    """CNOT gates that one image costs on hardware: two dense unitaries a layer.

    Source: V. V. Shende, S. S. Bullock, I. L. Markov, Synthesis of quantum logic circuits, IEEE TCAD 25(6), 2006: at most
    23/48 4^n - 3/2 2^n + 4/3 CNOTs for a unitary on n qubits.
    """
    dense: float = 23 / 48 * 4**qubits - 3 / 2 * 2**qubits + 4 / 3
    return 2 * layers * max(0, int(dense + 0.5))
