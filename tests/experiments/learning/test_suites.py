"""The study of real suites, on a small one and the simulated model: trained against untrained, baselines, GEPA; resumable."""

import argparse
import asyncio
import json
from pathlib import Path

import pytest

from agents import Network
from agents.models import Scripted
from experiments.learning import suites
from experiments.suites.planted_faults.families import planted
from experiments.suites.planted_faults.model import simulated
from store import Store

SUITE = """
from experiments.suites.planted_faults.families import cases, planted
from experiments.suites.protocol import Item, Score
from experiments.suites.planted_faults.trade import facts_in

class Orders:
    name, licence, description = "orders", "CC0-1.0", "orders of the simulated trade"

    def items(self, split=None):
        found = dict(zip(("train", "val", "test"), cases(planted("wrong_prompt", 0), 0)))
        return tuple(
            Item(c.id, c.id, s, c.task, c.expected, "total") for s in found if split in (s, None) for c in found[s]
        )

    def check(self, item, answer):
        right = float(item.expected.split("= ")[1])
        return Score(float(abs(facts_in(answer.text).get("total", -1.0) - right) < 1e-6), "compared")

suite = Orders()
"""


def test_training_is_compared_on_the_sealed_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Scripted(simulated)
    monkeypatch.setattr("agents.models.gateway.resolve", lambda name: model)
    monkeypatch.setattr("experiments.evaluate.resolve", lambda name: model)
    (tmp_path / "orders.py").write_text(SUITE)
    Network(planted("wrong_prompt", 0).faulty).save(tmp_path / "start.json")
    args = argparse.Namespace(
        suite=str(tmp_path / "orders.py"),
        system=str(tmp_path / "start.json"),
        methods="ours,gepa",
        model="simulated",
        critic="",
        train=12,
        val=15,
        test=12,
        tokens=200_000,
        steps=6,
        batch=4,
        readings=3,
        failures=3,
        parallel=4,
        seed=0,
        tool=[],
        folder=tmp_path / "trained",
    )
    with Store.open(f"{tmp_path}/runs.db") as store:
        asyncio.run(suites.study(args, store))
        said = capsys.readouterr().out
        asked = model.calls
        asyncio.run(suites.study(args, store))  # what is done is not done again
    assert model.calls == asked
    assert capsys.readouterr().out == said
    told = json.loads((tmp_path / "trained" / "orders.json").read_text())
    score = {e["label"]: e["score"]["estimate"] for e in told["entries"]}
    assert score["orders-ours"] == 1.0
    assert score["orders-untrained"] == score["one_call"] == 0.0
    assert any(name.startswith("self_consistency@") for name in score)
    assert "orders-ours" in told["verdicts"]
