"""The simulated agent: a model whose accuracy depends on what it is told, shown, given and hears, and on nothing else.

This is a simulation, not a language model. It reads the request that a real agent's model would get, and knows no more. Its
assumptions:

- It does what its instructions name, at most two operations of them (a small model loses the thread), in the order of the work.
- A fact that an operation needs and nobody told it, it guesses, and says so.
- Mental arithmetic beyond four digits slips; with the tool `calculate` it does not. With tools that do not fit it gives up.
- With two prices in a task it takes the first, unless it fills a field before it answers.
- A way of counting (by pieces, crates, pallets) miscounts one kind of goods.
- A poet's role, a temperature above 1, or the model called `tiny` spoil part of its answers.
- A demonstration that shows whole euros is imitated.

Every accident is drawn from a hash of the request, so equal requests have equal replies, and a healthy agent makes no mistake.
"""

import json
import random
import re
from collections.abc import Iterable

from agents.models import ModelRequest
from experiments.suites.planted_faults.trade import CUSTOMERS, METHODS, OPERATIONS, Order, facts_in, read_order, say

MOST_OPERATIONS = 2
MENTAL = 10_000  # results from here on need a tool
POET, HOT, TINY = 0.6, 0.6, 0.6  # share of answers spoilt
INSTRUCTIONS = {  # words of an instruction -> the operation it asks for
    "discount": r"find the discount",
    "quantity": r"multiply the crates by the size",
    "subtotal": r"multiply the quantity by the (?P<by>price|size|crates)",
    "net": r"take the discount off",
    "total": r"round .*?(?P<to>cents|euros)",
}


def operations_in(prompt: str) -> list[tuple[str, str]]:
    """The operations that a prompt asks for, in the order of the work, each with what it says of how."""
    found = []
    for name, words in INSTRUCTIONS.items():
        if m := re.search(words, prompt.lower()):
            found.append((name, next(iter(m.groupdict().values()), "") or ""))
    return found


def work(request: ModelRequest) -> str:
    """The agent's reply."""
    dice = random.Random(request.key())
    system = request.messages[0].content
    heard = [m.content for m in request.messages if m.role == "user" and m.content.startswith("From ")]
    order = read_order(request.messages[-1].content)
    if order is None:
        return "I cannot find an order in the task."
    schema = json.dumps(request.answer_schema or {})
    if '"calls"' in schema:
        return _with_tools(system, heard, order, schema)
    answer = _in_words(request, system, heard, order, thinks='"answer"' in schema, dice=dice)
    if not request.answer_schema:
        return answer
    fields = [name for name in request.answer_schema["properties"] if name != "answer"]
    return json.dumps({**dict.fromkeys(fields, f"{order.price:.2f} EUR"), "answer": answer})


def _in_words(
    request: ModelRequest, system: str, heard: Iterable[str], order: Order, *, thinks: bool, dice: random.Random
) -> str:
    if "poet" in system.lower() and dice.random() < POET:
        return "O crates that travel through the night, your sum is hidden from my sight."
    known = told(heard)
    price = order.price if thinks or order.list_price is None else order.list_price
    asked = operations_in(system)
    said: dict[str, float] = {}
    remarks: list[str] = []
    for name, how in asked[:MOST_OPERATIONS]:
        for need in OPERATIONS[name]:
            if need not in known:
                remarks.append(f"(nobody told me the {need}, I guessed)")
                known[need] = {"quantity": float(order.crates), "discount": 0.0}.get(need, float(order.size))
        value = _compute(name, how, known, order, price, system)
        spoilt = (request.temperature > 1 and dice.random() < HOT) or (request.model == "tiny" and dice.random() < TINY)
        if spoilt or (name not in ("discount", "total") and value >= MENTAL):
            value = _slipped(value, dice)
        if name == "total" and _imitates_euros(request):
            value = float(round(value))
        known[name] = said[name] = value
    if len(asked) > MOST_OPERATIONS:
        remarks.append("(that was a lot, I left out the rest)")
    if not asked:
        remarks.append("(I was not told what to work out)")
    return " ".join(part for part in (say(said), *remarks) if part)


def _compute(name: str, how: str, known: dict[str, float], order: Order, price: float, system: str) -> float:
    match name:
        case "discount":
            rule = re.search(rf"{order.customer} gives (\d+)", system)
            return float(rule[1]) if rule else 0.0
        case "quantity":
            blind = next((kind for way, kind in METHODS.items() if f"by {way}" in system.lower()), "")
            return float(order.crates * order.size) - (order.size if blind == order.kind else 0)
        case "subtotal":
            by = {"price": price, "size": order.size, "crates": order.crates}[how]
            return round(known["quantity"] * by, 6)
        case "net":
            return round(known["subtotal"] * (1 - known["discount"] / 100), 6)
        case _:
            return round(known["net"] + 1e-9, 2 if how == "cents" else 0)


def _slipped(value: float, dice: random.Random) -> float:
    """The value with two neighbouring digits changed."""
    step = 10.0 ** max(len(str(int(abs(value)))) - 2, 0)
    return round(value + dice.choice((-1, 1)) * dice.randint(1, 9) * step, 6)


def _imitates_euros(request: ModelRequest) -> bool:
    shown = " ".join(m.content for m in request.messages if m.role == "assistant")
    return bool(re.search(r"total = \d+(?![\d.])", shown))


def told(heard: Iterable[str]) -> dict[str, float]:
    """Facts told by others: as they state them, and as their tool calls show them."""
    known: dict[str, float] = {}
    for text in heard:
        known |= facts_in(text)
        for m in re.finditer(r'calculate \{"expression":"([^"]+)"\} gave .*?"text":"(-?[\d.,e+]+)', text):
            known[_fact_of(m[1])] = float(m[2].replace(",", ""))
    return known


def _fact_of(expression: str) -> str:
    """What a product of the trade stands for: a discount, a price in cents, or a count."""
    if "/ 100" in expression:
        return "net"
    return "subtotal" if re.search(r"\d\.\d\d$", expression) else "quantity"


def _with_tools(system: str, heard: Iterable[str], order: Order, schema: str) -> str:
    """A turn of an agent with tools: one exact calculation, or a refusal where no tool fits."""
    asked = operations_in(system)
    if '"calculate"' not in schema:
        return json.dumps({"refusal": "none of my tools can multiply the amounts of an order"})
    known = told(heard)
    name, how = asked[0] if asked else ("", "")
    quantity = known.get("quantity", float(order.crates))
    expression = {
        "quantity": f"{order.crates} * {order.size}",
        "subtotal": f"{quantity:.10g} * "
        + {"price": f"{order.price:.2f}", "size": f"{order.size}", "crates": f"{order.crates}"}.get(how, "1"),
        "net": f"{known.get('subtotal', 0.0):.10g} * (1 - {known.get('discount', 0.0):g} / 100)",
    }.get(name)
    if expression is None:
        return json.dumps({"refusal": "I was not told what to calculate"})
    call = {"name": "a", "tool": "calculate", "arguments": {"expression": expression}}
    return json.dumps({"calls": [call], "answers": ["a.value"]})


assert set(INSTRUCTIONS) == set(OPERATIONS)
assert all(f"{name} gives" for name in CUSTOMERS)
