"""The networks' derivatives are derivatives, their residuals vanish on a solution, their training is what it says."""

import math

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tools.reservoir.pressure_transient import reference
from tools.reservoir.pressure_transient.forward import Settings, balance, train
from tools.reservoir.pressure_transient.model import Jet, Pressure, jacobian
from tools.reservoir.pressure_transient.physics import Physics
from tools.reservoir.pressure_transient.problem import Problem, evenly
from tools.reservoir.pressure_transient.train import _normal, sample, total

SMALL = Problem(evenly(math.log(100), 3), 1e4, 0.3, mobility=(0.5, 1.0, 1.0))


def pressure(problem: Problem = SMALL, seed: int = 0) -> Pressure:
    return Pressure(problem, 2, 8, torch.Generator().manual_seed(seed))


def test_jets_are_the_derivatives_that_autograd_finds() -> None:
    model = pressure()
    x, s = (torch.rand(7, dtype=torch.float64, requires_grad=True) for _ in range(2))
    jet = model.jet(0, x, s)
    by_x, by_s = torch.autograd.grad(jet.p.sum(), (x, s), create_graph=True)
    by_xx = torch.autograd.grad(by_x.sum(), x)[0]
    for ours, theirs in ((jet.x, by_x), (jet.s, by_s), (jet.xx, by_xx)):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_jacobian_has_the_gradient_of_each_point_in_its_row() -> None:
    model = pressure()
    x, s = torch.rand(5, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    jet = model.jet(0, x, s)
    values = jet.xx - jet.s**2 + jet.p * jet.x
    rows = jacobian(values, jet.tape)
    for k in range(5):
        gradient = torch.autograd.grad(values[k], list(model.networks[0].parameters()), retain_graph=True)
        torch.testing.assert_close(rows[k], torch.cat([g.flatten() for g in gradient]))


@pytest.mark.parametrize("free", [(), (0, 1, 2)])
def test_the_normal_matrix_belongs_to_the_sum_of_squares(free: tuple[int, ...]) -> None:
    """Its right side is half the gradient, by autograd for the weights and by differences for the unknowns."""
    model = pressure()
    physics = Physics(model, free=free, balance_weight=3.0)
    points = sample(physics, 20, torch.Generator().manual_seed(1))
    each = model.parameters_each
    _, slope, loss = _normal(physics.blocks(points, derivatives=True), each, 3, len(free))
    value = total(physics, points)
    gradient = torch.autograd.grad(value, list(model.parameters()))
    assert loss == pytest.approx(value.item())
    torch.testing.assert_close(2 * slope[: 3 * each], torch.cat([g.flatten() for g in gradient]))
    for column, unknown in enumerate(free):
        ends = []
        for change in (1e-6, -1e-6):
            physics.theta = torch.zeros(4, dtype=torch.float64)
            physics.theta[unknown] = change
            ends.append(total(physics, points).item())
        assert 2 * slope[3 * each + column].item() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


def test_the_equation_holds_for_the_line_source() -> None:
    """The residual of a known solution, differentiated by autograd, is zero: the equation is the right one."""
    problem = Problem(evenly(math.log(100), 3), 1e4, 0.3)
    physics = Physics(pressure(problem))
    x = torch.linspace(1, 3, 9, dtype=torch.float64, requires_grad=True)
    s = torch.linspace(3, 4, 9, dtype=torch.float64, requires_grad=True)
    t = problem.ramp * (10**s - 1)
    p = -0.5 * _ei(-torch.exp(2 * x) / (4 * t))
    by_x, by_s = torch.autograd.grad(p.sum(), (x, s), create_graph=True)
    by_xx = torch.autograd.grad(by_x.sum(), x)[0]
    rest = physics.equation(1, Jet(p, by_x, by_xx, by_s, []), x, s, torch.zeros(9, 4, dtype=torch.float64))
    assert rest.abs().max().item() < 1e-9


def _ei(z: torch.Tensor) -> torch.Tensor:
    """The exponential integral of negative z, by a convergent series."""
    total_, term = 0.5772156649015329 + torch.log(-z), torch.ones_like(z)
    for k in range(1, 80):
        term = term * z / k
        total_ = total_ + term / k
    return total_


def test_nothing_moves_before_the_start_and_nothing_is_ever_negative() -> None:
    model = pressure()
    x = torch.linspace(0, SMALL.cuts[1], 50, dtype=torch.float64)
    assert model.jet(0, x, torch.zeros_like(x)).p.abs().max() == 0
    assert model.jet(0, x, torch.full_like(x, SMALL.span)).p.min() > 0


def test_fluid_released_equals_fluid_produced_and_the_well_is_right_after_a_short_training() -> None:
    problem = Problem(evenly(math.log(30), 2), 1e3, 0.3)
    generator = torch.Generator().manual_seed(0)
    model = Pressure(problem, 2, 8, generator)
    physics = Physics(model, balance_weight=10.0)
    history = train(physics, Settings(width=8, steps=100, points=150), generator)
    t = np.geomspace(10, 1e3, 20)
    well = model.at(0.0, torch.from_numpy(t))[0].numpy()
    assert history.loss[-1] < 1e-3 < history.loss[0]
    assert well == pytest.approx(reference.bounded_circle(np.array(1.0), t, 30.0), rel=0.02)
    assert balance(model, 10.0) < 0.02


def test_the_same_seed_learns_the_same() -> None:
    def once() -> torch.Tensor:
        generator = torch.Generator().manual_seed(5)
        model = Pressure(SMALL, 2, 8, generator)
        train(Physics(model), Settings(width=8, steps=3, points=30), generator)
        return parameters_to_vector(model.parameters()).detach()

    assert torch.equal(once(), once())


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_other_optimisers_lower_the_loss_and_reach_every_weight(optimizer: str) -> None:
    generator = torch.Generator().manual_seed(0)
    model = Pressure(SMALL, 2, 8, generator)
    before = parameters_to_vector(model.parameters()).detach().clone()
    history = train(Physics(model), Settings(width=8, optimizer=optimizer, steps=40, points=50), generator)  # type: ignore[arg-type]
    after = parameters_to_vector(model.parameters()).detach()
    assert history.loss[-1] < history.loss[0]
    assert bool((before != after).all())
    vector_to_parameters(before, model.parameters())
