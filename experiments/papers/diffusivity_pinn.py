"""The bar of arXiv 2309.17345: a well test solved and inverted by physics-informed networks, beside closed forms and DeepXDE.

The paper gives no table, so there is no paper's figure. All trainings run on one thread; of several seeds the worst counts.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any

from experiments.papers.bench import one_thread
from experiments.papers.lines import Line

if TYPE_CHECKING:
    import numpy as np

    from tools.reservoir.pressure_transient.forward import Quality
    from tools.reservoir.pressure_transient.model import Pressure
    from tools.reservoir.pressure_transient.tool import PressureTransientOutput

PAPER = 4
Say = Callable[[str], None]
EDGE, FIRST, LATEST = 1000.0, 10.0, 1e7  # of the circle that the bar names, in well radii and dimensionless time
STEPS = 200


def forward(say: Say) -> Sequence[Line]:
    """A well in a sealed circle of a thousand well radii, from infinite-acting to pseudo-steady flow."""
    ratings, seconds = [], []
    for seed in range(3):
        with one_thread():
            model, took = _learn(3, 12, STEPS, seed)
        ratings.append(_rating(model))
        seconds.append(took)
        say(f"seed {seed}: {_words(ratings[-1])}, {took:.0f} s")
    started = time.perf_counter()
    from tools.reservoir.pressure_transient import reference

    x, t = _grid()
    import numpy as np

    volumes = reference.finite_volume(np.exp(x), t, EDGE)
    took = time.perf_counter() - started
    apart = float(np.linalg.norm(volumes - _truth()) / np.linalg.norm(_truth()))
    worst = _worst
    balances = [100 * (r.balance or 0.0) for r in ratings]
    return [
        worst("circle: relative L2 of the field", [100 * r.rel_l2 for r in ratings], "%", 0.5, {"finite volumes": 100 * apart}),
        worst("circle: largest error at the well", [100 * r.well_error for r in ratings], "%", 1.5),
        Line(
            "circle: share of log time with the Bourdet derivative within 5 %",
            min(100 * r.derivative_good for r in ratings), "%", 90, seeds=3,
        ),
        worst("circle: fluid released against fluid produced, at 20 times", balances, "%", 0.5,
              note="the balance is also one of the residuals trained on"),
        worst("circle: training", [s / 60 for s in seconds], "min", 6, {"finite volumes": took / 60},
              note="finite volumes solve this in a second; the networks are no faster way to a forward answer"),
    ]  # fmt: skip


def step(say: Say) -> Sequence[Line]:
    """A strip whose face is set to another pressure, from the first thousandth of its length to equilibrium."""
    import numpy as np

    from tools.reservoir.pressure_transient.forward import rate, truth_of
    from tools.reservoir.pressure_transient.model import Pressure
    from tools.reservoir.pressure_transient.physics import Physics
    from tools.reservoir.pressure_transient.problem import Problem, evenly

    problem = Problem(evenly(math.log(101), 3), 1e4, 1 / 3, inner="pressure", drift=1)
    x, t = np.linspace(0, problem.cuts[-1], 61), np.geomspace(10, 1e4, 61)
    truth = truth_of(problem, "linear", x, t)
    errors = []
    for seed in range(3):
        with one_thread():
            model, _ = _trained(lambda g: Physics(Pressure(problem, 2, 12, g), balance_weight=10.0), STEPS, seed)
        errors.append(100 * rate(model, truth, x, t, np.ones(61)).rel_l2)
        say(f"seed {seed}: {errors[-1]:.4f} %")
    return [_worst("strip: relative L2 of the field", errors, "%", 0.1)]


def decomposition(say: Say) -> Sequence[Line]:
    """Three networks against one of as many weights, trained as long on the clock: the well's error of each."""
    ours, single, l2 = [], [], []
    for seed in range(3):
        with one_thread():
            model, took = _learn(3, 12, STEPS, seed)
            weights = sum(p.numel() for p in model.parameters())
            width = round((-5 + math.sqrt(25 + 4 * (weights - 1))) / 2)  # of two layers: w^2 + 5 w + 1 weights
            one, _ = _learn(1, width, 100_000, seed, seconds=took)
        mine, other = _rating(model), _rating(one)
        ours.append(100 * mine.well_error)
        single.append(100 * other.well_error)
        l2.append((mine.rel_l2, other.rel_l2))
        say(f"seed {seed}: three {_words(mine)}; one of {sum(p.numel() for p in one.parameters())} {_words(other)}")
    ratios = [b / a for a, b in zip(ours, single, strict=True)]
    fields = [b / a for a, b in l2]
    return [
        Line.over_seeds(
            "one network against three, same weights, same seconds: ratio of the well's errors",
            ratios,
            target=3.0,
            others={"three [%]": sum(ours) / 3, "one [%]": sum(single) / 3},
            note="Gauss-Newton learns this smooth field better with one network, which has no borders to match; the gain was "
            "claimed for first-order optimisers",
        ),
        Line.over_seeds("the same, ratio of the fields' errors", fields),
    ]


def optimisers(say: Say) -> Sequence[Line]:
    """The same networks trained by Adam and by L-BFGS for as long as Gauss-Newton takes."""
    lines = []
    with one_thread():
        model, took = _learn(3, 12, STEPS, 0)
        errors = {"gauss_newton": 100 * _rating(model).rel_l2}
        for name in ("adam", "lbfgs"):
            other, _ = _learn(3, 12, 100_000, 0, seconds=took, optimizer=name)
            errors[name] = 100 * _rating(other).rel_l2
            say(f"{name}: {errors[name]:.3f} %")
    lines.append(
        Line(
            "Gauss-Newton: relative L2 of the field after the same seconds",
            errors.pop("gauss_newton"),
            "%",
            others=errors,
        )
    )
    return lines


OIL: dict[str, Any] = {"phi": 0.2, "mu": 1.0, "ct": 1e-5, "h": 50.0, "q": 300.0, "B": 1.2, "rw": 0.3}
TRUE_K, TRUE_D = 50.0, 300.0


def fault(say: Say) -> Sequence[Line]:
    """Permeability and the distance to a sealing fault from the pressure at the well: clean, noisy, from ten poor starts."""
    import numpy as np

    t = np.geomspace(1 / 60, 200, 60)
    clean = _fault_record(TRUE_K, TRUE_D, t)
    draw = np.random.default_rng(0)
    noisy = [clean + draw.normal(0, 0.5, len(t)) for _ in range(3)]
    seconds = []

    def find(values: "np.ndarray", k: float, d: float, seed: int = 0, **more: Any) -> "PressureTransientOutput":
        started = time.perf_counter()
        with one_thread():
            out = _interpret(
                t, values, geometry="sealing_fault", unknowns=["k", "distance"], k=k, distance=d, seed=seed, **more
            )
        seconds.append(time.perf_counter() - started)
        return out

    exact = [find(clean, 30.0, 200.0, seed) for seed in range(3)]
    say(f"clean: k {[o.permeability for o in exact]}, d {[o.distance for o in exact]}")
    rough = [find(values, 30.0, 200.0, noise_sigma=0.5) for values in noisy]
    say(f"noisy: k {[o.permeability for o in rough]}, d {[o.distance for o in rough]}")
    classical = [_fit_fault(t, values) for values in noisy]
    ends = []
    for start in range(10):
        k, d = TRUE_K * 30 ** draw.uniform(-1, 1), TRUE_D * 30 ** draw.uniform(-1, 1)
        try:
            ends.append(find(noisy[0], k, d, start, noise_sigma=0.5))
            say(f"from k {k:.3g}, d {d:.4g}: k {ends[-1].permeability:.4g}, d {ends[-1].distance:.4g}")
        except Exception as error:
            say(f"from k {k:.3g}, d {d:.4g}: {type(error).__name__}: {error}")
    ks, ds = ([getattr(o, name) or math.nan for o in ends] for name in ("permeability", "distance"))
    of_k, of_d = (100 * (max(found) / min(found) - 1) if found else math.inf for found in (ks, ds))
    return [
        _worst("clean record: error of k", [_off(o.permeability, TRUE_K) for o in exact], "%", 1),
        _worst("clean record: error of d", [_off(o.distance, TRUE_D) for o in exact], "%", 3),
        _worst("0.5 psi of noise: error of k", [_off(o.permeability, TRUE_K) for o in rough], "%", 3,
               {"least squares on the closed form": max(_off(k, TRUE_K) for k, _ in classical)}),
        _worst("0.5 psi of noise: error of d", [_off(o.distance, TRUE_D) for o in rough], "%", 8,
               {"least squares on the closed form": max(_off(d, TRUE_D) for _, d in classical)}),
        Line("ten starts within a factor of 30: that end", len(ends), target=10),
        Line("the largest difference between those ends", max(of_k, of_d), "%", 2, at_most=True,
             note=f"of k {of_k:.2g} %, of d {of_d:.2g} %"),
        Line("an inversion", max(seconds) / 60, "min", 4, at_most=True),
    ]  # fmt: skip


def coverage(say: Say) -> Sequence[Line]:
    """Twenty random reservoirs with 0.5 psi of noise: how often the 95 % interval of k covers the truth."""
    import numpy as np

    draw = np.random.default_rng(1)
    hits, ratios = 0, []
    for case in range(20):
        k = 10 ** draw.uniform(0.5, 2.5)
        t = np.geomspace(1 / 60, 48, 40)
        values = _fault_record(k, math.inf, t) + draw.normal(0, 0.5, len(t))
        with one_thread():
            out = _interpret(
                t, values, geometry="radial_infinite", unknowns=["k"], k=k * 3 ** draw.uniform(-1, 1), noise_sigma=0.5
            )
        assert out.k_low is not None
        assert out.k_high is not None
        hits += out.k_low <= k <= out.k_high
        best = _fit_fault(t, values, fault=False)[0]
        ratios.append((_off(out.permeability, k), _off(best, k)))
        say(f"case {case}: k {k:.2f} in {out.k_low:.2f} to {out.k_high:.2f}; closed form {best:.2f}")
    ours, classical = (float(np.sqrt(np.mean([r[i] ** 2 for r in ratios]))) for i in (0, 1))
    return [
        Line("20 reservoirs: intervals that cover k", hits, target=18),
        Line("20 reservoirs: error of k by that of least squares on the closed form", ours / classical, target=1.3, at_most=True,
             others={"ours [%]": ours, "least squares [%]": classical}),
    ]  # fmt: skip


def pumping(say: Say) -> Sequence[Line]:
    """The Oude Korendijk pumping test: two piezometers, together and each alone, beside least squares on Theis' formula."""
    import numpy as np

    found, lines = {}, []
    for name, radii in (("joint", (30, 90)), ("30 m alone", (30,)), ("90 m alone", (90,))):
        rows = np.array([(t, s, r) for r in radii for t, s in _piezometer(r)])
        outs = []
        for seed in range(3):
            with one_thread():
                outs.append(_pumping(rows, seed))
            say(
                f"{name}, seed {seed}: T {outs[-1].transmissivity:.1f}, S {outs[-1].storativity:.3g}, {outs[-1].rmse_obs:.4f} m"
            )
        found[name] = outs, _fit_theis(rows)
    outs, (best_t, _, best) = found["joint"]
    inside = [abs((o.transmissivity or 0.0) - 463) for o in outs]
    lines += [
        _worst(
            "Oude Korendijk, joint: misfit",
            [o.rmse_obs or math.inf for o in outs],
            "m",
            0.055,
            {"Theis by least squares": best},
        ),
        _worst(
            "Oude Korendijk, joint: T away from 463 m2/d",
            inside,
            "m^2/d",
            23,
            {"Theis by least squares": abs(best_t - 463)},
        ),
    ]
    for name in ("30 m alone", "90 m alone"):
        outs, (best_t, _, best) = found[name]
        lines.append(
            _worst(
                f"Oude Korendijk, {name}: T off that of Theis", [_off(o.transmissivity, best_t) for o in outs], "%", 5
            )
        )
        lines.append(
            _worst(f"Oude Korendijk, {name}: misfit", [o.rmse_obs or math.inf for o in outs], "m", 1.3 * best,
                   {"Theis by least squares": best})
        )  # fmt: skip
    return lines


def zones(say: Say) -> Sequence[Line]:
    """A damaged or stimulated zone of 30 ft around the well: both permeabilities, where a single one is wrong."""
    import numpy as np

    from tools.reservoir.pressure_transient import reference

    t = np.geomspace(1 / 3600, 48, 60)
    diffusivity = 0.0002637 * TRUE_K / (OIL["phi"] * OIL["mu"] * OIL["ct"])
    scale = 141.2 * OIL["q"] * OIL["B"] * OIL["mu"] / (TRUE_K * OIL["h"])
    draw = np.random.default_rng(2)
    outer, inner, single = [], [], []
    for ratio in (0.2, 0.5, 2.0, 5.0):
        edge = 10 * math.sqrt(diffusivity * t[-1]) / OIL["rw"]
        clean = (
            scale
            * reference.finite_volume(
                np.ones(1), t * diffusivity / OIL["rw"] ** 2, edge, zone=(30 / OIL["rw"], ratio), cells=800
            )[0]
        )
        values = clean + draw.normal(0, 0.5, len(t))
        with one_thread():
            out = _interpret(
                t,
                values,
                geometry="radial_infinite",
                unknowns=["k", "skin_zone"],
                k=30.0,
                skin_radius=30.0,
                noise_sigma=0.5,
            )
        outer.append(_off(out.permeability, TRUE_K))
        inner.append(_off(out.skin_ratio, ratio))
        single.append(_off(_fit_fault(t, values, fault=False)[0], TRUE_K))
        say(f"ratio {ratio}: k {out.permeability:.2f}, ratio {out.skin_ratio:.3f}, single k off by {single[-1]:.0f} %")
    return [
        _worst("two zones (0.2, 0.5, 2, 5), 0.5 psi of noise: error of k", outer, "%", 10, {"a single k": max(single)}),
        _worst("two zones: error of the zone's ratio", inner, "%", 10),
        Line("two zones: least error of a single k", min(single), "%", 20),
    ]


def deepxde(say: Say) -> Sequence[Line]:
    """DeepXDE's plain network on the same circle, the same weights, for as long as ours took."""
    with one_thread():
        model, took = _learn(3, 12, STEPS, 0)
        error, well, steps = _deepxde_error(took, sum(p.numel() for p in model.parameters()))
    ours = _rating(model)
    say(f"DeepXDE: {steps} steps in {took:.0f} s, relative L2 {100 * error:.2f} %")
    return [
        Line("circle, same weights, same seconds: relative L2", 100 * ours.rel_l2, "%", 100 * error, at_most=True,
             others={"DeepXDE": 100 * error}),
        Line("the same, largest error at the well", 100 * ours.well_error, "%", 100 * well, at_most=True,
             others={"DeepXDE": 100 * well}),
    ]  # fmt: skip


PARTS = {
    "forward": forward,
    "step": step,
    "decomposition": decomposition,
    "optimisers": optimisers,
    "fault": fault,
    "coverage": coverage,
    "pumping": pumping,
    "zones": zones,
    "deepxde": deepxde,
}


def _worst(
    what: str,
    values: Sequence[float],
    unit: str,
    target: float,
    others: dict[str, float] | None = None,
    note: str = "",
) -> Line:
    spread = stdev(values) if len(values) > 1 else None
    return Line(
        what, max(values), unit, target, at_most=True, spread=spread, seeds=len(values), others=others or {}, note=note
    )


def _off(value: float | None, right: float) -> float:
    return 100 * abs((value or 0.0) / right - 1)


@dataclass
class _Clock:
    """Stops a training that says how far it is when its seconds are over."""

    seconds: float
    started: float = 0.0

    def __call__(self, step: int, loss: float) -> None:
        if time.perf_counter() - self.started > self.seconds:
            raise _TimeOver


class _TimeOver(Exception):
    pass


def _learn(
    subdomains: int, width: int, steps: int, seed: int, *, seconds: float = math.inf, optimizer: Any = "gauss_newton"
) -> "tuple[Pressure, float]":
    from tools.reservoir.pressure_transient.model import Pressure
    from tools.reservoir.pressure_transient.physics import Physics
    from tools.reservoir.pressure_transient.problem import Problem, evenly

    problem = Problem(evenly(math.log(EDGE), subdomains), LATEST, FIRST / 30)
    points = 1200 // subdomains
    return _trained(
        lambda g: Physics(Pressure(problem, 2, width, g), balance_weight=10.0),
        steps, seed, seconds=seconds, optimizer=optimizer, points=points,
    )  # fmt: skip


def _trained(
    make: Callable[[Any], Any],
    steps: int,
    seed: int,
    *,
    seconds: float = math.inf,
    optimizer: Any = "gauss_newton",
    points: int = 400,
) -> "tuple[Pressure, float]":
    from tools.reservoir.pressure_transient.forward import Settings, train
    from tools.training import seeded

    with seeded(seed) as generator:
        physics = make(generator)
        clock = _Clock(seconds, time.perf_counter())
        with suppress(_TimeOver):
            train(physics, Settings(optimizer=optimizer, steps=steps, points=points), generator, said=clock)
        return physics.model, time.perf_counter() - clock.started


def _grid() -> "tuple[np.ndarray, np.ndarray]":
    import numpy as np

    return np.linspace(0, math.log(EDGE), 61), np.geomspace(FIRST, LATEST, 121)


def _truth() -> "np.ndarray":
    import numpy as np

    from tools.reservoir.pressure_transient import reference

    x, t = _grid()
    field: np.ndarray = reference.bounded_circle(np.exp(x)[:, None], t[None, :], EDGE)
    return field


def _rating(model: "Pressure") -> "Quality":
    import numpy as np

    from tools.reservoir.pressure_transient import reference
    from tools.reservoir.pressure_transient.forward import rate

    x, t = _grid()
    near = np.exp(1e-3)
    well = [reference.bounded_circle(np.array(1.0), t * factor, EDGE) for factor in (near, 1 / near)]
    return rate(model, _truth(), x, t, (well[0] - well[1]) / 2e-3)


def _words(quality: "Quality") -> str:
    balance = "" if quality.balance is None else f", balance {100 * quality.balance:.3f} %"
    return f"L2 {100 * quality.rel_l2:.3f} %, well {100 * quality.well_error:.3f} %{balance}"


def _interpret(t: "np.ndarray", values: "np.ndarray", **more: Any) -> "PressureTransientOutput":
    from tools.reservoir.pressure_transient.answer import answer
    from tools.reservoir.pressure_transient.tool import PressureTransientInput

    rows = [[float(a), float(b)] for a, b in zip(t, values, strict=True)]
    return answer(PressureTransientInput(mode="inverse", observations=rows, **OIL, **more))


def _pumping(rows: "np.ndarray", seed: int) -> "PressureTransientOutput":
    from tools.reservoir.pressure_transient.answer import answer
    from tools.reservoir.pressure_transient.tool import PressureTransientInput

    return answer(
        PressureTransientInput(
            mode="inverse", units="metric", q=788.0, time_unit="min", observations=rows.tolist(), unknowns=["k", "S"],
            k=200.0, storativity=5e-4, seed=seed,
        )
    )  # fmt: skip


def _fault_record(k: float, d: float, t: "np.ndarray") -> "np.ndarray":
    """Pressure drop [psi] at times t [h]: the well by an inverted Laplace transform, its image as a line source."""
    import numpy as np

    from tools.reservoir.pressure_transient import reference

    diffusivity = 0.0002637 * k / (OIL["phi"] * OIL["mu"] * OIL["ct"])
    scale = 141.2 * OIL["q"] * OIL["B"] * OIL["mu"] / (k * OIL["h"])
    td = t * diffusivity / OIL["rw"] ** 2
    drop = reference.bounded_circle(np.array(1.0), td, 20 * math.sqrt(td[-1]))
    if math.isfinite(d):
        drop = drop + reference.line_source(np.array(2 * d / OIL["rw"]), td)
    drops: np.ndarray = scale * drop
    return drops


def _fit_fault(t: "np.ndarray", values: "np.ndarray", *, fault: bool = True) -> tuple[float, float]:
    """Permeability and distance by least squares on the closed form, from the truth: what the noise alone costs."""
    import numpy as np
    from scipy.optimize import least_squares

    def misfit(theta: "np.ndarray") -> "np.ndarray":
        off: np.ndarray = _fault_record(math.exp(theta[0]), math.exp(theta[1]) if fault else math.inf, t) - values
        return off

    start = np.log([TRUE_K, TRUE_D] if fault else [TRUE_K])
    best = least_squares(misfit, start).x
    return math.exp(best[0]), math.exp(best[1]) if fault else math.inf


def _piezometer(radius: int) -> "np.ndarray":
    import numpy as np

    folder = Path(os.environ.get("BACKPROSE_DATA") or Path(__file__).parents[2].parent / "shared" / "data") / "pumping"
    path = folder / f"oudekorendijk_h{radius}.dat"
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not in {folder}: set BACKPROSE_DATA to the folder that holds pumping/")
    table: np.ndarray = np.loadtxt(path)
    return table


def _fit_theis(rows: "np.ndarray") -> tuple[float, float, float]:
    """T [m2/d], S and the misfit [m] of the Theis curve that fits best."""
    import numpy as np
    from scipy.optimize import least_squares

    from tools.reservoir.pressure_transient import reference

    def misfit(theta: "np.ndarray") -> "np.ndarray":
        big_t, s = np.exp(theta)
        td = rows[:, 0] / 1440 * big_t / s
        off: np.ndarray = 788 / (2 * math.pi * big_t) * reference.line_source(rows[:, 2], td) - rows[:, 1]
        return off

    best = least_squares(misfit, np.log([400, 2e-4]))
    return math.exp(best.x[0]), math.exp(best.x[1]), float(np.sqrt(np.mean(best.fun**2)))


def _deepxde_error(seconds: float, weights: int) -> tuple[float, float, int]:
    """Relative L2, largest relative error at the well, and Adam steps of DeepXDE's network after this many seconds."""
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    import deepxde as dde
    import numpy as np
    import torch

    dde.config.set_default_float("float64")
    dde.config.set_random_seed(0)
    length, span = math.log(EDGE), math.log10(1 + LATEST)

    def equation(xs: Any, p: Any) -> Any:
        p_xx, p_s = dde.grad.hessian(p, xs, i=0, j=0), dde.grad.jacobian(p, xs, i=0, j=1)
        stiffness = torch.exp(2 * xs[:, :1] - math.log(10) * xs[:, 1:]) / math.log(10)
        return (p_xx - stiffness * p_s) / torch.sqrt(1 + stiffness)

    space = dde.geometry.GeometryXTime(dde.geometry.Interval(0, length), dde.geometry.TimeDomain(0, span))
    conditions = [
        dde.icbc.OperatorBC(
            space, lambda xs, p, _: dde.grad.jacobian(p, xs, i=0, j=0) + 1, lambda x, on: on and x[0] < 1e-9
        ),
        dde.icbc.OperatorBC(
            space, lambda xs, p, _: dde.grad.jacobian(p, xs, i=0, j=0), lambda x, on: on and x[0] > length - 1e-9
        ),
    ]
    data = dde.data.TimePDE(space, equation, conditions, num_domain=1200, num_boundary=200)
    width = round((-6 + math.sqrt(36 + 8 * (weights - 1))) / 4)  # of three layers: 2 w^2 + 6 w + 1 weights
    net = dde.nn.FNN([2, width, width, width, 1], "tanh", "Glorot normal")
    net.apply_output_transform(lambda xs, p: p * (1 - torch.exp(1 - 10 ** xs[:, 1:])) * 10)
    model = dde.Model(data, net)
    model.compile("adam", lr=1e-3)
    stop = dde.callbacks.Timer(seconds / 60)
    _, state = model.train(iterations=1_000_000, callbacks=[stop], display_every=100_000, verbose=0)
    x, t = _grid()
    truth, s = _truth(), np.log10(1 + t)
    grid = np.stack([np.repeat(x, len(t)), np.tile(s, len(x))], axis=1)
    field = model.predict(grid).reshape(len(x), len(t))
    error = float(np.linalg.norm(field - truth) / np.linalg.norm(truth))
    return error, float(np.max(np.abs(field[0] / truth[0] - 1))), int(state.step)
