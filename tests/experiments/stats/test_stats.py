"""Statistics against independent implementations, closed forms and simulation (`experiments.stats.coverage` is the large one)."""

import math
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, bootstrap, permutation_test, ttest_1samp

from experiments.stats import (
    cost_per_solved,
    cost_ratio,
    holm,
    mcnemar,
    mean_interval,
    paired_difference,
    paired_p,
    power,
    smallest_difference,
    validity,
    verdict,
    verdicts,
    winner,
)
from experiments.stats import coverage as sim

flags = st.lists(st.booleans(), min_size=2, max_size=60)
pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60)


def columns(found: list[tuple[bool, bool]]) -> tuple[list[float], list[float]]:
    return [float(a) for a, _ in found], [float(b) for _, b in found]


@given(flags)
def test_a_mean_s_interval_ends_where_the_mean_is_t_standard_errors_away(scores: list[bool]) -> None:
    """Wilson's bounds are the roots p of (mean - p)^2 = t^2 p (1 - p) / n, with n - 1 for n where items vary."""
    from scipy.stats import t

    found = mean_interval([float(s) for s in scores])
    n = len(scores)
    effective = n - 1 if 0 < found.estimate < 1 else n
    assert 0 <= found.low <= found.estimate + 1e-12 and found.estimate - 1e-12 <= found.high <= 1
    for p in (found.low, found.high):
        distance = t.ppf(0.975, n - 1) * math.sqrt(p * (1 - p) / effective)
        assert abs(found.estimate - p) == pytest.approx(distance, abs=1e-7)


def test_with_many_items_the_interval_is_wilson_s_of_statsmodels() -> None:
    from statsmodels.stats.proportion import proportion_confint

    found = mean_interval([1.0] * 700 + [0.0] * 1300)
    assert (found.low, found.high) == pytest.approx(proportion_confint(700, 2000, method="wilson"), abs=3e-5)


@given(flags, st.integers(2, 4))
def test_copies_of_items_in_their_family_add_no_certainty(scores: list[bool], copies: int) -> None:
    once = mean_interval([float(s) for s in scores])
    many = mean_interval(
        [float(s) for s in scores for _ in range(copies)], [f"{k}" for k in range(len(scores)) for _ in range(copies)]
    )
    assert (many.low, many.high) == pytest.approx((once.low, once.high))


def test_the_clustered_standard_error_is_that_of_statsmodels() -> None:
    import statsmodels.api as sm

    from experiments.stats.families import covariance_of_means, family_sums

    dice = np.random.default_rng(3)
    families = dice.integers(0, 15, 90)
    scores = dice.random(90) + 0.02 * families
    fit = sm.OLS(scores, np.ones(90)).fit(cov_type="cluster", cov_kwds={"groups": families, "df_correction": True})
    ours = covariance_of_means(*family_sums([scores], [str(f) for f in families]))[0, 0]
    assert ours == pytest.approx(fit.cov_params()[0, 0] * 89 / 89, rel=1e-9)


def test_one_family_says_nothing() -> None:
    found = mean_interval([1.0, 1.0, 0.0], ["a", "a", "a"])
    assert (found.low, found.high) == (0.0, 1.0)


def test_the_paired_interval_agrees_with_scipy_s_bootstrap_where_many_items_differ() -> None:
    dice = np.random.default_rng(5)
    a, b = dice.random(400), dice.random(400)
    ours = paired_difference(a, b)
    theirs = bootstrap((a - b,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    t = ttest_1samp(a - b, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=4e-3)
    assert (ours.low, ours.high) == pytest.approx((t.low, t.high), abs=4e-3)


def test_no_difference_seen_is_no_certainty() -> None:
    found = paired_difference([1.0] * 20, [1.0] * 20)
    assert (found.estimate, found.high, found.low) == (0.0, 1 - 0.05 ** (1 / 20), -(1 - 0.05 ** (1 / 20)))


@given(pairs)
def test_swapping_the_systems_turns_the_p_value_into_itself(found: list[tuple[bool, bool]]) -> None:
    a, b = columns(found)
    assert paired_p(a, b) == pytest.approx(paired_p(b, a))


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_that_of_statsmodels(wins: int, losses: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar as theirs

    assert mcnemar(wins, losses) == pytest.approx(theirs([[5, wins], [losses, 5]], exact=True).pvalue)


@given(pairs)
def test_the_paired_test_of_single_right_or_wrong_items_is_mcnemar_s(found: list[tuple[bool, bool]]) -> None:
    a, b = columns(found)
    assert paired_p(a, b) == mcnemar(sum(x > y for x, y in found), sum(x < y for x, y in found))


def test_the_paired_test_of_graded_scores_is_scipy_s_permutation_test() -> None:
    dice = np.random.default_rng(2)
    for n, tolerance in ((9, 1e-12), (30, 0.02)):  # all signs are tried, then some
        a, b = dice.random(n) + 0.2, dice.random(n)
        theirs = permutation_test(
            (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=9999, rng=0
        )
        assert paired_p(a, b) == pytest.approx(theirs.pvalue, abs=tolerance)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    """An adjusted p value is the largest Bonferroni p of all intersections its hypothesis is part of (Marcus et al. 1976)."""
    n = len(p_values)
    sets = [[i for i in range(n) if mask >> i & 1] for mask in range(1, 2**n)]
    closed = [max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in sets if i in s) for i in range(n)]
    assert holm(p_values) == pytest.approx(closed)


def test_the_cost_of_a_solved_item_is_a_ratio_of_sums_with_fieller_s_bounds() -> None:
    """At a bound r, the mean of cost - r * score lies t of its standard errors from zero."""
    from scipy.stats import t

    dice = np.random.default_rng(7)
    scores = (dice.random(50) < 0.5).astype(float)
    costs = 100 + 50 * dice.random(50)
    found = cost_per_solved(costs, scores)
    assert found.estimate == pytest.approx(costs.sum() / scores.sum())
    for r in (found.low, found.high):
        rest = costs - r * scores
        assert abs(rest.mean()) == pytest.approx(t.ppf(0.975, 49) * rest.std(ddof=1) / math.sqrt(50))


def test_nothing_solved_costs_without_end_and_too_little_solved_may() -> None:
    nothing = cost_per_solved([10.0] * 20, [0.0] * 20)
    assert nothing.estimate == nothing.high == math.inf
    assert nothing.low == pytest.approx(10 / (1 - 0.05 ** (1 / 20)))
    assert cost_per_solved([10.0] * 20, [1.0, *[0.0] * 19]).high == math.inf


@given(st.lists(st.floats(50, 100), min_size=10, max_size=30), st.floats(0.1, 10))
def test_a_system_that_costs_a_fixed_multiple_has_that_ratio_for_certain(costs: list[float], factor: float) -> None:
    found = cost_ratio([factor * c for c in costs], costs)
    assert (found.low, found.estimate, found.high) == pytest.approx((factor, factor, factor), rel=1e-4)


def test_power_is_what_enumeration_of_all_outcomes_gives() -> None:
    n, difference, discordance = 9, 0.4, 0.6
    win, loss = (discordance + difference) / 2, (discordance - difference) / 2
    found = 0.0
    for outcome in product((1, -1, 0), repeat=n):
        wins, losses = outcome.count(1), outcome.count(-1)
        if wins > losses and mcnemar(wins, losses) <= 0.05:
            found += win**wins * loss**losses * (1 - discordance) ** (n - wins - losses)
    assert power(n, difference, discordance) == pytest.approx(found)


def test_the_smallest_difference_has_the_promised_power() -> None:
    least = smallest_difference(100, 0.3)
    assert least is not None
    assert power(100, least, 0.3) == pytest.approx(0.8, abs=1e-3)
    assert smallest_difference(400, 0.3) < least  # type: ignore[operator]
    assert smallest_difference(5, 0.3) is None
    with pytest.raises(ValueError, match=r"difference 0\.4 and discordance 0\.3 must satisfy"):
        power(10, 0.4, 0.3)


def test_of_one_clear_winner_nothing_is_taken_back_and_of_one_among_equals_something() -> None:
    dice = np.random.default_rng(11)
    easy = dice.random((10, 100)) < 0.3
    clear = np.vstack([easy, dice.random(100) < 0.9]).astype(float)
    found = winner(list(clear))
    assert found.index == 10
    assert found.corrected.estimate == pytest.approx(found.raw, abs=2e-3)
    equal = winner(list((dice.random((20, 100)) < 0.5).astype(float)))
    assert equal.corrected.estimate < equal.raw - 0.02
    assert equal.corrected.low <= 0.5 <= equal.corrected.high


def test_the_winner_of_one_has_the_plain_interval() -> None:
    from scipy.stats import norm

    scores = [1.0] * 60 + [0.0] * 40
    found = winner([scores])
    half = norm.ppf(0.975) * np.std(scores, ddof=1) / 10
    assert (found.raw, found.corrected.high - found.corrected.low) == (0.6, pytest.approx(2 * half, rel=0.07))


def test_a_verdict_says_better_worse_equal_or_that_it_cannot_tell() -> None:
    base = [float(k % 2) for k in range(200)]
    better = [1.0 if k % 10 == 0 else s for k, s in enumerate(base)]
    tokens = [100.0 + k % 7 for k in range(200)]
    half = [t / 2 for t in tokens]
    found = verdict(better, base, costs=(tokens, tokens))
    assert (found.kind, found.wins, found.losses, found.ties) == ("better", 20, 0, 180)
    assert str(found).startswith("better by 10.0 points (+5.7 to +14.5 points, p = ")
    assert verdict(base, better, costs=(tokens, tokens)).kind == "worse"
    same = verdict(base, base, costs=(half, tokens))
    assert (same.kind, same.cost) == ("equal", "cheaper")
    assert "equal within 5 points" in str(same) and "and cheaper: 0.5 times the cost" in str(same)
    few = verdict(better[:20], base[:20], costs=(tokens[:20], tokens[:20]))
    assert few.kind == "cannot tell"
    assert str(few).startswith("cannot tell (")


def test_among_many_comparisons_a_lucky_one_is_not_called_better() -> None:
    dice = np.random.default_rng(0)
    base = (dice.random(60) < 0.5).astype(float)
    lucky = base.copy()
    lucky[np.flatnonzero(base == 0)[:7]] = 1.0  # 7 to 0: p = 0.016 alone
    costs = np.ones(60)
    assert verdict(lucky, base, costs=(costs, costs)).kind == "better"
    assert verdict(lucky, base, costs=(costs, costs), looks=20).kind == "cannot tell"
    others = {f"s{k}": (dice.random(60) < 0.5).astype(float) for k in range(19)}
    scores = {"base": base, "lucky": lucky, **others}
    assert verdicts(scores, dict.fromkeys(scores, costs), "base")["lucky"].kind == "cannot tell"


def test_a_run_is_valid_from_98_percent_on() -> None:
    assert validity([True] * 98 + [False] * 2).enough
    assert not validity([True] * 97 + [False] * 3).enough
    assert not validity([]).enough


def test_items_without_families_that_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 families for 3 items"):
        mean_interval([1.0, 0.0, 1.0], ["a", "b"])
    with pytest.raises(ValueError, match="there are no items"):
        mean_interval([])


STUDIES = 300  # the share found is then within 4 standard errors, about 5 points, of the truth
SLACK = 4 * math.sqrt(0.05 * 0.95 / STUDIES)


@pytest.mark.parametrize(("name", "study", "worlds"), sim.COVERAGE, ids=[name for name, *_ in sim.COVERAGE])
def test_intervals_hold_the_truth_as_often_as_they_say(
    name: str, study: sim.Study, worlds: tuple[sim.World, ...]
) -> None:
    assert sim.rate(study, worlds[0], STUDIES, seed=1) == pytest.approx(0.95, abs=SLACK)


@pytest.mark.parametrize("study", [sim.calls_equal_better, sim.calls_picked_better, partial(sim.rejects_equal)])
def test_equal_systems_are_seldom_called_different(study: sim.Study) -> None:
    assert sim.rate(study, sim.SMALL, STUDIES, seed=1) <= 0.05 + SLACK / 2


def test_the_power_promised_is_the_power_found() -> None:
    found = sim.found_power(60, 0.25, 0.4, 400)
    spread = math.sqrt(binom.var(1, power(60, 0.25, 0.4)) / 400)
    assert found == pytest.approx(power(60, 0.25, 0.4), abs=4 * spread)
