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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pydantic import Field

from agents.backward.critic import View, blame_of, global_critic, local_critic
from agents.backward.edit import OF_TEXT, Edit, edits_to_json
from agents.backward.editor import OPERATIONS, CannotEdit, Means, editor
from agents.backward.gate import in_words
from agents.backward.gradient import Items, add, mix, momentum, scale, step
from agents.backward.parts import find_layer
from agents.backward.playbook import moves
from agents.backward.rollout import Bench, Rollout
from agents.context import Context
from agents.spec import GraphSpec, LayerSpec, Spec, SpecError

SEEDS_APART = 10_000
PATIENCE = 2  # refusals in a row before the playbook is opened
DOUBT = 0.75  # what an edit's refusal leaves of the belief that its layer is at fault, and of the critique behind it
ATTEMPTS = 2  # of the editor in a step


class Rates(Spec):
    """The hyper-parameters of a step.

    Attributes:
        beta: Share of the global gradient. At 0 there is no global view: layers take turns.
        alpha: Share of the newest gradient in the running average; 1 is no momentum.
        eta: Trust region: the share of a layer's items a step acts on, and of a prompt's words it may change.
        readings: How often the global critic looks, each time anew; the global gradient is the mean of what it says.
        failures: Failed cases that critics look at, at most; with a slow model, fewer are quicker.
        backward: Whether critics are asked at all; without them the editor tries what it likes, layer by layer.
        playbook: Whether moves that are known to help in general are tried where a layer's edits were refused twice in a row.
        critic: Model of critics and editor; empty is the run's model.
    """

    beta: float = 0.5
    alpha: float = 0.7
    eta: float = 0.5
    readings: int = Field(3, ge=1)
    failures: int = Field(6, ge=1)
    backward: bool = True
    playbook: bool = True
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
    refuses: Callable[[Sequence[Edit]], str]  # why edits would be refused without a run; empty if they would not

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
        self._played: set[str] = set()

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
        layer = find_layer(scene.graph, made.layer)
        made.edits = self._known_move(scene, layer) or await self._edited(scene, layer, made.gradient, at)

    async def _edited(self, scene: Scene, layer: LayerSpec, gradient: Items, at: str) -> tuple[Edit, ...]:
        """What the editor makes of a gradient. Edits that may not be are shown to it once, with what is wrong with them."""
        refused = list(self._refused)
        for attempt in range(ATTEMPTS):
            try:
                edits = await editor(
                    scene.graph,
                    layer,
                    gradient,
                    scene.means,
                    refused,
                    scene.operations,
                    scene.ctx,
                    self.rates.critic,
                    f"{at}/editor/{attempt}",
                )
            except (CannotEdit, SpecError) as e:
                if attempt + 1 == ATTEMPTS:
                    raise
                refused.append(str(e))
                continue
            if not (why := scene.refuses(edits)) or attempt + 1 == ATTEMPTS:
                return edits
            refused.append(f"{in_words(edits)}: {why}")
        raise AssertionError("the last attempt returns or raises")

    async def _of_whole(self, view: View, scene: Scene, at: str) -> Items:
        """G_global, as the mean of several readings: one look of a small model is often wrong, many are less often."""
        n, model = self.rates.readings, self.rates.critic
        looks = [replace(scene.ctx, seed=scene.ctx.seed + SEEDS_APART * k) for k in range(n)]
        said = await asyncio.gather(
            *(global_critic(view, scene.operations, c, model, f"{at}/global/{k}") for k, c in enumerate(looks))
        )
        return scale(add(*said), 1 / n)

    def _known_move(self, scene: Scene, layer: LayerSpec) -> tuple[Edit, ...]:
        """The next untried move of the playbook for a layer whose edits were refused; empty where it is the editor's turn."""
        if not self.rates.playbook or self._refusals[layer.id] < PATIENCE:
            return ()
        for move in moves(scene.graph, layer, scene.means, scene.operations, scene.ctx):
            name = edits_to_json(move)
            if name not in self._played:
                self._played.add(name)
                return move
        return ()

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
