"""How the network and the flow learn: what their losses say, in which order they are trained, and where weights are kept.

The network's loss asks for balance, lines within limits, the conditions of optimality between its dispatch and its prices,
low cost, and the known optimum; the flow's for the straight way from the network's guess to that optimum.

Source: as `model`; the terms of the loss and their weights are those of papers/02, in units of the normal form.
Differs from it: errors of a dispatch count in the metric of the costs, which is what they cost.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import chain
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from tools.checkpoints import checkpoint_path, keep_checkpoint
from tools.contract import Desk, at_desk, progress
from tools.power.dc_opf.data import (
    LOWEST,
    UNSEEN,
    Lesson,
    draw_loads,
    draw_outages,
    highest_level,
    lesson,
    without_line,
)
from tools.power.dc_opf.grid import Grid
from tools.power.dc_opf.model import Case, DispatchNet, FlowNet, Guess, Ways, case_of, flow
from tools.power.dc_opf.network import Network
from tools.power.dc_opf.normal import Demands, NormalForm
from tools.power.dc_opf.project import Proposed
from tools.training import Learned, Training, batches, fit, load_or_train, made_with, seeded

TOOL = "solve_dc_opf"
SHIPPED = Path(__file__).parent / "weights"
_VERSION = 1
_NOISE = 0.02  # of a share, added to the guess so that the flow is known beside its path too
_INSIDE = 0.02  # of a share: a block so far from both ends counts as free to move
_FLOW_STEPS = 5  # in validation
_CHUNK = 128  # scenarios at a time, so that their features stay in the processor's cache


@dataclass(frozen=True)
class Plan:
    """What decides the result of a training, beside the grid."""

    scenarios: int = 2000
    outages: int = 12  # networks with one line less, which get a quarter of the scenarios
    hidden: int = 32
    layers: int = 3
    epochs: int = 20  # of the network, and as many again of the flow
    batch: int = 64
    rate: float = 3e-3
    seed: int = 0


class Nets(nn.Module):
    """Both nets of a grid, and which of its lines they were taught to watch."""

    def __init__(self, lines: int, hidden: int = 32, layers: int = 3) -> None:
        super().__init__()
        self.dispatch, self.flow = DispatchNet(hidden, layers), FlowNet(hidden)
        self.watched: Tensor
        self.register_buffer("watched", torch.zeros(lines, dtype=torch.bool))

    @torch.no_grad()
    def guess(self, form: NormalForm, demands: Demands, steps: int) -> Proposed:
        """Shares at which the flow arrives after so many steps, the network's own for none, with the network's prices."""
        found = []
        for i in range(0, len(demands.total), _CHUNK):
            case = case_of(form, demands.of(slice(i, i + _CHUNK)))
            guess = self.dispatch(case)
            found.append((flow(self.flow, case, guess, steps).T, guess.balance, guess.line.T))
        return Proposed(*(torch.cat(part).double().numpy() for part in zip(*found, strict=True)))


def nets_for(grid: Grid, plan: Plan | None = None) -> tuple[Nets, Learned]:
    """The nets of this grid: shipped, kept from an earlier training, or trained now."""
    plan = plan or plan_for(grid)
    nets = untrained(grid, plan)
    learned = load_or_train(TOOL, settings_of(grid, plan), nets, lambda: train(nets, grid, plan), shipped=SHIPPED)
    return nets.eval(), learned


def untrained(grid: Grid, plan: Plan) -> Nets:
    with seeded(plan.seed):
        return Nets(len(grid.lines), plan.hidden, plan.layers)


def settings_of(grid: Grid, plan: Plan) -> dict[str, Any]:
    """All that decides what is learned."""
    return {"grid": grid.name, "data": fingerprint(grid), "version": _VERSION, **asdict(plan)}


def plan_for(grid: Grid) -> Plan:
    """The plan of the published figures: fewer epochs where a step costs more, so that each grid is learned in minutes."""
    return Plan(epochs=20 if len(grid.at) < 100 else 12 if len(grid.at) < 300 else 8)


def fingerprint(grid: Grid) -> str:
    """What tells one grid's data from another's."""
    arrays = (np.ascontiguousarray(getattr(grid, f.name)) for f in fields(grid) if f.name not in {"name", "notes"})
    return hashlib.blake2b(b"".join(a.tobytes() for a in arrays), digest_size=8).hexdigest()


def train(nets: Nets, grid: Grid, plan: Plan) -> dict[str, Any]:
    """Train both nets in place, the flow after the network it starts from; returns the course of it."""
    progress(0, f"{grid.name}: drawing {plan.scenarios} scenarios and solving them")
    lessons, rehearsal, high = draw_lessons(grid, plan)
    nets.watched[lessons[0].form.lines] = True
    classes = [_Class.of(each) for each in lessons]
    test = _Class.of(rehearsal)

    def guess_error() -> float:
        return -_distance(test, nets.dispatch(test.case).share)

    def flow_error() -> float:
        return -_distance(test, flow(nets.flow, test.case, nets.dispatch(test.case), _FLOW_STEPS))

    with seeded(plan.seed + 1) as generator:
        first = _fit(nets.dispatch, classes, plan, generator, network_loss, guess_error, (0.1, 0.5), "network")
        guesses = [_detached(nets.dispatch, each.case) for each in classes]
        second = _fit(
            nets.flow,
            [each.starting_from(guess) for each, guess in zip(classes, guesses, strict=True)],
            plan,
            generator,
            lambda net, each: flow_loss(net, each, generator),
            flow_error,
            (0.5, 1.0),
            "flow",
        )
    return {
        "highest_level": high,
        "lines": int(nets.watched.sum()),
        "scenarios_solved": sum(len(each.best) for each in lessons),
        "network": asdict(first),
        "flow": asdict(second),
    }


def draw_lessons(grid: Grid, plan: Plan) -> tuple[list[Lesson], Lesson, float]:
    """Lessons on the whole network and on networks with one line less, one more to choose weights by, and the highest level."""
    random = np.random.default_rng(plan.seed)
    high = highest_level(grid)
    most = high - UNSEEN
    whole = Network(grid)
    many = plan.scenarios * 3 // 4 if plan.outages else plan.scenarios
    first = lesson(whole, draw_loads(grid, many, LOWEST, most, random), np.zeros(0, dtype=int))
    lessons = [first]
    for line in draw_outages(grid, plan.outages, random):
        less = without_line(grid, int(line))
        loads = draw_loads(less, max((plan.scenarios - many) // plan.outages, 1), LOWEST, most, random)
        known = np.array([k - (k > line) for k in first.form.lines if k != line], dtype=int)
        found = lesson(Network(less), loads, known)
        if len(found.best):
            lessons.append(found)
    return lessons, lesson(whole, draw_loads(grid, 200, LOWEST, most, random), first.form.lines), high


@dataclass(frozen=True)
class _Class:
    """A lesson as tensors, with the network's guess where the flow learns."""

    case: Case
    best: Float[Tensor, "g b"]
    guess: Guess | None = None

    @classmethod
    def of(cls, lesson: Lesson) -> "_Class":
        return cls(case_of(lesson.form, lesson.demands), torch.from_numpy(lesson.best.T.astype(np.float32)))

    def starting_from(self, guess: Guess) -> "_Class":
        return _Class(self.case, self.best, guess)

    def rows(self, rows: Tensor) -> "_Class":
        return _Class(self.case.of(rows), self.best[:, rows], self.guess.of(rows) if self.guess else None)


def network_loss(net: DispatchNet, each: _Class) -> Tensor:
    """What is wrong with a dispatch and its prices, and how far it is from the optimum."""
    case, guess = each.case, net(each.case)
    share, net_cost, load = guess.share, case.net_cost(guess.share, guess.balance, guess.line), case.load(guess.share)
    free = ((share > _INSIDE) & (share < 1 - _INSIDE)).detach()
    weight = case.weight
    balance = (weight @ share - case.total).square()
    overload = torch.relu(load.abs() - 1).square().sum(0)
    equal_cost = weight @ (free * net_cost).square()
    idle_lines = (guess.line.abs() / Ways.of(case).price[:, None] * torch.relu(1 - load.abs())).sum(0)
    at_limits = weight @ (torch.relu(-net_cost) * (1 - share) + torch.relu(net_cost) * share)
    cost = weight @ (case.offset[:, None] * share + case.slope[:, None] * share.square() / 2)
    label = case.metric @ (share - each.best).square()
    terms = balance + 10 * overload + 0.1 * equal_cost + 0.1 * idle_lines + 0.1 * at_limits + 0.1 * cost + 10 * label
    return torch.as_tensor(terms.mean())


def flow_loss(net: FlowNet, each: _Class, generator: torch.Generator) -> Tensor:
    """How far the velocity at a random time is from the straight way to the optimum."""
    case, guess = each.case, each.guess
    assert guess is not None
    start = case.balanced(guess.share)
    start = start + _NOISE * torch.randn(start.shape, generator=generator)
    time = torch.rand(start.shape[1], generator=generator)
    share = (1 - time) * start + time * each.best
    velocity = net(case, Ways.of(case), guess, share, time)
    return torch.as_tensor((case.metric @ (velocity - (each.best - start)).square()).mean())


def _distance(test: _Class, share: Float[Tensor, "g b"]) -> float:
    """Mean square of the error in the metric of the costs."""
    return float((test.case.metric @ (share - test.best).square()).mean())


def _fit(
    net: nn.Module,
    classes: Sequence[_Class],
    plan: Plan,
    generator: torch.Generator,
    loss: Callable[[Any, _Class], Tensor],
    error: Callable[[], float],
    share: tuple[float, float],
    what: str,
) -> Training:
    steps = plan.epochs * sum(-(-each.best.shape[1] // plan.batch) for each in classes)
    optimiser = torch.optim.Adam(net.parameters(), plan.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, total_steps=steps)

    def epoch() -> float:
        losses = []
        for each in _shuffled(classes, plan.batch, generator):
            optimiser.zero_grad()
            value = loss(net, each)
            value.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(value.detach()))
        return float(np.mean(losses))

    def score() -> float:
        with torch.no_grad():
            return error()

    return fit(net, epoch, epochs=plan.epochs, score=score, share=share, what=what)


def _shuffled(classes: Sequence[_Class], size: int, generator: torch.Generator) -> Iterator[_Class]:
    """All scenarios once, in batches of one network each, in random order."""
    parts = list(
        chain.from_iterable([(each, rows) for rows in batches(each.best.shape[1], size, generator)] for each in classes)
    )
    for i in torch.randperm(len(parts), generator=generator).tolist():
        each, rows = parts[i]
        yield each.rows(rows)


def _detached(net: DispatchNet, case: Case) -> Guess:
    with torch.no_grad():
        guess: Guess = net(case)
    return guess


def main(names: Sequence[str]) -> None:
    """Train the nets of these grids anew and put them into the distribution: python -m tools.power.dc_opf.learn case30"""
    from safetensors.torch import save_file

    from tools.power.dc_opf.shipped import shipped_grid

    torch.set_num_threads(1)
    for name in names:
        grid = shipped_grid(name)
        settings = settings_of(grid, plan_for(grid))
        nets = untrained(grid, plan_for(grid))
        started = process_time()
        with at_desk(Desk(lambda done, what: print(f"{done:4.0%} {what}", flush=True))):
            told = train(nets, grid, plan_for(grid))
        story = {"tool": TOOL, "settings": settings, **told, "seconds": round(process_time() - started, 1)}
        weights = {key: value.contiguous() for key, value in nets.state_dict().items()}
        place = SHIPPED / checkpoint_path(TOOL, settings).name
        keep_checkpoint(place, partial(save_file, weights), {**story, "made_with": made_with()})


if __name__ == "__main__":
    main(sys.argv[1:])
