"""The backward pass of one step: from failed rollouts to edits of the layer that is most to blame.

    G_global  = global critic(S, tau)
    l         = the layer with the largest share of the blame
    G_l       = beta * G_global + (1 - beta) * local critic(l, f_l, tau)
    M_l       = alpha * G_l + (1 - alpha) * M_l
    edits     = editor(the eta heaviest items of M_l)

One layer a step keeps credit assignable. Source: Ma et al., "Agentic Neural Networks", arXiv 2506.09046.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pydantic import Field

from agents.backward.critic import View, blame_of, global_critic, local_critic
from agents.backward.edit import OF_TEXT, Edit, find_layer
from agents.backward.editor import OPERATIONS, Means, editor
from agents.backward.gradient import Items, add, mix, momentum, scale, step
from agents.backward.rollout import Bench, Rollout
from agents.context import Context
from agents.spec import GraphSpec, Spec

SEEDS_APART = 10_000
DOUBT = 0.5  # a layer whose edits were refused is believed to be at fault half as much, each time


class Rates(Spec):
    """The hyper-parameters of a step.

    Attributes:
        beta: Share of the global gradient. At 0 there is no global view: layers take turns.
        alpha: Share of the newest gradient in the running average; 1 is no momentum.
        eta: Trust region: the share of a layer's items a step acts on, and of a prompt's words it may change.
        readings: How often the global critic looks, each time anew; the global gradient is the mean of what it says.
        failures: Failed cases that critics look at, at most; with a slow model, fewer are quicker.
        backward: Whether critics are asked at all; without them the editor tries what it likes, layer by layer.
        critic: Model of critics and editor; empty is the run's model.
    """

    beta: float = 0.5
    alpha: float = 0.7
    eta: float = 0.5
    readings: int = Field(3, ge=1)
    failures: int = Field(6, ge=1)
    backward: bool = True
    critic: str = ""


@dataclass(frozen=True)
class Scene:
    """What a proposer sees of a step. Everything random comes from `dice`."""

    number: int
    graph: GraphSpec
    rollouts: Sequence[Rollout]  # of the minibatch, at least one of them failed
    means: Means
    structure: bool  # whether anything but texts may change now
    target: float  # score of a success
    bench: Bench
    ctx: Context
    dice: random.Random

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(op for op in OPERATIONS if self.structure or op in OF_TEXT)


@dataclass
class Proposed:
    """What a proposer made of a step; it is filled as far as it came."""

    layer: str = ""
    blame: Mapping[str, float] = field(default_factory=dict)
    gradient: Items = ()
    edits: tuple[Edit, ...] = ()


class Proposer(Protocol):
    """Makes edits of what it sees. Textual backpropagation is one; rivals of it are others."""

    async def propose(self, scene: Scene, made: Proposed) -> None:
        """Fill in `made`. Raises `CannotEdit`, `SpecError` or `ModelError`; what was filled in before is kept."""
        ...

    def note(self, made: Proposed, accepted: bool, words: str) -> None:
        """Hear what became of a proposal: whether it was kept, and the edits and the reason in words."""
        ...


class Backpropagation:
    """Textual backpropagation: critics, momentum and editor."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self._average: defaultdict[str, Items] = defaultdict(tuple)  # M_l by layer
        self._refusals: defaultdict[str, int] = defaultdict(int)  # in a row, by layer
        self._refused: list[str] = []

    async def propose(self, scene: Scene, made: Proposed) -> None:
        rates, ctx = self.rates, scene.ctx
        at = f"step/{scene.number}"
        if rates.backward:
            view = await View.of(scene.bench, scene.rollouts, scene.target, rates.failures)
            of_whole = await self._of_whole(view, scene, at) if rates.beta > 0 else ()
            made.blame = blame_of(view, of_whole) if rates.beta > 0 else self._in_turn(scene)
            made.layer = self._most_blamed(made.blame)
            layer = find_layer(scene.graph, made.layer)
            own = tuple(i for i in of_whole if i.target.partition("/")[0] == layer.id)
            of_layer = await local_critic(view, layer, scene.operations, ctx, rates.critic, f"{at}/local")
            gradient = mix(own, of_layer, rates.beta)
            self._average[layer.id] = momentum(self._average[layer.id], gradient, rates.alpha)
            allowed = tuple(i for i in self._average[layer.id] if i.kind in scene.operations)
            made.gradient = step(allowed, rates.eta)
        else:
            made.blame = self._in_turn(scene)
            made.layer = self._most_blamed(made.blame)
        made.edits = await editor(
            scene.graph,
            find_layer(scene.graph, made.layer),
            made.gradient,
            scene.means,
            self._refused,
            scene.operations,
            ctx,
            rates.critic,
            f"{at}/editor",
        )

    async def _of_whole(self, view: View, scene: Scene, at: str) -> Items:
        """G_global, as the mean of several readings: one look of a small model is often wrong, many are less often."""
        n, model = self.rates.readings, self.rates.critic
        looks = [replace(scene.ctx, seed=scene.ctx.seed + SEEDS_APART * k) for k in range(n)]
        said = await asyncio.gather(
            *(global_critic(view, scene.operations, c, model, f"{at}/global/{k}") for k, c in enumerate(looks))
        )
        return scale(add(*said), 1 / n)

    def note(self, made: Proposed, accepted: bool, words: str) -> None:
        if accepted:
            self._average[made.layer] = ()  # what it asked for is done
            self._refusals.clear()
        else:
            self._refused.append(words)
            self._refusals[made.layer] += 1
            acted_on = set(made.gradient)
            self._average[made.layer] = tuple(i.times(DOUBT) if i in acted_on else i for i in self._average[made.layer])

    def _most_blamed(self, blame: Mapping[str, float]) -> str:
        return max(blame, key=lambda layer: blame[layer] * DOUBT ** self._refusals[layer])

    @staticmethod
    def _in_turn(scene: Scene) -> dict[str, float]:
        layers = [layer.id for layer in scene.graph.layers]
        return {layer: float(k == scene.number % len(layers)) for k, layer in enumerate(layers)}
