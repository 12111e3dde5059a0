import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from tools import training
from tools.checkpoints import checkpoint_path, provenance_path
from tools.contract import BadInput, Desk, at_desk
from tools.training import BudgetTooSmall, Diverged, Hardware, batches, fit, load_or_train, seeded


def one_weight() -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model


def step_by_one(model: nn.Linear) -> float:
    with torch.no_grad():
        model.weight += 1
    return model.weight.item()


def test_the_weights_of_the_best_epoch_are_kept_and_patience_ends_the_search() -> None:
    model = one_weight()
    done = fit(model, lambda: step_by_one(model), epochs=100, score=lambda: -abs(model.weight.item() - 7), patience=3)
    assert (model.weight.item(), done.best_epoch, done.ended) == (7, 7, "patience")
    assert (done.loss[-1], len(done.loss), len(done.score)) == (10, 10, 10)


def test_without_a_score_the_last_weights_are_kept() -> None:
    model = one_weight()
    done = fit(model, lambda: step_by_one(model), epochs=5)
    assert (model.weight.item(), done.best_epoch, done.ended, done.score) == (5, 5, "epochs", [])


def test_an_epoch_that_would_end_too_late_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))  # an epoch takes 10 s
    monkeypatch.setattr(training, "perf_counter", lambda: float(next(clock)))
    model = one_weight()
    done = fit(model, lambda: step_by_one(model), epochs=100, seconds=35)
    assert (len(done.loss), done.ended) == (3, "time")


def test_a_budget_below_one_epoch_is_refused_with_one_that_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(training, "perf_counter", lambda: float(next(clock)))
    model = one_weight()
    with pytest.raises(BudgetTooSmall, match=r"one epoch took 10\.0 s, but only 5 s are allowed") as refused:
        fit(model, lambda: step_by_one(model), epochs=100, seconds=5)
    assert refused.value.hint.startswith("allow 50 s")


def test_a_loss_that_explodes_is_an_error_and_not_a_result() -> None:
    with pytest.raises(Diverged, match="the loss is nan after 1 epochs"):
        fit(one_weight(), lambda: math.nan, epochs=5)


def test_progress_rises_from_its_share_to_its_share() -> None:
    said: list[tuple[float, str]] = []
    model = one_weight()
    with at_desk(Desk(on_progress=lambda done, what: said.append((done, what)))):
        fit(model, lambda: step_by_one(model), epochs=4, share=(0.2, 0.6), what="net")
    assert [done for done, _ in said] == pytest.approx([0.3, 0.4, 0.5, 0.6])
    assert said[0][1].startswith("net: epoch 1 of 4, loss 1")


def test_a_seed_decides_all_numbers_and_leaves_the_callers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with seeded(1) as generator:
        first = nn.Linear(4, 4).weight, torch.rand(3, generator=generator)
    assert torch.rand(1) == expected
    with seeded(1) as generator:
        again = nn.Linear(4, 4).weight, torch.rand(3, generator=generator)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_batches_hold_every_number_once() -> None:
    parts = list(batches(10, 4, torch.Generator().manual_seed(0)))
    assert [len(part) for part in parts] == [4, 4, 2]
    assert sorted(torch.cat(parts).tolist()) == list(range(10))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="no CUDA"):
        Hardware.choose("cuda")
    assert Hardware.choose().device.type == "cpu"
    assert not Hardware.choose().mixed


def test_what_is_learned_once_is_found_again_bit_for_bit_with_its_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path))
    settings = {"seed": 4, "width": 3}

    def learn() -> tuple[nn.Linear, training.Learned]:
        model = nn.Linear(3, 2)

        def train() -> dict[str, float]:
            with torch.no_grad():
                model.weight.fill_(1 / 3)
            return {"accuracy": 0.5}

        return model, load_or_train("toy", settings, model, train)

    (first, new), (second, found) = learn(), learn()
    assert new.trained_now
    assert not found.trained_now
    assert new.story == found.story
    assert (found.story["accuracy"], found.story["settings"]) == (0.5, settings)
    assert found.story["made_with"]["torch"]
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_shipped_weights_are_found_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path / "maker"))
    model = nn.Linear(1, 1)
    load_or_train("toy", {"seed": 1}, model, lambda: {"by": "maker"})
    made = checkpoint_path("toy", {"seed": 1})
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path / "user"))
    other = nn.Linear(1, 1)
    learned = load_or_train("toy", {"seed": 1}, other, lambda: {"by": "user"}, shipped=made.parent)
    assert (learned.story["by"], learned.trained_now) == ("maker", False)
    assert torch.equal(model.weight, other.weight)
    assert json.loads(provenance_path(made).read_text())["tool"] == "toy"
