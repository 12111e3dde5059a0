"""The solutions by other means agree with each other, so they can judge the networks."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from tools.reservoir.pressure_transient import reference


def test_theis_equals_its_integral() -> None:
    u = 0.37
    integral, _ = quad(lambda z: math.exp(-z) / z, u, 50)
    assert reference.line_source(np.array(2.0), np.array(4 / (4 * u))) == pytest.approx(integral / 2, rel=1e-8)


def test_a_circle_is_a_line_source_before_the_edge_and_far_from_the_well() -> None:
    r, t = np.array([50.0, 100.0]), np.array([1e4, 2e4])
    circle = reference.bounded_circle(r, t, 1e4)
    assert circle == pytest.approx(reference.line_source(r, t), rel=2e-3)


def test_a_circle_empties_as_one_tank_in_the_end() -> None:
    edge, t = 100.0, np.array([2e4, 3e4])
    p = reference.bounded_circle(np.array(1.0), t, edge)
    assert p[1] - p[0] == pytest.approx(2 * (t[1] - t[0]) / (edge**2 - 1), rel=1e-5)
    assert p[0] == pytest.approx(2 * t[0] / edge**2 + math.log(edge) - 0.75, rel=1e-3)


def test_finite_volumes_agree_with_the_laplace_transform() -> None:
    r, t = np.array([1.0, 10.0, 300.0]), np.geomspace(10, 1e6, 9)
    volumes = reference.finite_volume(r, t, 1000.0)
    assert volumes == pytest.approx(reference.bounded_circle(r[:, None], t, 1000.0), abs=3e-3)


def test_a_zone_of_other_mobility_adds_the_classical_skin() -> None:
    t = np.geomspace(1e5, 1e6, 5)
    plain, damaged = (reference.finite_volume(np.ones(1), t, 1e4, zone=zone) for zone in (None, (20.0, 0.25)))
    assert damaged - plain == pytest.approx((1 / 0.25 - 1) * math.log(20), abs=0.02)


def test_both_series_of_the_strip_meet() -> None:
    x = np.linspace(0, 1, 11)
    before, after = reference.strip(x, np.array(0.3 - 1e-9)), reference.strip(x, np.array(0.3))
    assert before == pytest.approx(after, abs=1e-7)
    assert before[0] == 1
