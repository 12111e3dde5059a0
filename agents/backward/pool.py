"""The pool of a training: every version that is best on some case, and the one that is best on the whole."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agents.spec import GraphSpec


@dataclass(frozen=True)
class Version:
    """A graph with how it did on the cases that decide.

    Attributes:
        scores: Score by case, 0 to 1; empty where nobody asked.
        tokens, usd: What a case costs on average.
    """

    graph: GraphSpec
    scores: Mapping[str, float]
    tokens: float = 0.0
    usd: float = 0.0
    parent: str = ""
    step: int = -1

    @property
    def mean(self) -> float:
        return sum(self.scores.values()) / max(len(self.scores), 1)


@dataclass
class Pool:
    """Versions that lead on at least one case, the incumbent among them.

    Source: the instance-wise Pareto front of GEPA (Agrawal et al., arXiv 2507.19457).
    """

    incumbent: Version
    versions: list[Version] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.versions = self.versions or [self.incumbent]

    def admits(self, version: Version) -> bool:
        """Whether a version is at least as good as all others on some case, and on that case at all good."""
        best = self._best(self.versions)
        return any(score >= best.get(case, 0.0) and score > 0 for case, score in version.scores.items())

    def add(self, version: Version, *, incumbent: bool) -> None:
        """Take a version in; those that lead nowhere any more leave, unless it is the incumbent."""
        self.versions.append(version)
        if incumbent:
            self.incumbent = version
        leads = self.leads()
        self.versions = [v for v in self.versions if leads[v.graph.hash] > 0 or v is self.incumbent]

    def leads(self) -> dict[str, int]:
        """On how many cases each version is best, by graph hash."""
        best = self._best(self.versions)
        return {v.graph.hash: sum(s >= best[case] for case, s in v.scores.items()) for v in self.versions}

    def draw(self, dice: random.Random) -> Version:
        """A version to start the next step from, the likelier the more cases it leads on."""
        leads = self.leads()
        weights = [leads[v.graph.hash] for v in self.versions]
        return dice.choices(self.versions, weights)[0] if any(weights) else self.incumbent

    @staticmethod
    def _best(versions: Iterable[Version]) -> dict[str, float]:
        best: dict[str, float] = {}
        for version in versions:
            for case, score in version.scores.items():
                best[case] = max(best.get(case, 0.0), score)
        return best
