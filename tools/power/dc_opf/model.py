"""A graph network that guesses a dispatch and its prices, and a flow that carries the guess towards the optimum.

The graph joins the blocks of generators to the lines that may bind, each pair by the distribution factor between them: the
demand enters the problem through the flows of these lines and its total alone (see `normal`), so nothing is lost and a graph
of thousands of buses becomes one of some hundred nodes. Neither net knows a block or a line by name. What it learned holds for
other outages and limits too; turning a line round or naming blocks in another order changes nothing.

Source: K. Khanal, Refining graphical neural network predictions using flow matching for optimal power flow with constraint
satisfaction guarantee, arXiv 2512.11127 (2025): a physics-informed network, a flow from its guess, a projection.
Differs from it: the graph above instead of buses and branches; the flow takes the network's view of the scenario as it stands
and looks at the loading of the lines anew in every step; the projection is exact (see `repair`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from tools.power.dc_opf.normal import Demands, NormalForm
from tools.power.dc_opf.repair import cheapest, level, metric_of

_BLOCK_FEATURES, _LINE_FEATURES = 7, 5
_TIME = 32


@dataclass(frozen=True)
class Case:
    """b scenarios on one network as tensors; blocks and lines come first, scenarios second, features last."""

    weight: Float[Tensor, " g"]
    offset: Float[Tensor, " g"]
    slope: Float[Tensor, " g"]
    metric: Float[Tensor, " g"]
    effect: Float[Tensor, "k g"]
    total: Float[Tensor, " b"]
    idle: Float[Tensor, "k b"]
    level: Float[Tensor, " b"]  # price of the balance if lines had no limits
    start: Float[Tensor, "g b"]  # shares at that price, the cheapest if lines had no limits

    def of(self, rows: Tensor) -> "Case":
        """Some of the scenarios."""
        each = (self.total[rows], self.idle[:, rows], self.level[rows], self.start[:, rows])
        return Case(self.weight, self.offset, self.slope, self.metric, self.effect, *each)

    @cached_property
    def side(self) -> Float[Tensor, "k b"]:
        """Direction of each line's flow at the start; seen along it, a line looks the same whichever way it is named."""
        return torch.where(self.idle + self.effect @ self.start < 0, -1.0, 1.0)

    def load(self, share: Float[Tensor, "g b"]) -> Float[Tensor, "k b"]:
        """Loading of each line, as a share of its limit."""
        return self.idle + self.effect @ share

    def net_cost(self, share: Tensor, balance: Tensor, line: Tensor) -> Float[Tensor, "g b"]:
        """Marginal cost of each block less its price."""
        paid = balance - (self.effect.T @ line) / self.weight[:, None]
        return self.offset[:, None] + self.slope[:, None] * share - paid

    def balanced(self, share: Float[Tensor, "g b"]) -> Float[Tensor, "g b"]:
        """The shares moved by the same amount so that they meet the demand; weights add up to one."""
        return share + (self.total - self.weight @ share)


def case_of(form: NormalForm, demands: Demands) -> Case:
    """The tensors of these scenarios."""
    metric, total, zero = metric_of(form), demands.total, cheapest(form, demands)
    price = level(zero, form.weight / metric, form.weight, total)
    start = np.clip(zero + price[:, None] * form.weight / metric, 0, 1)
    arrays = (
        *(form.weight, form.offset, form.slope, metric, form.effect),
        *(total, demands.idle.T, price, start.T),
    )
    return Case(*(torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for a in arrays))


@dataclass(frozen=True)
class Guess:
    """What the network makes of a case."""

    share: Float[Tensor, "g b"]
    balance: Float[Tensor, " b"]  # price of the balance
    line: Float[Tensor, "k b"]  # price of each line, positive along it
    blocks: Float[Tensor, "g b h"]  # its view of each block
    lines: Float[Tensor, "k b h"]  # and of each line

    def of(self, rows: Tensor) -> "Guess":
        """Some of the scenarios."""
        return Guess(
            self.share[:, rows], self.balance[rows], self.line[:, rows], self.blocks[:, rows], self.lines[:, rows]
        )


class DispatchNet(nn.Module):
    """Messages pass from blocks to lines by distribution factors, and back by what a line's price does to a block."""

    def __init__(self, hidden: int = 32, layers: int = 3) -> None:
        super().__init__()
        self.hidden, self.layers = hidden, layers
        self.read_block = nn.Linear(_BLOCK_FEATURES, hidden)
        self.read_line = nn.Linear(_LINE_FEATURES, hidden)
        self.rounds = nn.ModuleList(_Round(hidden) for _ in range(layers))
        self.say_share = nn.Linear(hidden, 1)
        self.say_balance = nn.Linear(hidden, 1)
        self.say_line = nn.Linear(hidden, 1)

    def forward(self, case: Case) -> Guess:
        ways = Ways.of(case)
        blocks, lines = self.read_block(_block_features(case)), self.read_line(_line_features(case, ways))
        for each in self.rounds:
            blocks, lines = each(case, ways, blocks, lines)
        seen = torch.einsum("g,gbh->bh", case.weight, blocks)
        # a price relieves its line alone, so it has the side of the flow
        line = case.side * nn.functional.softplus(self.say_line(lines)[..., 0] - 2) * ways.price[:, None]
        return Guess(
            share=torch.sigmoid(self.say_share(blocks)[..., 0]),
            balance=case.level + self.say_balance(seen)[..., 0],
            line=line,
            blocks=blocks,
            lines=lines,
        )


class FlowNet(nn.Module):
    """The velocity of the dispatch at a time from 0 (the guess) to 1 (the optimum)."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.hidden = hidden
        self.line = nn.Sequential(nn.Linear(hidden + 3, hidden), nn.SiLU(), nn.Linear(hidden, hidden // 2))
        self.time = nn.Linear(_TIME, hidden)
        self.context = nn.Linear(hidden, hidden)
        self.now = nn.Linear(hidden // 2 + 5, hidden)
        self.inner = nn.Linear(hidden, hidden)
        self.velocity = nn.Linear(hidden, 1)

    def forward(self, case: Case, ways: "Ways", guess: Guess, share: Tensor, time: Tensor) -> Float[Tensor, "g b"]:
        along = case.side * case.load(share)
        over = torch.relu(along - 1) / ways.reach[:, None]
        pressure = self.line(torch.cat([guess.lines, torch.stack([along, over, guess.line * case.side], -1)], -1))
        reached = _spread(ways.back, case.side[..., None] * pressure)
        net = case.net_cost(share, guess.balance, guess.line)
        wanted = (share - net / case.slope.clamp(min=0.05)[:, None]).clamp(
            0, 1
        )  # where the guessed prices would put it
        now = torch.stack([share, net, wanted, guess.share, torch.relu(share - 1) - torch.relu(-share)], -1)
        hidden = self.now(torch.cat([reached, now], -1)) + self.context(guess.blocks) + self.time(_embedded(time))
        hidden = nn.functional.silu(hidden)
        hidden = hidden + nn.functional.silu(self.inner(hidden))
        return torch.as_tensor(self.velocity(hidden)[..., 0])


def flow(net: FlowNet, case: Case, guess: Guess, steps: int) -> Float[Tensor, "g b"]:
    """Where the flow has carried the guess at time 1, by Euler's method; each step keeps the balance."""
    ways, share = Ways.of(case), case.balanced(guess.share)
    for step in range(steps):
        time = torch.full_like(case.total, step / steps)
        share = case.balanced(share + net(case, ways, guess, share, time) / steps)
    return share


@dataclass(frozen=True)
class Ways:
    """Along what messages pass, each row scaled to size one, and the scales."""

    forth: Float[Tensor, "k g"]  # what a block's share does to a line
    back: Float[Tensor, "k g"]  # what a line's price does to a block's share
    reach: Float[Tensor, " k"]  # change of loading if every block went the right way from end to end
    price: Float[Tensor, " k"]  # price of the line that changes what a block is paid by one spread of costs

    @classmethod
    def of(cls, case: Case) -> "Ways":
        reach = case.effect.abs().sum(1).clamp(min=1e-9)
        moves = case.effect / case.metric
        size = moves.square().mean(1).sqrt().clamp(min=1e-9)
        paid = (case.effect / case.weight).square().mean(1).sqrt().clamp(min=1e-9)
        return cls(case.effect / reach[:, None], moves / size[:, None], reach, 1 / paid)


class _Round(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.tell_line, self.tell_block = nn.Linear(hidden, hidden // 2), nn.Linear(hidden, hidden // 2)
        self.tell_all = nn.Linear(hidden, hidden // 2)
        self.line = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.block = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.norm_line, self.norm_block = nn.LayerNorm(hidden), nn.LayerNorm(hidden)

    def forward(self, case: Case, ways: Ways, blocks: Tensor, lines: Tensor) -> tuple[Tensor, Tensor]:
        side = case.side[..., None]
        everywhere = torch.einsum("g,gbh->bh", case.weight, self.tell_all(blocks))[None]
        heard = side * _gather(ways.forth, self.tell_line(blocks))
        lines = self.norm_line(lines + self.line(torch.cat([lines, heard, everywhere.expand_as(heard)], -1)))
        reached = _spread(ways.back, side * self.tell_block(lines))
        blocks = self.norm_block(blocks + self.block(torch.cat([blocks, reached, everywhere.expand_as(reached)], -1)))
        return blocks, lines


def _gather(ways: Float[Tensor, "k g"], said: Float[Tensor, "g b c"]) -> Float[Tensor, "k b c"]:
    return torch.as_tensor(ways @ said.flatten(1)).view(-1, *said.shape[1:])


def _spread(ways: Float[Tensor, "k g"], said: Float[Tensor, "k b c"]) -> Float[Tensor, "g b c"]:
    return torch.as_tensor(ways.T @ said.flatten(1)).view(-1, *said.shape[1:]) * 0.3


def _block_features(case: Case) -> Float[Tensor, "g b f"]:
    b, g = len(case.total), len(case.weight)
    still = torch.stack([case.offset, case.slope, torch.log(case.weight * g)], -1)
    net = case.offset[:, None] + case.slope[:, None] * case.start - case.level
    moving = torch.stack(
        [
            case.start,
            net,
            (case.level - case.offset[:, None]) / case.slope.clamp(min=0.05)[:, None],
            case.total.expand(g, b),
        ],
        -1,
    )
    return torch.cat([still[:, None].expand(g, b, 3), moving.clamp(-5, 5)], -1)


def _line_features(case: Case, ways: Ways) -> Float[Tensor, "k b f"]:
    k, b = case.idle.shape
    along = case.side * case.load(case.start)
    over = torch.relu(along - 1)
    return torch.stack(
        [
            along,
            over,
            over / ways.reach[:, None],
            torch.log(ways.reach)[:, None].expand(k, b),
            case.total.expand(k, b),
        ],
        -1,
    ).clamp(-5, 5)


def _embedded(time: Float[Tensor, " b"]) -> Float[Tensor, "b t"]:
    """Sines and cosines of the time at frequencies from one to a hundred."""
    angle = time[:, None] * torch.logspace(0, 2, _TIME // 2)
    return torch.cat([torch.sin(angle), torch.cos(angle)], -1)
