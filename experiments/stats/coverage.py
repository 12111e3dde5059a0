"""Do the statistics keep their word: 2,000 simulated studies each, in which the truth is known.

    python -m experiments.stats.coverage

prints how often each 95 % interval holds the truth, how often equal systems are called "better", and how far the promised power
is off. Items come alone or in families of like ones; scores are right or wrong, or means over several seeds.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from experiments.stats.families import Array
from experiments.stats.intervals import Interval, cost_per_solved, cost_ratio, mean_interval, paired_difference
from experiments.stats.paired import paired_p
from experiments.stats.power import power
from experiments.stats.verdict import verdict, verdicts
from experiments.stats.winner import winner

STUDIES = 2000
CANDIDATES = 20


@dataclass(frozen=True)
class World:
    """Where studies are drawn from.

    Attributes:
        families, size: So many families of so many items each.
        easy: Share of items that a system solves.
        alike: How much the items of a family (and systems on one item) share, from 0 to 1.
        seeds: Runs per item, over which its score is the mean.
    """

    families: int
    size: int = 1
    easy: float = 0.6
    alike: float = 0.0
    seeds: int = 1

    @property
    def labels(self) -> list[str]:
        return [f"f{k // self.size}" for k in range(self.families * self.size)]

    def __str__(self) -> str:
        shape = f"{self.families} items" if self.size == 1 else f"{self.families} families of {self.size}"
        return f"{shape}, {100 * self.easy:.0f} % solved" + (f", {self.seeds} seeds" if self.seeds > 1 else "")

    def scores(self, dice: np.random.Generator, systems: int, gains: Array | float = 0.0) -> Array:
        """Scores (system, item). All systems meet the same hard and easy families and items; each has its own luck.

        Each family is easier or harder than the mean by a beta-distributed chance whose mean is `easy`, so the expected score of
        a system without gain is exactly `easy`.
        """
        n = self.families * self.size
        if self.alike == 0:
            chance = np.full(n, self.easy)
        else:
            weight = (1 - self.alike) / self.alike  # a beta distribution whose intraclass correlation is `alike`
            by_family = dice.beta(self.easy * weight, (1 - self.easy) * weight, self.families)
            chance = np.repeat(by_family, self.size)
        chances = np.clip(chance + np.broadcast_to(np.reshape(gains, (-1, 1)), (systems, n)), 0.0, 1.0)
        return dice.binomial(self.seeds, chances, (systems, n)) / self.seeds

    def costs(self, dice: np.random.Generator) -> Array:
        """Tokens an item: lognormal with mean 500."""
        return dice.lognormal(np.log(500) - 0.18, 0.6, self.families * self.size)


Study = Callable[[np.random.Generator, World], bool]


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def covers_mean(dice: np.random.Generator, world: World) -> bool:
    return _holds(mean_interval(world.scores(dice, 1)[0], world.labels), world.easy)


def covers_difference(dice: np.random.Generator, world: World, gain: float = 0.1) -> bool:
    """The better one solves a share `gain` of all items that the other leaves unsolved, so the truth is that share of them."""
    worse = world.scores(dice, 1)[0]
    better = np.maximum(worse, dice.random(worse.size) < gain)
    worse = np.minimum(worse, dice.random(worse.size) >= gain / 2)
    truth = gain * (1 - world.easy) + world.easy * gain / 2
    return _holds(paired_difference(better, worse, world.labels), truth)


def covers_cost_per_solved(dice: np.random.Generator, world: World) -> bool:
    scores = world.scores(dice, 1)[0]
    costs = world.costs(dice) * (1.5 - 0.5 * scores)  # what fails runs longer
    truth = 500 * (1.5 - 0.5 * world.easy) / world.easy
    return _holds(cost_per_solved(costs, scores, world.labels), truth)


def covers_cost_ratio(dice: np.random.Generator, world: World) -> bool:
    costs = world.costs(dice)
    other = costs * dice.uniform(0.5, 1.5, costs.size) * 2
    return _holds(cost_ratio(costs, other, world.labels), 0.5)


def covers_winner(dice: np.random.Generator, world: World, spread: float = 0.0) -> bool:
    gains = spread * np.linspace(-1, 1, CANDIDATES)
    scores = world.scores(dice, CANDIDATES, gains)
    best = winner(list(scores), world.labels)
    return _holds(best.corrected, world.easy + float(gains[best.index]))


def calls_equal_better(dice: np.random.Generator, world: World) -> bool:
    """Two equal systems: is the first called better?"""
    a, b = world.scores(dice, 2)
    costs = world.costs(dice)
    return verdict(a, b, world.labels, costs=(costs, costs)).kind == "better"


def calls_picked_better(dice: np.random.Generator, world: World) -> bool:
    """Twenty systems equal to a baseline, the best of them picked: is it called better?"""
    *candidates, base = world.scores(dice, CANDIDATES + 1)
    best = max(candidates, key=lambda scores: float(scores.mean()))
    costs = world.costs(dice)
    return verdict(best, base, world.labels, costs=(costs, costs), looks=CANDIDATES).kind == "better"


def calls_any_better(dice: np.random.Generator, world: World) -> bool:
    """Twenty systems equal to a baseline, all compared with it: is any called better?"""
    scores = {f"s{k}": row for k, row in enumerate(world.scores(dice, CANDIDATES + 1))}
    costs = dict.fromkeys(scores, world.costs(dice))
    return any(v.kind == "better" for v in verdicts(scores, costs, "s0", world.labels).values())


def rejects_equal(dice: np.random.Generator, world: World) -> bool:
    a, b = world.scores(dice, 2)
    return paired_p(a, b, world.labels) <= 0.05


SINGLE = World(100)
SMALL = World(40, easy=0.5)
ALIKE = World(50, 3, easy=0.6, alike=0.3)
SEEDED = World(80, easy=0.5, alike=0.4, seeds=3)
WORLDS = (SINGLE, SMALL, ALIKE, SEEDED)
RIGHT_OR_WRONG = (SINGLE, SMALL, ALIKE)

COVERAGE: tuple[tuple[str, Study, tuple[World, ...]], ...] = (
    ("mean score", covers_mean, WORLDS),
    ("paired difference, few items differ", covers_difference, RIGHT_OR_WRONG),
    ("paired difference, many items differ", partial(covers_difference, gain=0.4), RIGHT_OR_WRONG),
    ("cost per solved item", covers_cost_per_solved, RIGHT_OR_WRONG),
    ("ratio of costs", covers_cost_ratio, RIGHT_OR_WRONG),
    ("best of 20, all equal", covers_winner, WORLDS),
    ("best of 20, 20 points apart", partial(covers_winner, spread=0.1), WORLDS[:2]),
)
FALSE: tuple[tuple[str, Study, tuple[World, ...]], ...] = (
    ("two equal systems differ (test alone)", rejects_equal, WORLDS),
    ('"better" for one of two equal systems', calls_equal_better, WORLDS),
    ('"better" for the picked best of 20 equal ones', calls_picked_better, WORLDS),
    ('any "better" among 20 equal ones', calls_any_better, WORLDS[:2]),
)


def rate(study: Study, world: World, studies: int, seed: int = 0) -> float:
    """Share of simulated studies in which something happens."""
    dice = np.random.default_rng(seed)
    return sum(study(dice, world) for _ in range(studies)) / studies


def found_power(items: int, difference: float, discordance: float, studies: int, seed: int = 0) -> float:
    """Share of simulated studies in which the better system's superiority is found."""
    dice = np.random.default_rng(seed)
    wins, losses = (discordance + difference) / 2, (discordance - difference) / 2
    draws = dice.multinomial(items, [wins, losses, 1 - discordance], studies)
    found = 0
    for won, lost, _ in draws:
        differences = np.zeros(items)
        differences[:won], differences[won : won + lost] = 1, -1
        found += won > lost and paired_p(differences, np.zeros(items)) <= 0.05
    return found / studies


def lines(studies: int) -> Iterator[str]:
    """The table, line by line as it is known."""
    yield f"{studies} simulated studies each"
    yield "share of 95 % intervals that hold the truth, %"
    for name, study, worlds in COVERAGE:
        for world in worlds:
            yield f"  {name:46} {world!s:40} {100 * rate(study, world, studies):5.1f}"
    yield "share of studies of equal systems with a false verdict, %"
    for name, study, worlds in FALSE:
        for world in worlds:
            yield f"  {name:46} {world!s:40} {100 * rate(study, world, studies):5.1f}"
    yield "power of the paired comparison, %: promised, found"
    for items, difference, discordance in ((100, 0.15, 0.3), (60, 0.2, 0.35), (257, 0.08, 0.2)):
        told = power(items, difference, discordance)
        seen = found_power(items, difference, discordance, studies)
        what = f"{items} items, {100 * difference:.0f} points, {100 * discordance:.0f} % discordant"
        yield f"  {what:87} {100 * told:5.1f} {100 * seen:5.1f}"


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES):
        print(line, flush=True)
