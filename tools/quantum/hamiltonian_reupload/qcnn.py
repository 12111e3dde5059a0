"""The quantum convolutional network that the classifier is compared with: amplitude embedding, convolve, pool, decide.

Source: M. C. Caro et al., Generalization in quantum machine learning from few training data, Nature Communications 13, 4919
(2022), in the form that arXiv 2407.14055 compares with.
Differs from it: the last dense unitary is exp(i sum_p w_p P_p) and not a product of Pauli rotations; it reaches the same set.
"""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from tools.quantum.hamiltonian_reupload.model import paulis, unitary

_ISING = [4, 9, 14]  # XX, YY, ZZ among the two-qubit Pauli strings without the identity


class Qcnn(nn.Module):
    """Probabilities of the last wires' states after stages of convolution and pooling, and a dense unitary.

    A stage applies one two-qubit gate (15 weights) to all neighbours, then measures every second wire and turns the one before
    it by a U3 (3 weights) if the outcome was 1. The measured wires are kept and traced out at the end, which is the same.

    Args:
        qubits: Of the classifier compared with; a 2^qubits square image needs twice as many here.
        classes: Wires are pooled as long as 3 remain and their states number at least the classes.
        generator: Draws the weights, uniform in an angle's full turn.
    """

    dense_generators: Tensor
    pair_generators: Tensor

    def __init__(
        self, qubits: int, classes: int, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self.classes = classes
        self.wires = [2 * qubits]
        least = max(3, math.ceil(math.log2(classes)))
        while (left := (self.wires[-1] + 1) // 2) >= least:
            self.wires.append(left)
        self.register_buffer("pair_generators", paulis(2)[_ISING], persistent=False)
        self.register_buffer("dense_generators", paulis(self.wires[-1]), persistent=False)

        def angles(*shape: int) -> nn.Parameter:
            return nn.Parameter(2 * math.pi * torch.rand(shape, dtype=dtype, generator=generator))

        self.stages = angles(len(self.wires) - 1, 18)
        self.dense = angles(len(self.dense_generators))

    def forward(self, images: Float[Tensor, "n pixels"]) -> Float[Tensor, "n classes"]:
        """Probabilities of the classes' states for flattened images of 4^qubits pixels, none of them all black."""
        state = (images / images.norm(dim=1, keepdim=True)).to(self.dense.dtype.to_complex())
        state = state.unsqueeze(1)  # (image, outcomes of the wires measured so far, states of the wires left)
        for stage, wires in enumerate(self.wires[:-1]):
            state = self._convolve(state, self.stages[stage, :15], wires, first=stage == 0)
            state = self._pool(state, self.stages[stage, 15:], wires)
        state = state @ unitary(self.dense, self.dense_generators).T
        outcomes: Tensor = state.abs().square().sum(1)
        return outcomes[:, : self.classes]

    def _convolve(self, state: Tensor, w: Tensor, wires: int, *, first: bool) -> Tensor:
        ising = unitary(-w[6:9] / 2, self.pair_generators)
        gate = torch.kron(u3(w[9:12]), u3(w[12:15])) @ ising
        even = gate @ torch.kron(u3(w[0:3]), u3(w[3:6])) if not first else gate
        state = _on_pairs(state, even, 0, wires)
        return _on_pairs(state, gate, 1, wires)

    def _pool(self, state: Tensor, w: Tensor, wires: int) -> Tensor:
        """Turn each even wire by what its odd neighbour is, and move the odd wires to those that are measured."""
        zero, one = torch.diag(w.new_tensor([1.0, 0.0])), torch.diag(w.new_tensor([0.0, 1.0]))
        eye = torch.eye(2, dtype=w.dtype, device=w.device)
        state = _on_pairs(state, torch.kron(eye, zero) + torch.kron(u3(w), one), 0, wires)
        n, measured, _ = state.shape
        split = state.reshape(n, measured, *[2] * wires)
        order = [0, 1, *range(3, wires + 2, 2), *range(2, wires + 2, 2)]
        return split.permute(order).reshape(n, measured * 2 ** (wires // 2), -1)


def u3(w: Float[Tensor, "3"]) -> Complex[Tensor, "2 2"]:
    """The general one-qubit gate in its usual angles (theta, phi, delta)."""
    theta, phi, delta = w
    i = torch.tensor(1j, dtype=w.dtype.to_complex(), device=w.device)
    cos, sin = torch.cos(theta / 2), torch.sin(theta / 2)
    rows = [cos + 0 * i, -torch.exp(i * delta) * sin, torch.exp(i * phi) * sin, torch.exp(i * (phi + delta)) * cos]
    return torch.stack(rows).reshape(2, 2)


def _on_pairs(state: Tensor, gate: Tensor, first: int, wires: int) -> Tensor:
    """A two-qubit gate on wires (first, first + 1), (first + 2, first + 3), ...

    The leading wires are acted on and moved to the end, block by block, until all wires have come round. A block of two pairs
    makes one larger product out of two small ones.
    """
    gate = gate.to(state.dtype)
    pairs = (wires - first) // 2
    shape = state.shape
    blocks = [torch.eye(2**first, dtype=state.dtype, device=state.device)] if first else []
    blocks += [torch.kron(gate, gate)] * (pairs // 2) + [gate] * (pairs % 2)
    if rest := wires - first - 2 * pairs:
        blocks.append(torch.eye(2**rest, dtype=state.dtype, device=state.device))
    flat = state.reshape(shape[0] * shape[1], -1)
    for block in blocks:
        leading = flat.reshape(len(flat), len(block), -1).mT
        flat = (leading @ block.T).reshape(len(flat), -1)
    return flat.reshape(shape)
