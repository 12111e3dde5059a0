"""The dry run: a network runs once on an offline model that says the least its schemas allow, before a real one is paid."""

import json
from collections.abc import Mapping
from typing import Any

from agents.act import FUNCTIONS
from agents.answer import Answer
from agents.context import Context
from agents.hands import Hands
from agents.models.contract import ModelError, ModelRequest
from agents.models.gateway import Gateway
from agents.models.scripted import Scripted
from agents.prompt import Brief
from agents.spec import GraphSpec
from agents.team import TeamFailed, run_team
from store.content import content_hash
from store.events import Event, ModelCalled, ToolCalled
from tools import Executor, ToolError


class _NoLog:
    """A log that keeps nothing but the content it was given."""

    run_id = "dry-run"

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def put(self, content: str | bytes) -> str:
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        ref = content_hash(data)
        self._content[ref] = data
        return ref

    def blob(self, ref: str) -> bytes:
        return self._content[ref]

    def text(self, ref: str) -> str:
        return self._content[ref].decode("utf-8", "surrogatepass")

    def emit(self, key: str, event: Event, seconds: float = 0.0) -> None: ...

    async def durable(self) -> None: ...

    def find(self, key: str) -> Event | None:
        return None

    def memo(self, call: str) -> ModelCalled | ToolCalled | None:
        return None

    def finish(self, status: str, answer: str | None = None) -> None: ...

    def release(self) -> None: ...


async def dry_run(graph: GraphSpec, executor: Executor) -> str:
    """Why the graph cannot run, found without a real model: every team runs on one that says the least a schema allows.

    Agents with tools refuse there, so that no tool runs on made-up arguments; Python functions are only looked up.
    """
    models = {a.model or "offline" for x in graph.layers for t in x.teams for a in t.agents}
    log = _NoLog()
    gateway = Gateway(log, providers=dict.fromkeys((*models, "offline"), Scripted(_least)), attempts=1)
    ctx = Context(log=log, gateway=gateway, hands=Hands(log, executor), model="offline")
    heard = (("before", Answer(text="something")),)
    for layer in graph.layers:
        for team in layer.teams:
            if missing := [a.function for a in team.agents if a.function and a.function not in FUNCTIONS]:
                return f"layer {layer.id}: the function {missing[0]} is not registered"
            speaking = tuple(a.model_copy(update={"function": ""}) if a.function else a for a in team.agents)
            try:
                plain = team.model_copy(update={"agents": speaking})
                await run_team(layer.id, plain, Brief("dry run", layer.goal, heard), ctx, f"{layer.id}/{team.id}")
            except (TeamFailed, ModelError, ToolError) as e:
                return f"layer {layer.id}: {e}"
    return ""


def _least(request: ModelRequest) -> str:
    if request.answer_schema is None:
        return "ok"
    return json.dumps(smallest(request.answer_schema))


def smallest(schema: Mapping[str, Any]) -> Any:
    """A small value that a JSON schema allows; of alternatives the last, which for an agent with tools is a refusal."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return next(iter(schema["enum"]), "")
    if "anyOf" in schema:
        return smallest(schema["anyOf"][-1])
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: smallest(properties[name]) for name in schema.get("required", ())}
        case "array":
            return [smallest(schema["items"]) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "x" * max(1, schema.get("minLength", 1))
