"""The nine combiners: how a team's answers become its layer's answer.

Each is a pure function of the answers plus at most one model call (`debate`: one per agent and round). The combiner plays
the part of a layer's activation function; `tool_pipeline` and `sequential` get their meaning from the wires their team runs with.

Source: vote, refinement and tool pipeline are named in accounts of arXiv 2506.09046; the others are ours.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, Field

from agents.act import AGENT_ERRORS, act
from agents.answer import Answer
from agents.check import mistyped_numbers
from agents.context import Context
from agents.models.contract import FATAL, Message, ModelError, ModelRequest
from agents.prompt import Brief, describe
from agents.spec import AgentSpec, Aggregator, TeamSpec

TRUSTED_USES = 10  # scored uses after which an agent's own record weighs its vote
T = TypeVar("T")
Given = Sequence[tuple[AgentSpec, Answer]]


@dataclass(frozen=True)
class Combined:
    """A layer's answer, the agents it stands on, and what the combiner noted."""

    answer: Answer
    took: tuple[str, ...]
    note: str = ""


Combiner = Callable[[TeamSpec, Given, Brief, Context, str], Awaitable[Combined]]


async def combine(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    """Combine the answers that succeeded, in the order of the team's agents (at least one)."""
    sinks = set(team.sinks)
    last = [(a, answer) for a, answer in answers if a.id in sinks]
    return await COMBINERS[team.aggregator](team, last or answers[-1:], brief, ctx, f"{at}/combine")


async def _single(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    agent, answer = answers[0]
    return Combined(answer, (agent.id,))


async def _sequential(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    agent, answer = answers[-1]
    return Combined(answer, (agent.id,))


async def _majority(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    return _vote(answers, [1.0] * len(answers))


async def _weighted_vote(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    records = [ctx.agents.get(a.hash) for a, _ in answers]
    return _vote(answers, [r.score if r and r.uses >= TRUSTED_USES else 1.0 for r in records])


async def _best_of_n(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    score = ctx.checker or solidity
    scores = [score(answer) for _, answer in answers]
    best = max(range(len(answers)), key=scores.__getitem__)
    return Combined(answers[best][1], (answers[best][0].id,), f"scores {', '.join(f'{s:g}' for s in scores)}")


class Pick(BaseModel):
    reason: str = Field(max_length=200)
    index: int


async def _judge(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    """One model call picks an answer; the order is shuffled by the seed, so that no place is favoured.

    Where the judge fails, the answer with the best deterministic score is taken.
    """
    if len(answers) == 1:
        return await _single(team, answers, brief, ctx, at)
    order = list(range(len(answers)))
    random.Random(f"{ctx.seed}/{at}").shuffle(order)
    shown = "\n\n".join(f"Answer {n}:\n{describe(answers[k][1])}" for n, k in enumerate(order))
    ask = "You compare answers to a task. Say in one sentence which is most correct and complete, then give its index."
    request = _request(ctx, ask, f"Task: {brief.task}\n\n{shown}")
    try:
        pick = await ctx.gateway.structured(request, Pick, at=at, purpose="judge")
    except FATAL:
        raise
    except ModelError as e:
        best = await _best_of_n(team, answers, brief, ctx, at)
        return replace(best, note=f"the judge gave no choice ({e.kind}); {best.note}")
    agent, answer = answers[order[min(max(pick.index, 0), len(order) - 1)]]
    return Combined(answer, (agent.id,), pick.reason)


async def _synthesise(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    """A writer merges all answers; values and evidence are the union of theirs.

    A merged text with foreign numbers is dropped for the answers themselves, one after the other.
    """
    if len(answers) == 1:
        return await _single(team, answers, brief, ctx, at)
    parts = [f"From {a.id}: {describe(answer)}" for a, answer in answers]
    ask = "Merge the answers into one that answers the task. Keep every number as it stands; add nothing."
    request = _request(ctx, ask, "\n\n".join([f"Task: {brief.task}", *parts]))
    try:
        text = (await ctx.gateway.call(request, at=at, purpose="merge")).text.strip()
        wrong = "; ".join(mistyped_numbers(text, [brief.task, *parts]))
    except FATAL:
        raise
    except ModelError as e:
        text, wrong = "", f"the writer gave no text ({e.kind})"
    if wrong:
        text = "\n".join(answer.text for _, answer in answers)
    merged = Answer(
        text=text,
        values=_distinct(v for _, answer in answers for v in answer.values),
        evidence=_distinct(e for _, answer in answers for e in answer.evidence),
        refused=all(answer.refused for _, answer in answers),
    )
    return Combined(merged, tuple(a.id for a, _ in answers), wrong)


async def _debate(team: TeamSpec, answers: Given, brief: Brief, ctx: Context, at: str) -> Combined:
    """Rounds in which each agent sees the others' answers and gives its own again; then a vote.

    Source: Du et al., "Improving Factuality and Reasoning in Language Models through Multiagent Debate", arXiv 2305.14325.
    """

    async def again(agent: AgentSpec, own: Answer, others: Given, where: str) -> Answer:
        heard = tuple((a.id, answer) for a, answer in others if a.id != agent.id)
        try:
            return await act(agent, replace(brief, inputs=(*brief.inputs, *heard, (agent.id, own))), ctx, where)
        except FATAL:
            raise
        except AGENT_ERRORS:
            return own  # an agent that cannot better its answer keeps it

    now = list(answers)
    for k in range(team.rounds):
        told = await asyncio.gather(*(again(a, own, now, f"{at}/round/{k}/{a.id}") for a, own in now))
        now = [(a, answer) for (a, _), answer in zip(now, told, strict=True)]
    return _vote(now, [1.0] * len(now))


COMBINERS: dict[Aggregator, Combiner] = {
    "single": _single,
    "sequential": _sequential,
    "majority": _majority,
    "weighted_vote": _weighted_vote,
    "best_of_n": _best_of_n,
    "judge": _judge,
    "synthesise": _synthesise,
    "debate": _debate,
    "tool_pipeline": _sequential,
}


def normal_form(answer: Answer) -> str:
    """What makes two answers the same vote: their values to six digits, or their words without case and punctuation."""
    if answer.refused:
        return "refused"
    if answer.values:
        return " | ".join(f"{v.value:.6g}" if isinstance(v.value, float) else v.value.lower() for v in answer.values)
    return " ".join(re.findall(r"[\w.%-]+", answer.text.lower())).strip(". ")


def solidity(answer: Answer) -> float:
    """How much a deterministic look finds in an answer: values over evidence over words over a refusal."""
    return 2.0 * bool(answer.values) + bool(answer.evidence) + 0.5 * bool(answer.text.strip()) - answer.refused


def _distinct(items: Iterable[T]) -> tuple[T, ...]:
    """The items in order, each once; evidence holds arguments, so it cannot be hashed."""
    found: list[T] = []
    for item in items:
        if item not in found:
            found.append(item)
    return tuple(found)


def _vote(answers: Given, weights: Sequence[float]) -> Combined:
    """The heaviest normal form; a tie goes to the earliest."""
    forms = [normal_form(answer) for _, answer in answers]
    weight = dict.fromkeys(forms, 0.0)
    for form, w in zip(forms, weights, strict=True):
        weight[form] += w
    winner = max(weight, key=weight.__getitem__)  # the first of the heaviest: dicts keep the order of arrival
    took = tuple(a.id for (a, _), form in zip(answers, forms, strict=True) if form == winner)
    return Combined(answers[forms.index(winner)][1], took, f"{len(took)} of {len(answers)} agree")


def _request(ctx: Context, ask: str, given: str) -> ModelRequest:
    talk = (Message(role="system", content=ask), Message(role="user", content=given))
    return ModelRequest(model=ctx.model, messages=talk, seed=ctx.seed, max_tokens=400)
