"""A network is one object: made by hand in five lines, planned, saved, loaded, watched, used inside LangGraph."""

import asyncio
import json
from pathlib import Path
from typing import TypedDict

import pytest

from agents import Answer, Brief, Network, RunOptions, SpecError, agent, function, layer
from agents.models import Scripted, ServerError
from store import Store
from store.events import Event, RunFinished
from tests.agents.lab import Cast, Lab

MODEL = RunOptions(model="scripted")


def scripted(**parts: object) -> dict[str, Scripted]:
    return {"scripted": Scripted(Cast(parts))}


def test_a_network_is_made_by_hand_in_five_lines(store: Store) -> None:
    network = Network.of(
        layer("draft", agent("poet", "You are a poet."), agent("critic", "You are a critic.")),
        layer("say", agent("editor", "You are an editor.")),
        store=store, providers=scripted(poet="roses", critic="red roses", editor="Roses are red."),
    )  # fmt: skip
    assert str(network.run("Write a line.", MODEL)) == "Roses are red."


def test_a_python_function_is_an_agent_plain_or_awaited(store: Store) -> None:
    @function("shout")
    def shout(brief: Brief) -> str:
        return brief.inputs[-1][1].text.upper() if brief.inputs else brief.task

    @function("sum")
    async def add(brief: Brief) -> Answer:
        await asyncio.sleep(0)
        return Answer(text=f"{brief.inputs[-1][1].text} from {brief.inputs[-1][0]}, part {brief.goal}")

    network = Network.of(
        layer("one", agent("a", "", function="shout")),
        layer("two", agent("b", "", function="shout")),
        layer("three", agent("c", "", function="sum"), goal="last"),
        store=store,
    )
    assert str(network.run("hello", MODEL)) == "HELLO from two, part last"


def test_layers_may_be_called_like_parts_of_the_state(store: Store) -> None:
    @function("echo")
    def echo(brief: Brief) -> str:
        return brief.task

    network = Network.of(
        *(layer(i, agent("a", "", function="echo")) for i in ("task", "outputs", "answer")), store=store
    )
    assert str(network.run("hello", MODEL)) == "hello"


def test_a_saved_network_loads_as_it_was(store: Store, tmp_path: Path) -> None:
    network = Network.of(layer("say", agent("a", "Löse es.", temperature=0.5)), name="small")
    network.save(tmp_path / "net.json")
    loaded = Network.load(tmp_path / "net.json", store=store, providers=scripted(Löse="ja"))
    assert (loaded.spec, loaded.hash) == (network.spec, network.hash)
    assert str(loaded.run("?", MODEL)) == "ja"
    assert "max_tokens" not in (tmp_path / "net.json").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "holds no network: Invalid JSON"),
        ("{}", "holds no network: graph: layers: Field required"),
        (
            '{"layers": [{"id": "x", "teams": [{"agents": [{"id": "a"}]}]}]}',
            "layer x: team: agent a: prompt: Field required",
        ),
    ],
)
def test_a_file_that_holds_no_network_says_why(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "net.json").write_text(text)
    with pytest.raises(SpecError, match=says):
        Network.load(tmp_path / "net.json")


def test_a_network_is_planned_from_a_task(store: Store) -> None:
    plan = {"asked": "why", "subtasks": [{"goal": "say why", "role": "reason"}]}
    providers = scripted(**{"You plan": json.dumps(plan), "careful": "Because."})
    network = Network.from_task("Why?", model="scripted", store=store, providers=providers)
    assert [x.id for x in network.spec.layers] == ["1-reason"]
    assert str(network.run("Why?", MODEL)) == "Because."
    with pytest.raises(ServerError, match="down"):
        Network.from_task("Else?", model="scripted", store=store, providers=scripted(You=ServerError("down")))


def test_a_run_can_be_watched(lab: Lab) -> None:
    seen: list[tuple[str, Event]] = []
    network = Network.of(layer("say", agent("a", "You.")), store=lab.store, providers=scripted(You="hi"))
    run = network.run("?", MODEL, watch=lambda key, event: seen.append((key, event)))
    assert dict(seen) == lab.events(run)
    assert isinstance(seen[-1][1], RunFinished)


def test_a_network_is_a_node_of_another_langgraph_program(store: Store) -> None:
    from langgraph.graph import END, START, StateGraph

    class Order(TypedDict, total=False):
        dish: str
        task: str
        answer: str
        run_id: str
        status: str
        bill: str

    network = Network.of(layer("cook", agent("cook", "You cook.")), store=store, providers=scripted(cook="soup, 3 EUR"))
    program = StateGraph(Order)
    program.add_node("ask", lambda state: {"task": f"Cook {state['dish']}"})
    program.add_node("kitchen", network.as_langgraph(MODEL))
    program.add_node("pay", lambda state: {"bill": state["answer"].split(", ")[1]})
    for source, target in ((START, "ask"), ("ask", "kitchen"), ("kitchen", "pay"), ("pay", END)):
        program.add_edge(source, target)
    end = asyncio.run(program.compile().ainvoke({"dish": "soup"}))
    assert (end["bill"], end["status"], end["task"]) == ("3 EUR", "answered", "Cook soup")
    assert store.replay_run(end["run_id"])
