"""Which team of a layer's pool runs: pinned, learned, asked, or the first. Every decision carries its reason.

Relation (arXiv 2506.09046): f_l = DynamicRoutingSelect(F_l, l, I_l, I). What does the choosing is not published; ours has tiers:
a pin; a bandit once every candidate has been scored often enough (UCB1: Auer et al., Machine Learning 47, 2002); one model call,
cached per kind of task by its content; the layer's first team.
"""

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from agents.context import Context
from agents.models.contract import Message, ModelError, ModelRequest, NotRecorded
from agents.spec import LayerSpec, TeamSpec

SCORED_USES = 8  # per candidate, before the record decides
EXPLORE = 0.5
TOKEN_PRICE = 1e-5  # score that a token is worth: 10,000 tokens weigh as much as a tenth of the score
Tier = Literal["only", "pin", "bandit", "router", "default"]


@dataclass(frozen=True)
class Route:
    team: TeamSpec
    tier: Tier
    reason: str = ""


class Choice(BaseModel):
    reason: str = Field(max_length=160)
    choice: str


async def route(layer: LayerSpec, ctx: Context, at: str) -> Route:
    """Pick a team for this kind of task."""
    if len(layer.teams) == 1:
        return Route(layer.teams[0], "only")
    if layer.pin is not None:
        return Route(layer.team(layer.pin), "pin")
    if all((r := ctx.teams.get(t.hash)) and r.uses >= SCORED_USES for t in layer.teams):
        return _bandit(layer, ctx)
    try:
        return await _ask(layer, ctx, at)
    except NotRecorded:
        raise
    except ModelError as e:
        return Route(layer.teams[0], "default", f"the router gave no choice: {e.kind}")


def _bandit(layer: LayerSpec, ctx: Context) -> Route:
    records = [(t, ctx.teams[t.hash]) for t in layer.teams]
    total = sum(r.uses for _, r in records)
    worth = {t.id: r.score - TOKEN_PRICE * r.tokens + EXPLORE * math.sqrt(math.log(total) / r.uses) for t, r in records}
    best = max(worth, key=worth.__getitem__)
    return Route(layer.team(best), "bandit", ", ".join(f"{t} {w:.3f}" for t, w in worth.items()))


async def _ask(layer: LayerSpec, ctx: Context, at: str) -> Route:
    """One structured call. The kind of task, not the task, goes in: the same question is answered from the cache."""
    teams = "\n".join(f"- {t.id}: {t.aggregator} of {', '.join(a.role or a.id for a in t.agents)}" for t in layer.teams)
    ask = "Choose the team that suits the kind of task best. Give a reason of one sentence, then the team's name."
    given = f"Kind of task: {ctx.task_kind or 'unknown'}\nGoal: {layer.goal or 'the task'}\nTeams:\n{teams}"
    schema = {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 160},
            "choice": {"enum": [t.id for t in layer.teams]},
        },
        "required": ["reason", "choice"],
        "additionalProperties": False,
    }
    talk = (Message(role="system", content=ask), Message(role="user", content=given))
    request = ModelRequest(model=ctx.model, messages=talk, answer_schema=schema, seed=ctx.seed, max_tokens=120)
    choice = await ctx.gateway.structured(request, Choice, at=at, purpose="route")
    if choice.choice not in {t.id for t in layer.teams}:
        return Route(layer.teams[0], "default", f"the router named {choice.choice!r}, which is no team")
    return Route(layer.team(choice.choice), "router", choice.reason)
