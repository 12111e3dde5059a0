"""What past runs say about agents and teams: uses, mean score, mean tokens; worked out from the event log."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import TypeAdapter

from agents.context import Record
from agents.spec import GraphSpec
from store.events import Event, LayerCombined, ModelCalled, Routed, Scored

if TYPE_CHECKING:
    from store import Store

Events = list[tuple[str, Event]]  # of one run, each with its key


@dataclass(frozen=True)
class Records:
    """What a run knows of its teams and agents, by hash. It is kept in the log, so that a replay knows no more."""

    teams: dict[str, Record]
    agents: dict[str, Record]

    @classmethod
    def of(cls, store: "Store", graph: GraphSpec) -> Self:
        """What the scored runs of a graph say."""
        from store import scored_runs

        past = scored_runs(store, graph.hash)
        return cls(team_records(graph, past), agent_records(graph, past))

    def to_json(self) -> bytes:
        return _JSON.dump_json(self)

    @staticmethod
    def from_json(text: str) -> "Records":
        return _JSON.validate_json(text)


_JSON = TypeAdapter(Records)


def asked_by(graph: GraphSpec) -> bool:
    """Whether anything in a graph is decided by records: a choice of teams, or votes that weigh."""
    return any(len(x.teams) > 1 or t.aggregator == "weighted_vote" for x in graph.layers for t in x.teams)


def team_records(graph: GraphSpec, runs: Iterable[Events]) -> dict[str, Record]:
    """Records of the graph's teams, by team hash, over the events of scored runs of the same graph."""
    names = {(layer.id, team.id): team.hash for layer in graph.layers for team in layer.teams}
    uses: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for events in runs:
        score = next((e.score for _, e in events if isinstance(e, Scored)), None)
        if score is None:
            continue
        for routed in (e for _, e in events if isinstance(e, Routed)):
            name = names.get((routed.layer, routed.team))
            if name:
                uses[name].append((score, _tokens(events, f"layer/{routed.layer}/")))
    return {name: _record(found) for name, found in uses.items()}


def agent_records(graph: GraphSpec, runs: Iterable[Events]) -> dict[str, Record]:
    """Records of the graph's agents, by agent hash: the score of a run counts for those its answers stood on or did not.

    An agent whose answer was taken shares the run's score; one that was outvoted gets the opposite.
    """
    agents = {(x.id, a.id): a.hash for x in graph.layers for t in x.teams for a in t.agents}
    uses: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for events in runs:
        score = next((e.score for _, e in events if isinstance(e, Scored)), None)
        if score is None:
            continue
        for combined in (e for _, e in events if isinstance(e, LayerCombined)):
            for (layer, agent), name in agents.items():
                if layer == combined.layer and any(k == f"layer/{layer}/agent/{agent}/answered" for k, _ in events):
                    taken = agent in combined.took
                    uses[name].append((score if taken else 1 - score, _tokens(events, f"layer/{layer}/agent/{agent}/")))
    return {name: _record(found) for name, found in uses.items()}


def _tokens(events: Iterable[tuple[str, Event]], prefix: str) -> int:
    calls = (e for k, e in events if k.startswith(prefix) and isinstance(e, ModelCalled))
    return sum(c.prompt_tokens + c.completion_tokens for c in calls)


def _record(found: list[tuple[float, int]]) -> Record:
    n = len(found)
    return Record(n, sum(s for s, _ in found) / n, sum(t for _, t in found) / n)
