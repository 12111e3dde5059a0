"""How far a run has come, from its events as they happen: what is being done now, which layer of how many, and what it cost."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agents.spec import GraphSpec
from store.events import (
    AgentAnswered,
    AgentFailed,
    AgentStarted,
    BudgetRefused,
    Event,
    LayerCombined,
    LayerStarted,
    ModelCalled,
    Planned,
    Refined,
    Routed,
    RunStarted,
    Scored,
    ToolCalled,
)
from ui.view import words

_PURPOSES = {
    "plan": "planning",
    "act": "thinking",
    "write": "writing",
    "refine": "looking for better inputs",
    "judge": "judging answers",
    "merge": "merging answers",
    "route": "choosing a team",
}


@dataclass
class Progress:
    """Feed it a run's events with `see`; read what to show from its attributes.

    Attributes:
        now: What is being done, in plain words.
        layer, layers: The layer that is being worked on, from 1, and how many there are; 0 before a plan exists.
        calls, tokens, usd: Paid so far.
    """

    read: Callable[[str], str]
    now: str = "starting"
    layer: int = 0
    layers: int = 0
    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    _order: dict[str, int] = field(default_factory=dict)

    def see(self, key: str, event: Event) -> str:
        """Take in one event. Returns news worth a line of its own, or nothing."""
        match event:
            case RunStarted():
                self.now = "planning a team for the task"
            case Planned():
                return self._planned(event)
            case LayerStarted():
                self.layer = self._order.get(event.layer, self.layer + 1)
                self.now = f"layer {event.layer} starts"
            case Routed():
                chosen = "its only team" if event.tier == "only" else f"team {event.team}"
                self.now = f"layer {event.layer} goes to {chosen} ({event.aggregator})"
            case AgentStarted():
                self.now = f"{event.agent} is thinking"
            case ModelCalled():
                self._called(key, event)
            case ToolCalled():
                return self._used(key, event)
            case Refined():
                self.now = f"{event.tool} refined, round {event.round}: {'better' if event.kept else 'no better'}"
            case AgentAnswered():
                self.now = f"{event.agent} {'refused' if event.refused else 'answered'}"
            case AgentFailed():
                self.now = f"{event.agent} failed"
                return f"{event.agent} failed: {event.error.message}"
            case LayerCombined():
                took = ", ".join(event.took)
                self.now = f"layer {event.layer} is done"
                return f"layer {event.layer} is done" + (f": {event.aggregator} of {took}" if took else "")
            case BudgetRefused():
                self.now = f"the budget of {event.limit} is spent"
                return self.now
            case Scored():
                self.now = f"scored {event.score:.3g} by {event.by}"
            case _:
                self.now = "finishing"
        return ""

    def tool(self, name: str, done: float | None = None, what: str = "") -> None:
        """A tool has started, or says how far it is (0 to 1)."""
        share = f" {100 * done:.0f} %" if done is not None else ""
        self.now = f"running {name}{share}" + (f": {what}" if what else "")

    @property
    def where(self) -> str:
        """`layer 2 of 3`, or `planning`."""
        if not self.layers:
            return "planning"
        return f"layer {self.layer} of {self.layers}" if self.layer else f"{self.layers} layers"

    @property
    def cost(self) -> str:
        """`1,234 tokens, free`."""
        return f"{words.count(self.tokens, 'token')}, {words.money(self.usd)}"

    def _planned(self, event: Planned) -> str:
        graph = GraphSpec.model_validate_json(self.read(event.graph))
        self.layers = len(graph.layers)
        self._order = {layer.id: k for k, layer in enumerate(graph.layers, 1)}
        layers = " > ".join(f"{layer.id} ({', '.join(a.id for a in layer.teams[0].agents)})" for layer in graph.layers)
        self.now = "the team is planned"
        return f"{'planned' if event.planner else 'network'}: {layers}"

    def _called(self, key: str, event: ModelCalled) -> None:
        if not event.cached:
            self.calls += 1
            self.tokens += event.prompt_tokens + event.completion_tokens
            self.usd += event.usd
        purpose = _PURPOSES.get(event.purpose, event.purpose)
        if event.error:
            self.now = f"{_actor(key)}: {event.error.kind}, trying further"
        else:
            self.now = f"{_actor(key)} has done {purpose}" + (" (known reply)" if event.cached else "")

    def _used(self, key: str, event: ToolCalled) -> str:
        if event.error:
            self.now = f"{event.tool} refused"
            return f"{_actor(key)}: {event.tool} says {event.error.message}"
        known = " (known result)" if event.cached else ""
        self.now = f"{event.tool} is done{known}"
        return f"{_actor(key)} used {event.tool}{known}"


def _actor(key: str) -> str:
    """Who acts under an event key."""
    parts = key.split("/")
    if parts[0] == "layer" and len(parts) > 3:
        return parts[3] if parts[2] == "agent" else f"layer {parts[1]}"
    return {"plan": "the planner", "loss": "the judge"}.get(parts[0], parts[0])
