"""One scheduler inside a layer: an agent starts when its own parents are done, whatever its other colleagues do.

There is no barrier: a fast branch never waits for a slow sibling. An agent that fails leaves its colleagues running; the team
has an answer when at least `quorum` of its agents succeed.
"""

import asyncio
from dataclasses import replace

from agents.act import AGENT_ERRORS, act
from agents.aggregate import Combined, combine, solidity
from agents.answer import Answer
from agents.context import Context
from agents.models.contract import BudgetExhausted, NotRecorded
from agents.prompt import Brief
from agents.spec import AgentSpec, TeamSpec
from store.events import AgentAnswered, AgentFailed, AgentStarted, ErrorInfo


class TeamFailed(Exception):
    """A team has no answer: too few of its agents succeeded, or the run's budget is spent.

    Attributes:
        errors: Why agents failed, by agent; why their answers were not combined, by `combine`.
        best: The best answer there was all the same.
    """

    def __init__(self, layer: str, team: TeamSpec, errors: dict[str, ErrorInfo], best: Answer | None) -> None:
        failed = [a.id for a in team.agents if a.id in errors]
        order = [*failed, *(who for who in errors if who not in failed)]
        why = "; ".join(f"{who}: {errors[who].message}" for who in order)
        super().__init__(f"layer {layer}: {len(failed)} of {len(team.agents)} agents failed ({why})")
        self.errors = errors
        self.best = best

    @property
    def kind(self) -> str:
        """`budget_exhausted` if any agent met the budget, else the kind all failures share, or `team_failed`."""
        kinds = {e.kind for e in self.errors.values()}
        if BudgetExhausted.kind in kinds:
            return BudgetExhausted.kind
        return kinds.pop() if len(kinds) == 1 else "team_failed"


async def run_team(layer: str, team: TeamSpec, brief: Brief, ctx: Context, at: str) -> Combined:
    """Run a team on a brief and combine its answers.

    Raises:
        TeamFailed: Fewer than `quorum` agents answered, or one met the end of the budget: then the run stops here.
    """
    errors: dict[str, ErrorInfo] = {}
    running: dict[str, asyncio.Task[Answer | None]] = {}

    async def run_agent(agent: AgentSpec, parents: tuple[str, ...]) -> Answer | None:
        heard = [(p, await running[p]) for p in parents]
        inputs = (*brief.inputs, *((p, a) for p, a in heard if a is not None))
        return await _one(layer, agent, replace(brief, inputs=inputs), ctx, f"{at}/agent/{agent.id}", errors)

    try:
        async with asyncio.TaskGroup() as group:
            for agent in team.agents:
                running[agent.id] = group.create_task(run_agent(agent, team.parents[agent.id]))
    except* Exception as group:  # a bug or a replay's gap, not an agent's failure: it goes up as what it is
        raise group.exceptions[0] from None
    done = {i: task.result() for i, task in running.items()}
    answers = [(a, answer) for a in team.agents if (answer := done[a.id]) is not None]
    best = max([answer for _, answer in (*brief.inputs, *answers)], key=solidity, default=None)
    broke = any(e.kind == BudgetExhausted.kind for e in errors.values())
    if broke or len(answers) < team.quorum:
        raise TeamFailed(layer, team, errors, best)
    try:
        return await combine(team, answers, brief, ctx, at)
    except BudgetExhausted as e:
        raise TeamFailed(layer, team, {**errors, "combine": error_info(e)}, best) from e


async def _one(
    layer: str, agent: AgentSpec, brief: Brief, ctx: Context, at: str, errors: dict[str, ErrorInfo]
) -> Answer | None:
    ctx.log.emit(f"{at}/started", AgentStarted(layer=layer, agent=agent.id))
    try:
        answer = await act(agent, brief, ctx, at)
    except NotRecorded:
        raise
    except AGENT_ERRORS as e:
        errors[agent.id] = error_info(e)
        ctx.log.emit(f"{at}/failed", AgentFailed(layer=layer, agent=agent.id, error=errors[agent.id]))
        return None
    kept = answer.keep(ctx.log)
    ctx.log.emit(f"{at}/answered", AgentAnswered(layer=layer, agent=agent.id, answer=kept, refused=answer.refused))
    return answer


def error_info(error: Exception) -> ErrorInfo:
    """A typed failure as the log keeps it."""
    return ErrorInfo(kind=getattr(error, "kind", "spec_error"), message=str(error), hint=getattr(error, "hint", ""))
