"""One scheduler inside a layer: an agent starts when its own parents are done, whatever its other colleagues do.

There is no barrier: a fast branch never waits for a slow sibling. An agent that fails leaves its colleagues running; the team
has an answer when at least `quorum` of its agents succeed.
"""

import asyncio
from dataclasses import replace

from agents.act import AgentGaveUp, act
from agents.aggregate import Combined, combine, solidity
from agents.answer import Answer
from agents.context import Context
from agents.models.contract import BudgetExhausted, ModelError, NotRecorded
from agents.prompt import Brief
from agents.spec import AgentSpec, SpecError, TeamSpec
from store.events import AgentAnswered, AgentFailed, AgentStarted, ErrorInfo
from tools import ToolError

AGENT_ERRORS = (ModelError, ToolError, AgentGaveUp, SpecError)


class TeamFailed(Exception):
    """A team has no answer: too few of its agents succeeded, or the run's budget is spent.

    Attributes:
        errors: Why agents failed, by agent.
        best: The best answer there was all the same.
    """

    def __init__(self, layer: str, team: TeamSpec, errors: dict[str, ErrorInfo], best: Answer | None) -> None:
        why = "; ".join(f"{a.id}: {errors[a.id].message}" for a in team.agents if a.id in errors)
        super().__init__(f"layer {layer}: {len(errors)} of {len(team.agents)} agents failed ({why})")
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
    broke = any(e.kind == BudgetExhausted.kind for e in errors.values())
    if broke or len(answers) < team.quorum:
        before = [answer for _, answer in (*brief.inputs, *((a.id, answer) for a, answer in answers))]
        raise TeamFailed(layer, team, errors, max(before, key=solidity, default=None))
    return await combine(team, answers, brief, ctx, at)


async def _one(
    layer: str, agent: AgentSpec, brief: Brief, ctx: Context, at: str, errors: dict[str, ErrorInfo]
) -> Answer | None:
    ctx.log.emit(f"{at}/started", AgentStarted(layer=layer, agent=agent.id))
    try:
        answer = await act(agent, brief, ctx, at)
    except NotRecorded:
        raise
    except AGENT_ERRORS as e:
        error = ErrorInfo(kind=getattr(e, "kind", "spec_error"), message=str(e), hint=getattr(e, "hint", ""))
    except Exception as e:
        if not agent.function:
            raise
        error = ErrorInfo(kind="function_failed", message=f"{type(e).__name__}: {e}")
    else:
        kept = ctx.log.put(answer.to_json())
        ctx.log.emit(f"{at}/answered", AgentAnswered(layer=layer, agent=agent.id, answer=kept, refused=answer.refused))
        return answer
    errors[agent.id] = error
    ctx.log.emit(f"{at}/failed", AgentFailed(layer=layer, agent=agent.id, error=error))
    return None
