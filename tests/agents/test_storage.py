"""Storage grows linearly: a hundred agents that add two kilobytes each take less than half a megabyte on disk."""

import random
import string
from pathlib import Path

import pytest

from agents import GraphSpec, graph, layer
from agents.models import ModelRequest
from store import Store
from tests.agents.lab import Lab, speaker

WORDS = [
    "".join(random.Random(k).choices(string.ascii_lowercase, k=2 + k % 9)) for k in range(2000)
]  # as varied as a report


def essay(seed: str, size: int = 2048) -> str:
    dice, text = random.Random(seed), ""
    while len(text) < size:
        text += " ".join(dice.choices(WORDS, k=12)).capitalize() + ". "
    return text[:size].strip()


def chain_of_layers(n: int) -> GraphSpec:
    return graph(*[layer(f"l{k}", speaker(f"a{k}")) for k in range(n)])


def one_sequential_team(n: int) -> GraphSpec:
    return graph(layer("all", *[speaker(f"a{k}") for k in range(n)]))


def megabytes(folder: Path, network: GraphSpec) -> float:
    with Store.open(f"{folder}/runs.db") as store:
        lab = Lab(store)

        def write(request: ModelRequest) -> str:
            return essay(request.messages[0].content)

        lab.script = write
        assert lab.run(network).status == "answered"
        assert lab.model.calls == 100
        lab.runner.close()
    return sum(f.stat().st_size for f in folder.iterdir()) / 1e6


@pytest.mark.parametrize("network", [chain_of_layers, one_sequential_team])
def test_a_hundred_agents_that_add_two_kilobytes_take_less_than_half_a_megabyte(
    tmp_path: Path, network: object
) -> None:
    assert megabytes(tmp_path, network(100)) < 0.5


def test_twice_the_agents_take_twice_the_room(tmp_path: Path) -> None:
    sizes = []
    for n in (50, 100):
        folder = tmp_path / str(n)
        folder.mkdir()
        with Store.open(f"{folder}/runs.db") as store:
            lab = Lab(store)
            lab.script = lambda request: essay(request.messages[0].content)
            lab.run(chain_of_layers(n))
            lab.runner.close()
        sizes.append((folder / "runs.db").stat().st_size)
    assert sizes[1] < 2.1 * sizes[0]
