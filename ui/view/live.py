"""A run as far as it has come: its events folded, in portions, into what a page shows while it runs and after.

What agents did in detail stays in the store and is read when somebody looks, so that a run of any length is quick to open.
"""

from dataclasses import dataclass, field
from threading import Lock

from agents.spec import AgentSpec, GraphSpec
from store import Store, get_events
from store.events import (
    BudgetRefused,
    ErrorInfo,
    ModelCalled,
    Planned,
    Refined,
    Routed,
    RunFinished,
    Scored,
    ToolCalled,
)
from ui.view.progress import Progress
from ui.view.story import agent_states
from ui.view.trace import Span, Tracer, leaves, walk

PORTION = 5000  # events read at once
PER_PAGE = 40  # calls that are listed at once


@dataclass
class Live:
    """The fold. `catch_up` reads what has happened since; any number of pages may share one.

    Attributes:
        events: How many events it has seen.
        graph: The network that runs; None while it is not planned yet.
        chosen: The team that runs, by layer.
        progress: What is being done, which layer of how many, and what it cost.
        known: Calls whose outcome was known from earlier ones.
        tools: How often each tool was called.
        error: Why the run failed, if it did.
        score: The run's score with its words, if it was scored.
    """

    store: Store
    run_id: str
    events: int = 0
    graph: GraphSpec | None = None
    chosen: dict[str, str] = field(default_factory=dict)
    known: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    error: ErrorInfo | None = None
    score: Scored | None = None

    def __post_init__(self) -> None:
        self.progress = Progress(self.store.text)
        self._tracer = Tracer(leaves=False)
        self._tree: Span | None = None  # as it was told last; nobody changes it
        self._last = -1
        self._lock = Lock()

    def catch_up(self) -> "Live":
        """Take in what was committed since the last time."""
        with self._lock:
            while records := get_events(self.store, self.run_id, after=self._last, limit=PORTION):
                for record in records:
                    self._tracer.see(record)
                    self.progress.see(record.key, record.event)
                    self._note(record.event)
                self.events += len(records)
                self._tree = None
                self._last = records[-1].seq
                if len(records) < PORTION:
                    break
        return self

    @property
    def began(self) -> float:
        """When the run's first event began [s since 1970]."""
        return self._tracer.began

    def tree(self) -> Span:
        """The trace down to agents; each sums what is in it. It is made anew when something has happened."""
        with self._lock:
            if self._tree is None:
                self._tree = self._tracer.tree()
            return self._tree

    def span(self, at: str) -> Span | None:
        """The span at a key, if it has begun."""
        return next((span for _, span in walk(self.tree()) if span.at == at), None)

    def agent(self, span: Span) -> AgentSpec | None:
        """What the agent of a span is, where this run's network says it."""
        parts = span.at.split("/")
        if self.graph is None or parts[0] != "layer" or parts[2:3] != ["agent"]:
            return None
        layer = next((x for x in self.graph.layers if x.id == parts[1]), None)
        teams = (
            [] if layer is None else [layer.team(self.chosen[layer.id])] if layer.id in self.chosen else layer.teams[:1]
        )
        return next((agent for team in teams for agent in team.agents if agent.id == parts[3]), None)

    def calls(self, span: Span, page: int = 1) -> list[Span]:
        """The model calls, tool calls and notes that stand under a span itself, `PER_PAGE` a page, from 1."""
        prefix = f"{span.at}/combine/" if span.kind == "layer" else f"{span.at}/"
        kinds = (ModelCalled, ToolCalled, Refined, BudgetRefused)
        offset = (page - 1) * PER_PAGE
        records = get_events(self.store, self.run_id, prefix=prefix, kind=kinds, offset=offset, limit=PER_PAGE)
        return leaves(records, self.began)

    def states(self) -> dict[tuple[str, str], str]:
        """How each agent fares, by layer and agent: answered, refused, failed, or started."""
        return agent_states(self.tree())

    def _note(self, event: object) -> None:
        match event:
            case Planned():
                self.graph = GraphSpec.model_validate_json(self.store.text(event.graph))
            case Routed():
                self.chosen[event.layer] = event.team
            case ModelCalled():
                self.known += event.cached
            case ToolCalled():
                self.known += event.cached
                self.tools[event.tool] = self.tools.get(event.tool, 0) + 1
            case RunFinished():
                self.error = event.error
            case Scored():
                self.score = event
            case _:
                pass
