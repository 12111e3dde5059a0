"""What every part of a forward pass has in hand: the log, the door to models, the tools, and what is known of past runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agents.answer import Answer
from agents.hands import Hands
from agents.models.gateway import Gateway
from store.log import RunLog


@dataclass(frozen=True)
class Record:
    """How an agent or a team did so far: mean score and mean cost (tokens) over its scored uses."""

    uses: int
    score: float
    tokens: float = 0.0


@dataclass(frozen=True)
class Context:
    """One run's surroundings. `task_kind` groups like tasks, so that what was learned on one serves the next."""

    log: RunLog
    gateway: Gateway
    hands: Hands
    model: str
    seed: int = 0
    task_kind: str = ""
    checker: Callable[[Answer], float] | None = None  # scores an answer without a model; higher is better
    agents: Mapping[str, Record] = field(default_factory=dict)  # by agent hash
    teams: Mapping[str, Record] = field(default_factory=dict)  # by team hash
