"""`backprose train` and `backprose network`: a network learns from a suite of one's own, stops, goes on, and tells its story."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from agents import Network, agent, graph, layer
from agents.backward import Ensemble
from agents.models import Scripted, names
from experiments.suites.planted_faults.model import simulated
from store import Store, get_run

Cli = Callable[..., Result]

SUITE = """
from experiments.suites.planted_faults.families import cases, planted
from experiments.suites.protocol import Item, Score
from experiments.suites.planted_faults.trade import facts_in

class Orders:
    name, licence, description = "orders", "CC0-1.0", "orders of the simulated trade"

    def items(self, split=None):
        if split == "test":
            raise AssertionError("a trainer read the test split")
        train, val, _ = cases(planted("wrong_prompt", 0), 0)
        return tuple(
            Item(c.id, c.id, s, c.task, c.expected, "total")
            for s, found in (("train", train), ("val", val)) if s == split for c in found
        )

    def check(self, item, answer):
        right = float(item.expected.split("= ")[1])
        return Score(float(abs(facts_in(answer.text).get("total", -1.0) - right) < 1e-6), "compared")

suite = Orders()
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a suite, a faulty network, and a model called `simulated`."""
    from experiments.suites.planted_faults.families import planted

    model = Scripted(simulated)
    plain = names.resolve
    monkeypatch.setattr("agents.models.gateway.resolve", lambda n: model if n == "simulated" else plain(n))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.py").write_text(SUITE)
    Network(planted("wrong_prompt", 0).faulty).save(tmp_path / "net.json")
    return tmp_path


TRAIN = ("train", "orders.py", "--network", "net.json", "--model", "simulated", "--train", "12", "--val", "15")


def test_a_network_is_trained_and_its_story_told(cli: Cli, work: Path) -> None:
    done = cli(*TRAIN, "--ensemble", "all.json", "--json")
    assert done.exit_code == 0, done.output
    assert Ensemble.load(work / "all.json").members[0].name == "best"
    told = json.loads(done.stdout)
    assert (told["before"], told["after"], told["status"]) == (0.0, 1.0, "answered")
    assert told["file"] == "orders-trained.json"
    assert Network.load(work / "orders-trained.json").hash == told["version"]
    assert "is to blame" in done.stderr
    assert "the best so far" in done.stderr

    listed = json.loads(cli("network", "list", "--json").stdout)
    assert listed[0]["version"] == told["version"]
    line = json.loads(cli("network", "lineage", told["version"][:8], "--json").stdout)
    assert line[-1]["parent"] is None
    assert line[0]["critique"]
    assert any("prompt" in change for change in line[0]["changes"])
    shown = cli("network", "lineage", told["version"][:8]).stdout
    assert "because of amount" in shown
    assert "became 'Multiply the quantity by the price.'" in shown

    diff = cli("network", "diff", "net.json", told["version"][:8]).stdout
    assert "layer amount, agent pricer: prompt" in diff
    assert cli("network", "diff", "net.json", "net.json").stdout == "no difference\n"
    cli("network", "export", told["version"][:8], "-o", "out.json")
    assert Network.load(work / "out.json").hash == told["version"]
    page = cli("network", "show", "out.json").stdout
    assert "layer settle, reads terms, amount" in page
    assert "pricer, hears counter: Multiply the quantity by the price." in page

    version = told["version"][:8]
    more = cli(
        "train", "orders.py", "--network", version, "--model", "simulated", "--train", "12", "--val", "15", "--json"
    )
    assert json.loads(more.stdout)["reason"] == "no training case is left that fails"


def test_a_spent_budget_ends_it_with_the_best_so_far_and_it_goes_on_with_more(cli: Cli, work: Path, place: str) -> None:
    done = cli(*TRAIN, "--budget-calls", "40", "--json")
    assert done.exit_code == 4
    told = json.loads(done.stdout)
    assert told["calls"] <= 40
    assert (work / told["file"]).exists()
    more = cli(
        "train",
        "orders.py",
        "--train",
        "12",
        "--val",
        "15",
        "--resume",
        told["run_id"],
        "--budget-calls",
        "5000",
        "--json",
    )
    assert more.exit_code == 0, more.output
    again = json.loads(more.stdout)
    assert again["after"] == 1.0
    with Store.open(place) as store:
        assert get_run(store, again["run_id"]).parent == told["run_id"]


def test_a_training_is_not_resumed_as_a_run_nor_with_other_cases(cli: Cli, work: Path) -> None:
    told = json.loads(cli(*TRAIN, "--budget-calls", "40", "--json").stdout)
    done = cli("runs", "resume", told["run_id"])
    assert done.exit_code == 1
    assert "is a training" in done.stderr
    other = cli("train", "orders.py", "--train", "11", "--val", "15", "--resume", told["run_id"])
    assert "was made with other cases" in other.stderr


@pytest.mark.parametrize("switch", ["momentum", "gate", "global", "backward", "structure"])
def test_every_part_has_a_switch(cli: Cli, work: Path, switch: str) -> None:
    done = cli(*TRAIN, "--steps", "1", f"--no-{switch}", "--json")
    assert done.exit_code == 0, done.output


def test_a_version_that_is_not_there_is_named(cli: Cli, place: str) -> None:
    done = cli("network", "show", "ffffffff")
    assert done.exit_code == 1
    assert "no version ffffffff" in done.stderr
    assert "there is no file none.json" in cli("network", "diff", "none.json", "none.json").stderr


def test_a_suite_that_is_not_there_is_bad_usage(cli: Cli, place: str, tmp_path: Path) -> None:
    Network(graph(layer("a", agent("a", "A")))).save(tmp_path / "n.json")
    done = cli("train", "gsm9k", "--network", str(tmp_path / "n.json"))
    assert done.exit_code == 2
    assert "did you mean gsm8k?" in done.stderr
