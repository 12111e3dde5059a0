"""The simulated trade: orders whose total is worked out in steps, and what each step needs and gives."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

KINDS = ("fragile", "bulky", "urgent")
METHODS = {"pieces": "fragile", "crates": "bulky", "pallets": "urgent"}  # way of counting -> goods it miscounts
CUSTOMERS = {"gold": 8, "silver": 5, "plain": 2}  # discount [%]
OPERATIONS = {  # what an instruction may ask for -> the facts it needs
    "discount": (),
    "quantity": (),
    "subtotal": ("quantity",),
    "net": ("subtotal", "discount"),
    "total": ("net",),
}
"""In the order of the work. `total` is `net` in whole cents."""


@dataclass(frozen=True)
class Order:
    """One task. Prices are in EUR; with a `list_price` the order names two prices, and the second one counts.

    A museum is billed in whole euros, everybody else to the cent.
    """

    number: int
    crates: int
    size: int
    price: float
    customer: str
    kind: str
    list_price: float | None = None
    museum: bool = False

    @property
    def text(self) -> str:
        price = f"at {self.price:.2f} EUR each"
        if self.list_price is not None:
            price = f"list price {self.list_price:.2f} EUR, agreed price {self.price:.2f} EUR each"
        return (
            f"Order {self.number}: {self.crates} crates of {self.size} parts, {self.kind} goods, {price}, "
            f"for a {self.customer} customer{', a museum' if self.museum else ''}. What is the total?"
        )

    def truth(self) -> dict[str, float]:
        """Every fact of the order, worked out."""
        quantity = float(self.crates * self.size)
        subtotal = round(quantity * self.price, 6)
        discount = float(CUSTOMERS[self.customer])
        net = round(subtotal * (1 - discount / 100), 6)
        return {
            "discount": discount,
            "quantity": quantity,
            "subtotal": subtotal,
            "net": net,
            "total": float(round(net)) if self.museum else cents(net),
        }


def cents(value: float) -> float:
    return round(value + 1e-9, 2)


def orders(n: int, seed: int, *, large: bool = False, two_prices: bool = False, museums: bool = False) -> list[Order]:
    """Orders of all kinds in turn. `large` ones are too hard for mental arithmetic; with `museums` every second is one's."""
    dice = random.Random(f"orders/{seed}/{large}/{two_prices}")
    made = []
    for k in range(n):
        price = dice.randint(111, 999) / 100
        made.append(
            Order(
                number=dice.randint(10_000, 99_999),
                crates=dice.randint(113, 987) if large else dice.randint(3, 19),
                size=dice.randint(13, 97) if large else dice.randint(3, 19),
                price=price,
                customer=dice.choice(tuple(CUSTOMERS)),
                kind=KINDS[k % len(KINDS)],
                list_price=round(price + dice.randint(50, 400) / 100, 2) if two_prices and k % 2 else None,
                museum=museums and dice.random() < 0.5,
            )
        )
    return made


def read_order(text: str) -> Order | None:
    """The order that a text holds."""
    m = re.search(
        r"Order (\d+): (\d+) crates of (\d+) parts, (\w+) goods, "
        r"(?:at ([\d.]+) EUR each|list price ([\d.]+) EUR, agreed price ([\d.]+) EUR each), for a (\w+) customer(, a museum)?",
        text,
    )
    if not m:
        return None
    price, listed = (float(m[5]), None) if m[5] else (float(m[7]), float(m[6]))
    return Order(int(m[1]), int(m[2]), int(m[3]), price, m[8], m[4], listed, bool(m[9]))


def facts_in(text: str) -> dict[str, float]:
    """Facts as agents state them: `quantity = 288`; the last word on each counts."""
    return {m[1]: float(m[2]) for m in re.finditer(rf"\b({'|'.join(OPERATIONS)}) = (-?\d+(?:\.\d+)?)", text)}


def say(facts: Mapping[str, float]) -> str:
    return "; ".join(f"{name} = {value:.10g}" for name, value in facts.items())
