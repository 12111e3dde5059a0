"""The gradient: critiques as weighted items, mixed from a global and a local view, averaged over steps, walked back once.

    G_l,t     = beta * G_global + (1 - beta) * G_local(l, f_l, tau)
    M_l,t     = alpha * G_l,t + (1 - alpha) * M_l,t-1
    theta_l   = theta_l - eta * M_l,t

Texts cannot be added, so the sums run over the weights of items that say the same of the same target. A step takes the share
eta of the heaviest items. Everything here is pure.

Source: Ma et al., "Agentic Neural Networks", arXiv 2506.09046. Differs from it: the momentum term is the running average, where
the paper's notation has the previous raw gradient, so that a complaint that recurs outranks a one-off.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agents.spec import Spec

ALIKE = 0.6  # Jaccard similarity of the words of two items that say the same
FADED = 0.15  # an item lighter than this is forgotten
KEPT = 8  # items a layer remembers


class GradientItem(Spec):
    """One thing to change.

    Attributes:
        target: What is to change: `layer`, or `layer/agent`.
        kind: How: the name of an edit operation.
        text: Why, in words.
        evidence: Keys of the events that show it.
        weight: How much it matters, at least 0.
    """

    target: str
    kind: str
    text: str
    evidence: tuple[str, ...] = ()
    weight: float = 1.0

    def times(self, factor: float) -> "GradientItem":
        return self.model_copy(update={"weight": factor * self.weight})

    def like(self, other: "GradientItem") -> bool:
        """Whether both say the same of the same target."""
        same_place = (self.target, self.kind) == (other.target, other.kind)
        return same_place and jaccard(self.text, other.text) >= ALIKE


Items = tuple[GradientItem, ...]


def jaccard(one: str, other: str) -> float:
    """Shared words over all words of two texts, 0 to 1; two empty texts are alike."""
    a, b = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 1.0


def add(*gradients: Iterable[GradientItem]) -> Items:
    """The sum of gradients, heaviest first: items that say the same become one, and their weights add up."""
    total: list[GradientItem] = []
    for item in (i for gradient in gradients for i in gradient if i.weight > 0):
        k = next((k for k, known in enumerate(total) if known.like(item)), None)
        if k is None:
            total.append(item)
        else:
            known = total[k]
            evidence = tuple(dict.fromkeys((*known.evidence, *item.evidence)))
            total[k] = known.model_copy(update={"weight": known.weight + item.weight, "evidence": evidence})
    return tuple(sorted(total, key=lambda i: -i.weight))


def scale(gradient: Iterable[GradientItem], factor: float) -> Items:
    return tuple(item.times(factor) for item in gradient)


def mix(from_global: Iterable[GradientItem], from_local: Iterable[GradientItem], beta: float) -> Items:
    """The gradient of one layer: the share `beta` of what the whole asks of it, the rest what it asks of itself."""
    return add(scale(from_global, beta), scale(from_local, 1 - beta))


def momentum(before: Iterable[GradientItem], now: Iterable[GradientItem], alpha: float) -> Items:
    """The running average with the share `alpha` of what is new. What is said no more fades until it is forgotten."""
    averaged = add(scale(now, alpha), scale(before, 1 - alpha))  # the words are the newest
    return tuple(item for item in averaged if item.weight >= FADED)[:KEPT]


def step(gradient: Sequence[GradientItem], eta: float) -> Items:
    """The heaviest items, as many as the trust region lets through: the share `eta` of them, rounded up."""
    return tuple(sorted(gradient, key=lambda i: -i.weight)[: math.ceil(eta * len(gradient))])


# One reverse walk, as in a network of numbers


@dataclass(eq=False)
class Node:
    """A place of the forward pass: what it heard, what it said, and how much of the loss is laid at its door.

    Attributes:
        name: `layer` for what a layer combined, `layer/agent` for an agent.
        parents: The nodes it heard.
        said: What it said, in words; None where it failed.
        rule: Its derivative: the share of the blame it received that it passes to each parent.
        score: How good what it said is as an answer to the task, 0 to 1; None where nobody can tell.
        evidence: Key of the event that shows what it said.
        took: A combiner's: the agents whose answers it took.
        why: Why it failed, where it did.
        received: The blame that reached it.
        blame: What of it stays with it.
    """

    name: str
    parents: tuple["Node", ...]
    said: str | None
    rule: "Callable[[Node], tuple[float, ...]]"
    score: float | None = None
    evidence: str = ""
    took: tuple[str, ...] = ()
    why: str = ""
    received: float = 0.0
    blame: float = 0.0


def backward(end: Node, loss: float) -> list[Node]:
    """Lay the loss at the last node's door and walk back once; return the nodes, last first, each with its blame.

    Blame is conserved: what stays with the nodes adds up to the loss.
    """
    order = _reversed(end)
    for node in order:
        node.received = 0.0
    end.received = loss
    for node in order:
        passed = node.rule(node)
        for parent, share in zip(node.parents, passed, strict=True):
            parent.received += share * node.received
        node.blame = (1 - sum(passed)) * node.received
    return order


def of_agent(node: Node) -> tuple[float, ...]:
    """The local rule of an agent.

    One that failed, or that heard a better answer than it gave, keeps all blame. One that heard nothing better passes half on,
    for it could build on nothing better.
    """
    if not node.parents or node.said is None or _heard_better(node):
        return (0.0,) * len(node.parents)
    return (0.5 / len(node.parents),) * len(node.parents)


def of_combiner(node: Node) -> tuple[float, ...]:
    """The local rule of a combiner: it answers for a better answer that it did not take; else those who failed, or were taken."""
    if not node.parents or _heard_better(node):
        return (0.0,) * len(node.parents)
    liable = [p for p in node.parents if p.said is None]
    liable = liable or [p for p in node.parents if p.name.rpartition("/")[2] in node.took] or list(node.parents)
    return tuple(1 / len(liable) if p in liable else 0.0 for p in node.parents)


def _heard_better(node: Node) -> bool:
    return any((p.score or 0.0) > (node.score or 0.0) for p in node.parents)


def _reversed(end: Node) -> list[Node]:
    """All nodes that lead to the end, each before the ones it heard."""
    order: list[Node] = []
    seen: set[int] = set()

    def visit(node: Node) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(end)
    return order[::-1]
