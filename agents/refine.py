"""Test-time refinement: look at a tool's score, change its refinable inputs, run again, keep what scores better."""

import json
from typing import Any

from pydantic import BaseModel

from agents.context import Context
from agents.hands import Outcome
from agents.models.contract import FATAL, Message, ModelError, ModelRequest
from agents.prompt import AnyTool, shown
from agents.spec import AgentSpec
from store.events import Refined
from tools import ToolError


class Change(BaseModel):
    """What a model wants to change, or nothing when it is content."""

    reason: str = ""
    changes: dict[str, Any] = {}


async def refine(
    agent: AgentSpec, tool: AnyTool, arguments: dict[str, Any], outcome: Outcome, ctx: Context, at: str
) -> tuple[dict[str, Any], Outcome]:
    """Up to `agent.refinements` further calls of a scored tool, until a proposal brings nothing new.

    Returns:
        The best arguments and their outcome; the ones given when nothing scored better.
    """
    if not (tool.refinable and tool.score) or outcome.score is None:
        return arguments, outcome
    tried = {_refinable(tool, arguments): f"scored {outcome.score:.6g}"}
    for k in range(1, agent.refinements + 1):
        try:
            change = await _propose(agent, tool, outcome, tried, ctx, f"{at}/refine/{k}")
        except FATAL:
            raise
        except ModelError:
            break  # the call is made and its outcome stands; only its improvement failed
        wanted = {n: v for n, v in change.changes.items() if n in tool.refinable and arguments.get(n) != v}
        new = {**arguments, **wanted}
        inputs = _refinable(tool, new)
        if inputs in tried:
            break
        try:
            result = await ctx.hands.call(tool.name, new, at=f"{at}/refine/{k}")
        except ToolError as e:
            tried[inputs] = f"failed: {e.message}"
            continue
        better = result.score is not None and result.score > (outcome.score or 0.0)
        ctx.log.emit(
            f"{at}/refine/{k}/refined",
            Refined(
                tool=tool.name, round=k, changed=tuple(wanted), before=outcome.score, after=result.score, kept=better
            ),
        )
        tried[inputs] = f"scored {result.score}"
        if better:
            arguments, outcome = new, result
    return arguments, outcome


async def _propose(
    agent: AgentSpec, tool: AnyTool, outcome: Outcome, tried: dict[str, str], ctx: Context, at: str
) -> Change:
    fields = tool.input_type().model_json_schema()["properties"]
    knobs = {name: {k: v for k, v in fields[name].items() if k != "title"} for name in tool.refinable}
    schema = {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 160},
            "changes": {"type": "object", "properties": knobs, "additionalProperties": False},
        },
        "required": ["reason", "changes"],
        "additionalProperties": False,
    }
    ask = (
        f"You tune the tool {tool.name}: {tool.description()}\nIts score is {tool.score}; higher is better.\n"
        f"You may change: {_compact({n: k.get('description', '') for n, k in knobs.items()})}\n"
        "Change one or two inputs, or nothing when no change promises a better score."
    )
    so_far = "\n".join(f"{inputs} {what}" for inputs, what in tried.items())
    now = f"Tried so far:\n{so_far}\nBest output: {_compact(shown(outcome.output, tool.headline))}"
    talk = (Message(role="system", content=ask), Message(role="user", content=now))
    request = ModelRequest(
        model=agent.model or ctx.model, messages=talk, answer_schema=schema, seed=ctx.seed, max_tokens=256
    )
    return await ctx.gateway.structured(request, Change, at=at, purpose="refine")


def _refinable(tool: AnyTool, arguments: dict[str, Any]) -> str:
    return _compact({n: arguments[n] for n in tool.refinable if n in arguments})


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
