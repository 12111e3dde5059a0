import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tools import datasets
from tools.check import check_arguments
from tools.contract import BadInput, ToolError
from tools.datasets import DatasetNotInstalled, Images
from tools.perform import perform
from tools.quantum.hamiltonian_reupload.data import Task, task
from tools.quantum.hamiltonian_reupload.learn import (
    Plan,
    classifier,
    confusion,
    mlp_accuracy,
    predict_test,
    qcnn_accuracy,
    train,
)
from tools.quantum.hamiltonian_reupload.tool import (
    ImageNotSquare,
    NonFinitePixels,
    QubitLimit,
    ReuploadInput,
    ReuploadOutput,
    TooManyClasses,
    TrainHamiltonianReupload,
)
from tools.training import BudgetTooSmall

SHORT = Plan(layers=5, epochs=6, batch=64, learning_rate=0.05)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def some_digits() -> Task:
    return task("digits", [0, 1, 2, 3], 0)


def call(**arguments: Any) -> ReuploadOutput:
    output, _, files = perform(TrainHamiltonianReupload, check(**arguments), lambda done, what: None)
    assert files
    return ReuploadOutput.model_validate(output)


def check(**arguments: Any) -> ReuploadInput:
    checked = check_arguments(TrainHamiltonianReupload, arguments)
    assert isinstance(checked, ReuploadInput)
    return checked


def accuracy(data: Task, plan: Plan) -> float:
    model = classifier(data.train.pixels.shape[1], len(data.classes), plan)
    train(model, data, plan)
    return float((predict_test(model, data) == data.test.targets).mean())


def test_it_learns_and_without_true_labels_it_does_not(some_digits: Task) -> None:
    assert accuracy(some_digits, SHORT) > 0.9
    order = np.random.default_rng(0)
    shuffled = replace(
        some_digits,
        train=replace(some_digits.train, targets=order.permutation(some_digits.train.targets)),
        validation=replace(some_digits.validation, targets=order.permutation(some_digits.validation.targets)),
    )
    assert accuracy(shuffled, SHORT) < 0.5  # four classes


def test_the_loss_falls_and_the_same_seed_trains_the_same_weights(some_digits: Task) -> None:
    def trained(seed: int) -> tuple[torch.Tensor, list[float]]:
        plan = replace(SHORT, seed=seed, epochs=3)
        model = classifier(8, 4, plan)
        training = train(model, some_digits, plan)
        return model.weights.detach(), training.loss

    (first, losses), (again, _), (other, _) = trained(1), trained(1), trained(2)
    assert losses == sorted(losses, reverse=True)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_transposed_test_images_are_classified_alike(some_digits: Task) -> None:
    plan = replace(SHORT, epochs=2)
    model = classifier(8, 4, plan)
    train(model, some_digits, plan)
    turned = replace(some_digits, test=replace(some_digits.test, pixels=some_digits.test.pixels.swapaxes(1, 2).copy()))
    assert np.array_equal(predict_test(model, some_digits), predict_test(model, turned))


def test_the_parts_share_no_image_and_hold_all_classes_alike() -> None:
    data = task("digits", None, 3)
    parts = [data.train, data.validation, data.test]
    assert sum(len(part.targets) for part in parts) == 1443
    everything = np.concatenate([part.pixels.reshape(len(part.targets), -1) for part in parts])
    assert len(np.unique(everything, axis=0)) == len(np.unique(datasets.digits().only(list(range(8))).pixels, axis=0))
    for part in parts:
        shares = np.bincount(part.targets, minlength=8) / len(part.targets)
        assert shares == pytest.approx(np.full(8, 1 / 8), abs=0.02)


def test_the_targets_are_places_in_the_list_of_classes() -> None:
    data = task("digits", [7, 2], 0)
    originals = datasets.digits()
    where = {image.tobytes(): label for image, label in zip(originals.pixels, originals.labels.tolist(), strict=True)}
    found = [where[image.tobytes()] for image in data.test.pixels]
    assert [data.classes[place] for place in data.test.targets] == found


def test_the_baselines_are_trained_too(some_digits: Task) -> None:
    assert min(qcnn_accuracy(some_digits, 0, steps=60)) > 0.6
    right, parameters = mlp_accuracy(some_digits, 500, 0)
    assert right > 0.9
    assert parameters == pytest.approx(500, rel=0.1)


def test_the_confusion_matrix_counts() -> None:
    assert confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2) == [[1, 1], [0, 1]]


def test_an_output_agrees_with_itself_and_is_found_again() -> None:
    arguments = {"classes": [0, 4, 6], "layers": 2, "epochs": 2, "baselines": ["qcnn", "logistic", "nearest", "mlp"]}
    out = call(**arguments)
    table = np.array(out.confusion)
    assert table.sum() == out.test_images
    assert out.test_accuracy == pytest.approx(table.trace() / table.sum())
    assert out.test_accuracy_low < out.test_accuracy < out.test_accuracy_high
    assert out.recalls == pytest.approx((table.diagonal() / table.sum(1)).tolist())
    assert out.best_class == out.classes[int(np.argmax(out.recalls))]
    assert len(out.times) == 2
    assert len(out.loss) == out.epochs_run == 2
    assert out.parameters == 128
    assert None not in (out.qcnn_accuracy, out.logistic_accuracy, out.nearest_accuracy, out.mlp_accuracy)
    assert call(**arguments) == out  # to the last digit, timings included: it was not trained again


def test_the_weights_tell_how_they_came_about(tmp_path: Path) -> None:
    checked = check(classes=[0, 1], layers=1, epochs=1, baselines=[])
    output, _, files = perform(TrainHamiltonianReupload, checked, lambda done, what: None)
    place = tmp_path / "weights.safetensors"
    place.write_bytes(files[output["weights"]["sha256"]])
    with safe_open(place, "pt") as opened:
        told = json.loads(opened.metadata()["settings"])
        assert set(opened.keys()) == {"weights", "times"}
        assert opened.get_tensor("times").tolist() == pytest.approx(output["times"])
    assert told["data"]["classes"] == [0, 1]
    assert "(M + M^T) / 2" in told["data"]["pixels"]
    assert len(told["data"]["sha256"]) == 64


def crosses_and_frames(n: int = 60) -> tuple[list[Any], list[int]]:
    noise = np.random.default_rng(0).uniform(0, 40, (n, 5, 5))
    cross, frame = np.eye(5) + np.fliplr(np.eye(5)), np.pad(np.zeros((3, 3)), 1, constant_values=1)
    labels = [9 if i % 2 else 4 for i in range(n)]
    images = noise + 200 * np.stack([frame if label == 9 else cross for label in labels])
    return images.tolist(), labels


def test_own_images_of_any_scale_are_learned() -> None:
    images, labels = crosses_and_frames()
    out = call(dataset="array", images=images, labels=labels, layers=3, epochs=15, batch=16, baselines=["nearest"])
    assert out.classes == [4, 9]
    assert out.qubits == 3
    assert out.test_accuracy > 0.9


def refused(kind: type[ToolError], words: str, **arguments: Any) -> None:
    with pytest.raises(kind, match=words) as error:
        call(**arguments)
    assert error.value.hint or kind is BadInput


def test_bad_images_are_refused_by_name_before_any_work() -> None:
    images, labels = crosses_and_frames()
    own: dict[str, Any] = {"dataset": "array", "labels": labels}
    refused(ImageNotSquare, r"images\[1\] is not 5 x 5", **own, images=[images[0], images[1][:4], *images[2:]])
    spoiled = json.loads(json.dumps(images))
    spoiled[2][0][0] = float("nan")
    refused(NonFinitePixels, r"images\[2\] has a pixel", **own, images=spoiled)
    refused(BadInput, "60 images have 59 labels", dataset="array", images=images, labels=labels[:-1])
    refused(BadInput, "images and labels go together", images=images, labels=labels)
    refused(QubitLimit, "65 x 65 pixels need 7 qubits", **own, images=np.zeros((60, 65, 65)).tolist())
    refused(QubitLimit, "block su_full is limited to 5 qubits", **own, images=np.zeros((60, 33, 33)).tolist())


def test_too_many_and_unknown_classes_are_refused() -> None:
    refused(TooManyClasses, "10 classes are wanted, but 3 qubits tell at most 8 apart", classes=list(range(10)))
    refused(BadInput, "no image has the label 12", classes=[3, 12])
    refused(BadInput, "must all be different", classes=[3, 3])
    images, _ = crosses_and_frames()
    refused(BadInput, "only one class", dataset="array", images=images, labels=[1] * 60)
    refused(BadInput, "too few images", dataset="array", images=images, labels=[1, *[2] * 59])


def test_a_budget_below_one_epoch_is_refused(some_digits: Task) -> None:
    plan = replace(SHORT, seconds=1e-6)
    with pytest.raises(BudgetTooSmall, match="one epoch took"):
        train(classifier(8, 4, plan), some_digits, plan)


def test_fashion_that_is_missing_or_damaged_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "_FASHION_HOME", tmp_path / "nowhere")
    monkeypatch.setenv("BACKPROSE_DATA", str(tmp_path))
    with pytest.raises(DatasetNotInstalled) as missing:
        datasets.fashion()
    assert "dataset-fashion-mnist" in missing.value.hint
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no images")
    with pytest.raises(DatasetNotInstalled, match="is not the file of Fashion-MNIST"):
        datasets.fashion()


def test_fashion_is_whole() -> None:
    if not datasets.fashion_is_here():
        pytest.skip("Fashion-MNIST is not here: apt-get install dataset-fashion-mnist")
    training, test = datasets.fashion()
    assert np.bincount(training.labels).tolist() == [6000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert training.pixels.shape == (60000, 28, 28)
    assert (training.pixels.min(), training.pixels.max()) == (0, 1)


def test_mnist5k_has_500_of_each_digit() -> None:
    images: Images = datasets.mnist5k()
    assert np.bincount(images.labels).tolist() == [500] * 10
    assert images.pixels.shape == (5000, 28, 28)
    assert images.pixels.max() == 1


@pytest.mark.parametrize(
    ("said", "labels"), [("0 to 3", [0, 1, 2, 3]), ("2, 5 and 7", [2, 5, 7]), ("3 and 12", [3, 12]), ([1, 2], [1, 2])]
)
def test_labels_may_be_said_in_words(said: object, labels: list[int]) -> None:
    assert ReuploadInput.model_validate({"classes": said}).classes == labels


@pytest.mark.parametrize("said", ["the round ones", "2.5 and 7", "-3 to 4", "7"])
def test_other_words_are_no_labels(said: str) -> None:
    with pytest.raises(BadInput):
        check_arguments(TrainHamiltonianReupload, {"classes": said})
