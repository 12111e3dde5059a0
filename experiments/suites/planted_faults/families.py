"""The families: a healthy network of the simulated trade, and one fault planted in it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from agents import AgentSpec, Answer, Example, GraphSpec, LayerSpec, agent, graph, layer
from agents.backward.edit import (
    AddAgent,
    AddExample,
    AddLayer,
    Edit,
    MergeLayers,
    RemoveEdge,
    RemoveLayer,
    Rewire,
    SetAggregator,
    SetFields,
    SetModel,
    SetParam,
    SetPrompt,
    SetRole,
    SetTools,
)
from agents.backward.rollout import Case
from agents.loss import checked
from agents.spec import AnswerField
from experiments.suites.planted_faults.trade import Order, facts_in, orders

TRAIN, VAL, TEST = 12, 15, 30  # cases

TERMS = "Find the discount of the customer: gold gives 8 percent, silver gives 5, plain gives 2."
COUNT = "Multiply the crates by the size."
PRICE = "Multiply the quantity by the price."
SETTLE = "Take the discount off the subtotal and round the result to cents."


@dataclass(frozen=True)
class Family:
    """A kind of fault.

    Attributes:
        healthy: The network as it should be.
        plant: The edits that break it.
        layer: The layer that is to blame; of a missing layer, one that it should stand beside.
        orders: What is special about the tasks.
    """

    name: str
    healthy: GraphSpec
    plant: tuple[Edit, ...]
    layer: str
    orders: dict[str, Any]

    @property
    def faulty(self) -> GraphSpec:
        spec = self.healthy
        for edit in self.plant:
            spec = edit.apply(spec)
        return spec


def cases(family: Family, seed: int, val: int = VAL) -> tuple[list[Case], list[Case], list[Case]]:
    """Cases to learn from, to decide, and to test on."""
    made = orders(TRAIN + val + TEST, seed, **family.orders)
    all_cases = [_case(order, k) for k, order in enumerate(made)]
    return all_cases[:TRAIN], all_cases[TRAIN : TRAIN + val], all_cases[TRAIN + val :]


def _case(order: Order, k: int) -> Case:
    right = order.truth()["total"]

    def check(task: str, answer: Answer) -> tuple[float, str]:
        said = facts_in(answer.text).get("total")
        if said is None:
            return 0.0, f"no total in {answer.text!r}"
        good = abs(said - right) < 1e-6
        return float(good), "right" if good else f"the total {said:.10g} is wrong"

    return Case(f"order-{k}-{order.number}", order.text, checked(check), f"total = {right:.10g}")


def _chain(amount: Sequence[AgentSpec], dice: random.Random, *more: LayerSpec) -> GraphSpec:
    """terms -> amount (agents in a chain) -> settle, which reads both."""
    names = [a.id for a in amount]
    return graph(
        layer("terms", agent("clerk", TERMS, role=dice.choice(("You are a clerk.", "You know the customers.")))),
        layer("amount", *amount, combine="majority", edges=tuple(pairwise(names))),
        layer("settle", agent("settler", SETTLE)).model_copy(update={"inputs": ("terms", "amount")}),
        *more,
    )


def _plain(dice: random.Random, **of_pricer: Any) -> GraphSpec:
    return _chain([agent("counter", COUNT), agent("pricer", PRICE, **of_pricer)], dice)


def _voters(*ways: str) -> tuple[AgentSpec, ...]:
    return tuple(agent(f"by-{way}", COUNT, role=f"You count by {way}.") for way in ways)


def _prompt(layer_id: str, agent_id: str, prompt: str) -> SetPrompt:
    return SetPrompt(layer=layer_id, agent=agent_id, prompt=prompt)


def _voting(dice: random.Random) -> GraphSpec:
    ways = ["pieces", "crates", "pallets"]
    dice.shuffle(ways)
    return graph(
        layer("terms", agent("clerk", TERMS)),
        layer("count", *_voters(*ways), combine="majority"),
        layer("amount", agent("pricer", PRICE)),
        layer("settle", agent("settler", SETTLE)).model_copy(update={"inputs": ("terms", "amount")}),
    )


def _wrong_prompt(dice: random.Random) -> Family:
    wrong = f"Multiply the quantity by the {dice.choice(('size', 'crates'))}."
    return Family("wrong_prompt", _plain(dice), (_prompt("amount", "pricer", wrong),), "amount", {})


def _vague_prompt(dice: random.Random) -> Family:
    vague = "Take the discount off the subtotal."
    return Family("vague_prompt", _plain(dice), (_prompt("settle", "settler", vague),), "settle", {})


def _missing_edge(dice: random.Random) -> Family:
    cut = RemoveEdge(layer="amount", source="counter", target="pricer")
    return Family("missing_edge", _plain(dice), (cut,), "amount", {})


def _missing_input(dice: random.Random) -> Family:
    return Family("missing_input", _plain(dice), (Rewire(layer="settle", inputs=("amount",)),), "settle", {})


def _wrong_combiner(dice: random.Random) -> Family:
    wrong = SetAggregator(layer="count", aggregator="best_of_n")
    return Family("wrong_combiner", _voting(dice), (wrong,), "count", {})


def _dead_agent(dice: random.Random) -> Family:
    dead = dice.choice((("amount", "pricer"), ("terms", "clerk")))
    cut_off = SetParam(layer=dead[0], agent=dead[1], name="max_tokens", value=2)
    return Family("dead_agent", _plain(dice), (cut_off,), dead[0], {})


def _missing_tool(dice: random.Random) -> Family:
    healthy = _tooled(dice)
    return Family(
        "missing_tool", healthy, (SetTools(layer="price", agent="pricer", tools=()),), "price", {"large": True}
    )


def _wrong_tool(dice: random.Random) -> Family:
    wrong = SetTools(layer="count", agent="counter", tools=("solve_dc_opf",))
    return Family("wrong_tool", _tooled(dice), (wrong,), "count", {"large": True})


def _tooled(dice: random.Random) -> GraphSpec:
    """Every multiplication of large numbers in a layer of its own, with the tool for it."""
    tools = ("calculate",)
    return graph(
        layer("terms", agent("clerk", TERMS)),
        layer("count", agent("counter", COUNT, tools=tools)),
        layer("price", agent("pricer", PRICE, tools=tools)),
        layer("net", agent("cutter", "Take the discount off the subtotal.", tools=tools)).model_copy(
            update={"inputs": ("terms", "price")}
        ),
        layer("settle", agent("settler", "Round the net to cents.")),
    )


def _wrong_order(dice: random.Random) -> Family:
    turned = Rewire(layer="amount", edges=(("pricer", "counter"),))
    return Family("wrong_order", _plain(dice), (turned,), "amount", {})


def _duplicate_agent(dice: random.Random) -> Family:
    healthy = _voting(dice)
    first = healthy.layers[1].teams[0].agents[0]
    twin = AddAgent(layer="count", spec=first.model_copy(update={"id": f"{first.id}-2"}), position=1)
    return Family("duplicate_agent", healthy, (twin,), "count", {})


def _missing_layer(dice: random.Random) -> Family:
    """Nobody rounds, and who could has two things to do already."""
    healthy = graph(
        layer("terms", agent("clerk", TERMS)),
        layer("count", agent("counter", COUNT)),
        layer("net", agent("cutter", f"{PRICE} Take the discount off the subtotal.")).model_copy(
            update={"inputs": ("terms", "count")}
        ),
        layer("settle", agent("settler", "Round the net to cents.")),
    )
    return Family("missing_layer", healthy, (RemoveLayer(layer="settle"),), "net", {})


def _harmful_layer(dice: random.Random) -> Family:
    polish = layer("polish", agent("polisher", "Round the total to euros, which reads more friendly."))
    friendly = AddLayer(layer="polish", spec=polish, position=3)
    return Family("harmful_layer", _plain(dice), (friendly,), "polish", {})


def _wrong_model(dice: random.Random) -> Family:
    where = dice.choice((("amount", "pricer"), ("terms", "clerk")))
    return Family("wrong_model", _plain(dice), (SetModel(layer=where[0], agent=where[1], model="tiny"),), where[0], {})


def _hot_agent(dice: random.Random) -> Family:
    where = dice.choice((("amount", "counter"), ("settle", "settler")))
    hot = SetParam(layer=where[0], agent=where[1], name="temperature", value=1.6)
    return Family("hot_agent", _plain(dice), (hot,), where[0], {})


def _overloaded_agent(dice: random.Random) -> Family:
    """Two layers of one agent each made one layer of an agent that has to do what both did."""
    healthy = graph(
        layer("terms", agent("clerk", TERMS)),
        layer("amount", agent("pricer", f"{COUNT} {PRICE}")),
        layer("settle", agent("settler", SETTLE)).model_copy(update={"inputs": ("terms", "amount")}),
    )
    whole = layer("settle", agent("settler", f"{COUNT} {PRICE} {SETTLE}")).model_copy(update={"inputs": ("terms",)})
    return Family(
        "overloaded_agent", healthy, (MergeLayers(layer="amount", second="settle", whole=whole),), "settle", {}
    )


def _missing_field(dice: random.Random) -> Family:
    field = AnswerField(name="price", meaning="the price that counts, in the words of the task")
    healthy = _plain(dice, fields=(field,))
    return Family(
        "missing_field",
        healthy,
        (SetFields(layer="amount", agent="pricer", fields=()),),
        "amount",
        {"two_prices": True},
    )


def _misleading_example(dice: random.Random) -> Family:
    order = orders(1, dice.randrange(10**6))[0]
    wrong = Example(task=order.text, turn=f'"total = {round(order.truth()["total"])}"', origin="handbook")
    shown = AddExample(layer="settle", agent="settler", example=wrong)
    return Family("misleading_example", _plain(dice), (shown,), "settle", {})


def _wrong_role(dice: random.Random) -> Family:
    where = dice.choice((("amount", "counter"), ("settle", "settler")))
    poet = SetRole(layer=where[0], agent=where[1], role="You are a poet.")
    return Family("wrong_role", _plain(dice), (poet,), where[0], {})


FAMILIES: dict[str, Callable[[random.Random], Family]] = {
    make.__name__.removeprefix("_"): make
    for make in (
        _wrong_prompt,
        _vague_prompt,
        _missing_edge,
        _missing_input,
        _wrong_combiner,
        _dead_agent,
        _missing_tool,
        _wrong_tool,
        _wrong_order,
        _duplicate_agent,
        _missing_layer,
        _harmful_layer,
        _wrong_model,
        _hot_agent,
        _overloaded_agent,
        _missing_field,
        _misleading_example,
        _wrong_role,
    )
}


def museums(seed: int, *, mixed: bool = True) -> Family:
    """No fault, but two kinds of customers, which no single prompt can serve; without `mixed` there is one kind."""
    healthy = _missing_layer(random.Random(seed)).healthy
    return Family("museums", healthy, (), "settle", {"museums": mixed})


def planted(name: str, seed: int) -> Family:
    """A family's network for one seed."""
    return FAMILIES[name](random.Random(f"{name}/{seed}"))
