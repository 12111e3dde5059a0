import math

import pennylane as qml
import pytest
import torch
from jaxtyping import Complex
from torch import Tensor

from tools.quantum.hamiltonian_reupload.model import (
    Block,
    ReuploadClassifier,
    Spectra,
    eigen,
    hamiltonian,
    loss,
    paulis,
    unitary,
)
from tools.quantum.hamiltonian_reupload.qcnn import Qcnn, u3

CIRCUITS = pytest.mark.parametrize(
    ("qubits", "block"), [(5, "su_full"), (3, "su_full"), (3, "brickwork"), (5, "brickwork"), (1, "su_full")]
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model_of(qubits: int, block: Block, dtype: torch.dtype = torch.float64, layers: int = 4) -> ReuploadClassifier:
    return ReuploadClassifier(qubits, layers, min(8, 2**qubits), block, generator=generator(qubits), dtype=dtype)


def matrices_for(qubits: int, dtype: torch.dtype = torch.float64, n: int = 6) -> Tensor:
    return hamiltonian(torch.rand(n, 2**qubits, 2**qubits, dtype=dtype, generator=generator(9)))


def states_by_pennylane(model: ReuploadClassifier, matrices: Tensor) -> Complex[Tensor, "n dim"]:
    wires = range(model.qubits)

    @qml.qnode(qml.device("default.qubit", wires=model.qubits), interface="torch")
    def circuit(matrix: Tensor) -> object:
        for wire in wires:
            qml.Hadamard(wire)
        for time, weights in zip(model.times.detach(), model.weights.detach(), strict=True):
            qml.QubitUnitary(torch.matrix_exp(-0.5j * matrix * time), wires=wires)
            if model.block == "su_full":
                qml.QubitUnitary(unitary(weights, paulis(model.qubits)), wires=wires)
                continue
            for first, gate in zip(model.pairs, weights, strict=True):
                qml.QubitUnitary(unitary(gate, paulis(2)), wires=[first, first + 1])
        return qml.state()

    return torch.stack([torch.as_tensor(circuit(matrix)) for matrix in matrices])


@CIRCUITS
def test_the_state_is_that_of_pennylanes_own_device(qubits: int, block: Block) -> None:
    model, matrices = model_of(qubits, block), matrices_for(qubits)
    ours = model.states(eigen(matrices))[-1].detach()
    assert (ours - states_by_pennylane(model, matrices)).abs().max() < 1e-10


def test_single_precision_keeps_five_digits_of_the_state_and_of_its_norm() -> None:
    exact, single = (model_of(5, "su_full", dtype, layers=10) for dtype in (torch.float64, torch.float32))
    with torch.no_grad():
        single.weights.copy_(exact.weights)
        single.times.copy_(exact.times)
    matrices = matrices_for(5, torch.float32)
    state = single.states(eigen(matrices))[-1].detach()
    rounded = model_of(5, "su_full", layers=10)
    rounded.load_state_dict({name: value.double() for name, value in single.state_dict().items()})
    assert (state - rounded.states(eigen(matrices.double()))[-1].detach()).abs().max() < 1e-5
    assert (state.abs().square().sum(1) - 1).abs().max() < 1e-5


def test_the_gradient_of_each_time_is_that_of_central_differences() -> None:
    model, spectra, labels = model_of(3, "brickwork"), eigen(matrices_for(3)), torch.arange(6)
    loss(model(spectra), labels).backward()
    assert model.times.grad is not None
    step = 1e-5
    for layer, gradient in enumerate(model.times.grad.tolist()):
        ends = []
        for sign in (1, -1):
            moved = model_of(3, "brickwork")
            with torch.no_grad():
                moved.times[layer] += sign * step
            ends.append(loss(moved(spectra), labels).item())
        assert gradient == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


@CIRCUITS
def test_every_weight_but_no_constant_is_reached_by_a_gradient(qubits: int, block: Block) -> None:
    model = model_of(qubits, block)
    loss(model(eigen(matrices_for(qubits))), torch.zeros(6, dtype=torch.int64)).backward()
    for parameter in (model.weights, model.times):
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    assert (model.times.grad != 0).all()  # type: ignore[union-attr]
    assert (model.weights.grad != 0).double().mean() > 0.9  # type: ignore[union-attr]


def test_evolving_twice_is_evolving_longer_and_keeps_the_energy() -> None:
    matrices = matrices_for(4)
    spectra = eigen(matrices)
    state = torch.randn(6, 16, dtype=torch.complex128, generator=generator(3))
    times = torch.tensor([0.7, 1.9], dtype=torch.float64)
    twice = spectra.evolve(spectra.evolve(state, times[0]), times[1])
    assert torch.allclose(twice, spectra.evolve(state, times.sum()), atol=1e-12)

    def energy(psi: Tensor) -> Tensor:
        return torch.einsum("ni,nij,nj->n", psi.conj(), matrices.to(psi.dtype), psi).real

    assert torch.allclose(energy(twice), energy(state), atol=1e-10)


def test_an_image_and_its_transpose_are_one_hamiltonian() -> None:
    images = torch.rand(5, 28, 28, generator=generator())
    assert torch.equal(hamiltonian(images), hamiltonian(images.mT))


def test_small_images_are_padded_evenly_to_a_power_of_two() -> None:
    padded = hamiltonian(torch.ones(1, 28, 28))
    assert padded.shape == (1, 32, 32)
    assert padded.sum() == 28 * 28
    assert padded[0, 2:30, 2:30].sum() == 28 * 28


def test_without_evolution_all_images_look_alike() -> None:
    model = model_of(3, "su_full")
    with torch.no_grad():
        model.times.zero_()
    probabilities = model(eigen(matrices_for(3)))
    assert torch.allclose(probabilities, probabilities[:1].expand_as(probabilities), atol=1e-12)


@pytest.mark.parametrize(
    ("qubits", "layers", "block", "parameters"),
    [(5, 10, "su_full", 10 * 1024), (5, 20, "su_full", 20 * 1024), (3, 15, "brickwork", 465), (5, 2, "brickwork", 122)],
)
def test_the_paper_counts_these_parameters(qubits: int, layers: int, block: Block, parameters: int) -> None:
    assert sum(p.numel() for p in model_of(qubits, block, layers=layers).parameters()) == parameters


def test_the_loss_of_perfect_certainty_is_the_floor_that_the_paper_names() -> None:
    certain = torch.eye(8, dtype=torch.float64)
    assert loss(certain, torch.arange(8)).item() == pytest.approx(math.log(1 + 7 / math.e), rel=1e-12)
    assert loss(certain, torch.arange(8)).item() == pytest.approx(1.274, abs=5e-4)


def test_the_read_out_traces_out_the_fifth_qubit() -> None:
    model = model_of(5, "su_full")
    state = torch.zeros(1, 32, dtype=torch.complex128)
    state[0, 2 * 6], state[0, 2 * 6 + 1] = 0.6, 0.8j
    assert model.probabilities(state)[0, 6] == pytest.approx(1.0)


def test_a_seed_decides_the_weights() -> None:
    assert torch.equal(model_of(3, "su_full").weights, model_of(3, "su_full").weights)
    other = ReuploadClassifier(3, 4, 8, "su_full", generator=generator(77), dtype=torch.float64)
    assert not torch.equal(model_of(3, "su_full").weights, other.weights)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_and_cpu_agree_to_1e_5() -> None:
    model, spectra = model_of(5, "su_full", torch.float32, layers=10), eigen(matrices_for(5, torch.float32))
    here = model(spectra).detach()
    there = model.cuda()(Spectra(spectra.energies.cuda(), spectra.modes.cuda())).detach().cpu()
    assert (here - there).abs().max() < 1e-5


def test_u3_is_pennylanes() -> None:
    w = torch.tensor([0.3, -1.1, 2.0], dtype=torch.float64)
    assert torch.allclose(u3(w), torch.as_tensor(qml.matrix(qml.U3(*w.tolist(), wires=0))), atol=1e-14)


@pytest.mark.parametrize("qubits", [3, 5])
def test_the_qcnn_is_pennylanes_with_measurements_and_conditioned_gates(qubits: int) -> None:
    model = Qcnn(qubits, 8, generator=generator(qubits), dtype=torch.float64)
    images = torch.rand(2, 4**qubits, dtype=torch.float64, generator=generator(1))
    assert [2 * qubits, *model.wires[1:]] == {3: [6, 3], 5: [10, 5, 3]}[qubits]

    @qml.qnode(qml.device("default.qubit"), interface="torch")
    def circuit(image: Tensor) -> object:
        wires = list(range(2 * qubits))
        qml.AmplitudeEmbedding(image, wires=wires, normalize=True)
        for stage, w in enumerate(model.stages.detach()):
            for start in (0, 1):
                for a, b in zip(wires[start::2], wires[start + 1 :: 2], strict=False):
                    if start == 0 and stage > 0:
                        qml.U3(*w[0:3], wires=a)
                        qml.U3(*w[3:6], wires=b)
                    qml.IsingXX(w[6], wires=[a, b])
                    qml.IsingYY(w[7], wires=[a, b])
                    qml.IsingZZ(w[8], wires=[a, b])
                    qml.U3(*w[9:12], wires=a)
                    qml.U3(*w[12:15], wires=b)
            for a, b in zip(wires[::2], wires[1::2], strict=False):
                qml.ctrl(qml.U3, control=b)(*w[15:18], wires=a)  # a measured control acts alike
            wires = wires[::2]
        qml.QubitUnitary(unitary(model.dense.detach(), paulis(len(wires))), wires=wires)
        return qml.probs(wires=wires)

    theirs = torch.stack([torch.as_tensor(circuit(image)) for image in images])
    assert (model(images).detach() - theirs).abs().max() < 1e-10


def test_the_qcnn_of_the_paper_has_99_weights() -> None:
    assert sum(p.numel() for p in Qcnn(5, 8, generator=generator()).parameters()) == 99


def test_the_qcnn_keeps_wires_enough_for_ten_classes() -> None:
    model = Qcnn(5, 10, generator=generator())
    assert model(torch.rand(3, 1024, generator=generator())).shape == (3, 10)
