"""Exact and numerical solutions of the same problems by other means: what the networks are measured against.

Sources: A. F. van Everdingen, W. Hurst, Trans. AIME 186 (1949) 305 (bounded circle, by Laplace transform); C. V. Theis,
Trans. AGU 16 (1935) 519 (line source); H. S. Carslaw, J. C. Jaeger, Conduction of Heat in Solids (1959), ch. III (strip);
H. Stehfest, Commun. ACM 13 (1970) 47 (numerical inversion).
"""

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.integrate import solve_ivp
from scipy.sparse import diags_array
from scipy.special import erfc, exp1, i0e, i1e, k0e, k1e

Array = Float[ndarray, "..."]
_TERMS = 12  # of the Stehfest sum: more than 16 lose all digits in double precision


def line_source(r: Array, t: Array) -> Array:
    """Dimensionless pressure change of a line source at a constant rate in an infinite medium (Theis)."""
    answer: Array = 0.5 * exp1(r**2 / (4 * t))
    return answer


def bounded_circle(r: Array, t: Array, edge: float) -> Array:
    """Dimensionless pressure change of a well of radius 1 at a constant rate in a circle sealed at radius `edge`.

    Args:
        r: Radii, from 1 to `edge`.
        t: Times, at least 1: earlier the inversion loses its digits.
        edge: Outer radius.
    """

    def transform(s: Array) -> Array:
        root = np.sqrt(s)
        a, b = edge * root, r * root
        above = k1e(a) * i0e(b) * np.exp(b + root - 2 * a) + i1e(a) * k0e(b) * np.exp(root - b)
        below = i1e(a) * k1e(root) - k1e(a) * i1e(root) * np.exp(2 * (root - a))
        answer: Array = above / (s**1.5 * below)
        return answer

    total = sum(v * transform((k + 1) * math.log(2) / t) for k, v in enumerate(_stehfest()))
    answer: Array = total * math.log(2) / t
    return answer


def _stehfest() -> list[float]:
    half = _TERMS // 2
    weights = []
    for i in range(1, _TERMS + 1):
        parts = [
            k**half
            * math.factorial(2 * k)
            / (
                math.factorial(half - k)
                * math.factorial(k)
                * math.factorial(k - 1)
                * math.factorial(i - k)
                * math.factorial(2 * k - i)
            )
            for k in range((i + 1) // 2, min(i, half) + 1)
        ]
        weights.append((-1) ** (i + half) * sum(parts))
    return weights


def strip(x: Array, t: Array) -> Array:
    """Pressure change in a strip of length 1 whose face is set to 1 at time 0, the other end sealed."""
    x, t = np.broadcast_arrays(x, t)
    reach = 2 * np.sqrt(t)
    k = np.arange(4).reshape(-1, *[1] * x.ndim)
    early = np.sum((-1.0) ** k * (erfc((2 * k + x) / reach) + erfc((2 * k + 2 - x) / reach)), axis=0)
    m = (np.arange(30).reshape(-1, *[1] * x.ndim) + 0.5) * math.pi
    late = 1 - np.sum(2 / m * np.sin(m * x) * np.exp(-(m**2) * t), axis=0)
    answer: Array = np.where(t < 0.3, early, late)
    return answer


def finite_volume(
    r: Float[ndarray, " m"],
    t: Float[ndarray, " n"],
    edge: float,
    *,
    zone: tuple[float, float] | None = None,
    cells: int = 400,
) -> Float[ndarray, "m n"]:
    """Dimensionless pressure change of a well of radius 1 at a constant rate, by finite volumes in ln r and an implicit solver.

    Args:
        r: Radii, from 1 to `edge`.
        t: Times, ascending.
        edge: Sealed outer radius.
        zone: Radius and relative mobility of a zone around the well.
        cells: Rings, even in ln r.
    """
    length = math.log(edge)
    walls = np.linspace(0, length, cells + 1)
    if zone:  # a wall stands on the border of the zone
        walls += math.log(zone[0]) - walls[np.argmin(np.abs(walls - math.log(zone[0])))]
        walls[0], walls[-1] = 0, length
    middle = (walls[:-1] + walls[1:]) / 2
    half = np.diff(walls) / 2
    mobility = np.where(middle < math.log(zone[0]), zone[1], 1.0) if zone else np.ones(cells)
    volume = (np.exp(2 * walls[1:]) - np.exp(2 * walls[:-1])) / 2
    between = 1 / (half[:-1] / mobility[:-1] + half[1:] / mobility[1:])
    loss = np.zeros(cells)
    loss[:-1] += between
    loss[1:] += between
    matrix = diags_array(
        [between / volume[1:], -loss / volume, between / volume[:-1]], offsets=[-1, 0, 1], format="csc"
    )
    source = np.zeros(cells)
    source[0] = 1 / volume[0]
    out = solve_ivp(
        lambda _, p: matrix @ p + source,
        (0, t[-1]),
        np.zeros(cells),
        method="BDF",
        t_eval=t,
        jac=matrix,
        rtol=1e-7,
        atol=1e-10,
    )
    at_well = out.y[0] + half[0] / mobility[0]  # unit flux through the first half cell
    places, values = np.concatenate([[0.0], middle]), np.vstack([at_well, out.y])
    answer: Float[ndarray, "m n"] = np.array([_between(np.log(x), places, values) for x in r])
    return answer


def _between(x: float, places: Float[ndarray, " m"], values: Float[ndarray, "m n"]) -> Float[ndarray, " n"]:
    k = int(np.clip(np.searchsorted(places, x), 1, len(places) - 1))
    share = (x - places[k - 1]) / (places[k] - places[k - 1])
    answer: Float[ndarray, " n"] = values[k - 1] + share * (values[k] - values[k - 1])
    return answer
