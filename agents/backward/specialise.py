"""Specialists: after training, a version of the pool that wins on one kind of input gets that kind, by a router that is learned.

On one half of the deciding cases clusters are formed, specialists chosen and the router is fitted; on the other half the routed
pair must beat the best single version, or no specialist is made. The result is also where a run chooses by cost.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field

from agents.backward.pool import Version
from agents.backward.rollout import Case
from agents.spec import GraphSpec, Spec, SpecError

if TYPE_CHECKING:
    from agents.network import Network
    from store import Store

FEWEST = 8  # cases of a cluster
MARGIN = 0.1  # by which a specialist must beat the best single version on its cluster
TELLING = 0.5  # log of how much likelier a word must be in one kind of task than in the others
DOUBT = 0.05  # one-sided level of the sign test that proves the routed pair


class Router(Spec):
    """Tells a kind of task by its words: positive evidence is for the specialist. Numbers count as one word.

    Source: naive Bayes on the presence of words, as its log-odds (Maron, J. ACM 8, 1961).
    """

    bias: float
    weights: tuple[tuple[str, float], ...]

    @classmethod
    def fit(cls, own: Sequence[str], others: Sequence[str]) -> Self:
        """A router that tells the tasks in `own` from the others."""
        seen = [Counter(w for text in texts for w in words(text)) for texts in (own, others)]
        n, m = len(own) + 2, len(others) + 2
        bias = math.log((n - 1) / (m - 1))
        weights = []
        for word in sorted(set(seen[0]) | set(seen[1])):
            p, q = (seen[0][word] + 1) / n, (seen[1][word] + 1) / m
            if abs(math.log(p / q)) > TELLING:
                bias += math.log((1 - p) / (1 - q))
                weights.append((word, math.log(p / q) - math.log((1 - p) / (1 - q))))
        return cls(bias=bias, weights=tuple(weights))

    def evidence(self, task: str) -> float:
        """Log-odds that the task is of the specialist's kind."""
        said = words(task)
        return self.bias + sum(x for w, x in self.weights if w in said)


def words(text: str) -> set[str]:
    """The words of a task, each number as `#`."""
    return set(re.findall(r"[a-z]+|#", re.sub(r"\d[\d.,]*", "#", text.lower())))


class Member(Spec):
    """A network of an ensemble, with what it was measured to be worth and to cost a task."""

    name: str
    graph: GraphSpec
    score: float = Field(ge=0, le=1)
    tokens: float = 0.0
    usd: float = 0.0
    seconds: float = 0.0
    router: Router | None = None  # of a specialist: which tasks are its own


class Choice(Spec):
    """Which member does a task, and why."""

    member: str
    reason: str


class Ensemble(Spec):
    """What a training leaves to run: the best network, its specialists, and cheaper ones to fall back on.

    The first member is the best one on the whole.
    """

    members: tuple[Member, ...] = Field(min_length=1)

    def choose(self, task: str, *, max_usd_per_item: float | None = None, max_seconds: float | None = None) -> Choice:
        """The member for a task: the specialist for its kind, else the best that keeps the limits.

        Args:
            task: The task in words.
            max_usd_per_item: US dollars that a task may cost on average.
            max_seconds: Seconds that it may take on average.

        Raises:
            SpecError: No member keeps the limits; it says what the cheapest and the fastest need.
        """
        fit = [m for m in self.members if _within(m.usd, max_usd_per_item) and _within(m.seconds, max_seconds)]
        if not fit:
            raise SpecError(
                f"no network keeps the limits: the cheapest costs {min(m.usd for m in self.members):.2g} USD a task, "
                f"the fastest takes {min(m.seconds for m in self.members):.2g} s"
            )
        called = [(m.router.evidence(task), m) for m in fit if m.router]
        evidence, specialist = max(called, key=lambda c: c[0], default=(0.0, None))
        if specialist and evidence > 0:
            return Choice(member=specialist.name, reason=f"its kind of task, log-odds {evidence:.1f}")
        general = [m for m in fit if m.router is None] or fit
        best = max(general, key=lambda m: (m.score, -m.tokens))
        why = "best on the whole" if best == self.members[0] else "best within the limits"
        return Choice(member=best.name, reason=f"{why}, {100 * best.score:.0f} % of the deciding cases")

    def graph(self, choice: Choice) -> GraphSpec:
        """The graph of the chosen member."""
        return next(m.graph for m in self.members if m.name == choice.member)

    def network(self, task: str, *, store: "Store | None" = None, **limits: float | None) -> "Network":
        """The network for a task, ready to run; `limits` as for `choose`."""
        from agents.network import Network

        return Network(self.graph(self.choose(task, **limits)), store=store)

    def save(self, path: str | Path) -> None:
        """Write the ensemble as JSON."""
        Path(path).write_text(self.model_dump_json(indent=2, exclude_defaults=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. Raises `SpecError`."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Proof:
    """How a specialist did, routed, against the best single version, on cases that chose neither it nor the router."""

    specialist: str
    cluster: int  # cases it was chosen on
    wins: int
    losses: int
    cases: int

    @property
    def p(self) -> float:
        """One-sided sign test: how likely such a result is if routing changes nothing."""
        n = self.wins + self.losses
        return sum(math.comb(n, k) for k in range(self.wins, n + 1)) / 2**n if n else 1.0

    @property
    def holds(self) -> bool:
        return self.wins - self.losses >= 2 and self.p <= DOUBT

    def __str__(self) -> str:
        word = "wins" if self.holds else "does not win"
        return (
            f"{self.specialist}: chosen on {self.cluster} cases, routed it {word}: {self.wins} better, {self.losses} worse "
            f"of {self.cases} held out, p = {self.p:.3g}"
        )


def specialise(
    incumbent: Version, pool: Sequence[Version], cases: Sequence[Case], seconds: Mapping[str, float] | None = None
) -> tuple[Ensemble, tuple[Proof, ...]]:
    """The ensemble of a training, and the proof for each specialist that was tried.

    Args:
        incumbent: The best version on the whole.
        pool: All versions with their scores.
        cases: The deciding cases.
        seconds: What a case takes, by graph hash.
    """
    scored = [c for c in cases if all(c.id in v.scores for v in (incumbent, *pool))]
    form, prove = scored[::2], scored[1::2]
    took = seconds or {}
    members = [_member("best", incumbent, took)]
    proofs: list[Proof] = []
    for version in sorted(pool, key=lambda v: -v.mean):
        if version.graph.hash == incumbent.graph.hash:
            continue
        name = f"specialist-{version.graph.hash[:6]}"
        own = [c for c in form if version.scores[c.id] > incumbent.scores[c.id]]
        router = Router.fit([c.task for c in own], [c.task for c in form if c not in own])
        called = [c for c in form if router.evidence(c.task) > 0]
        gain = sum(version.scores[c.id] - incumbent.scores[c.id] for c in called) / max(len(called), 1)
        if len(called) >= FEWEST and gain >= MARGIN:
            routed = [c for c in prove if router.evidence(c.task) > 0]
            wins = sum(version.scores[c.id] > incumbent.scores[c.id] for c in routed)
            losses = sum(version.scores[c.id] < incumbent.scores[c.id] for c in routed)
            proofs.append(Proof(name, len(called), wins, losses, len(prove)))
            if proofs[-1].holds:
                members.append(_member(name, version, took, router))
                continue
        if version.tokens < incumbent.tokens:
            members.append(_member(f"cheaper-{version.graph.hash[:6]}", version, took))
    return Ensemble(members=tuple(members)), tuple(proofs)


def _member(name: str, version: Version, took: Mapping[str, float], router: Router | None = None) -> Member:
    return Member(
        name=name,
        graph=version.graph,
        score=version.mean,
        tokens=version.tokens,
        usd=version.usd,
        seconds=took.get(version.graph.hash, 0.0),
        router=router,
    )


def _within(value: float, limit: float | None) -> bool:
    return limit is None or value <= limit
