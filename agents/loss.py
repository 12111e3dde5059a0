"""The loss of an answer: a metric against a reference, a checker, a tool's own metric, or judges; a score and why.

Scores run from 0 (wrong) to 1 (right).
"""

import asyncio
import json
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from agents.aggregate import normal_form
from agents.answer import Answer
from agents.check import mentions
from agents.context import Context
from agents.models.contract import Message, ModelRequest
from agents.prompt import describe
from tools import get_tool


@dataclass(frozen=True)
class Loss:
    """How good an answer is: `score` in [0, 1], `words` that say why, and what measured it."""

    score: float
    words: str
    by: str


Scorer = Callable[[str, Answer, Context], Awaitable[Loss]]


def metric(expected: float | str, *, tolerance: float = 1e-3) -> Scorer:
    """Score against a known result.

    Args:
        expected: A number, or the words of the right answer.
        tolerance: Largest relative difference of a right number.
    """

    async def score(task: str, answer: Answer, ctx: Context) -> Loss:
        if answer.refused:
            return Loss(0.0, f"it was refused ({answer.text}), but there is an answer", "metric")
        if isinstance(expected, str):
            given = normal_form(answer)
            right = given == normal_form(Answer(text=expected))
            return Loss(float(right), "right" if right else f"{given!r} is not {expected!r}", "metric")
        value = answer.value if isinstance(answer.value, float) else _last_number(answer.text)
        if value is None:
            return Loss(0.0, f"no number in {answer.text!r}", "metric")
        right = math.isclose(value, expected, rel_tol=tolerance, abs_tol=1e-12)
        return Loss(float(right), "right" if right else f"{value:g} is not {expected:g}", "metric")

    return score


def checked(check: Callable[[str, Answer], tuple[float, str]]) -> Scorer:
    """Score by a deterministic function of task and answer that returns a score and words."""

    async def score(task: str, answer: Answer, ctx: Context) -> Loss:
        value, words = check(task, answer)
        return Loss(value, words, "checker")

    return score


def by_tool(worst: float, best: float) -> Scorer:
    """Score by the metric of the tool that the answer stands on, for tasks whose tool says how good its result is.

    Args:
        worst: The tool's own score that counts as 0.
        best: The one that counts as 1; smaller than `worst` where less is better.
    """
    if worst == best:
        raise ValueError(f"the worst and the best score are both {best}, so nothing lies between them")

    async def score(task: str, answer: Answer, ctx: Context) -> Loss:
        for evidence in reversed(answer.evidence):
            name = get_tool(evidence.tool).score
            value = json.loads(ctx.log.text(evidence.output)).get(name) if name else None
            if isinstance(value, int | float):
                share = min(max((value - worst) / (best - worst), 0.0), 1.0)
                return Loss(share, f"{name} of {evidence.tool} is {value:.6g}, {best:g} is best", evidence.tool)
        return Loss(0.0, "the answer stands on no tool call that says how good it is", "tool metric")

    return score


class Verdict(BaseModel):
    reason: str = Field(max_length=240)
    score: int = Field(ge=0, le=10)


def judged(rubric: tuple[str, ...], *, votes: int = 3, model: str | None = None) -> Scorer:
    """Score by judges for tasks without a reference: the median of several votes.

    Args:
        rubric: What a good answer does, one sentence each; every vote reads them in another order.
        votes: How many judges, odd so that there is a median.
        model: The judges' model, by default the run's; not the critic's when a network is trained.
    """

    async def score(task: str, answer: Answer, ctx: Context) -> Loss:
        verdicts = await asyncio.gather(*(_vote(rubric, task, answer, ctx, model, k) for k in range(votes)))
        ranked = sorted(verdicts, key=lambda v: v.score)
        median = ranked[len(ranked) // 2]
        return Loss(median.score / 10, median.reason, f"{votes} judges")

    return score


async def _vote(rubric: tuple[str, ...], task: str, answer: Answer, ctx: Context, model: str | None, k: int) -> Verdict:
    order = list(rubric)
    random.Random(f"{ctx.seed}/{k}").shuffle(order)
    wanted = "\n".join(f"- {line}" for line in order)
    ask = f"You grade an answer from 0 (useless) to 10 (perfect). A good answer:\n{wanted}\nGive a short reason, then the score."
    talk = (
        Message(role="system", content=ask),
        Message(role="user", content=f"Task: {task}\n\nAnswer:\n{describe(answer)}"),
    )
    request = ModelRequest(model=model or ctx.model, messages=talk, temperature=0.3, seed=ctx.seed + k, max_tokens=160)
    return await ctx.gateway.structured(request, Verdict, at=f"loss/judge/{k}", purpose="judge")


def _last_number(text: str) -> float | None:
    found = [m.value for m in mentions(text) if m.firm]
    return found[-1] if found else None
