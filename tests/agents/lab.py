"""A place to try small networks in: a real store in a file, a model that is scripted, and a tool made for tests."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from agents import AgentSpec, GraphSpec, Runner, RunOptions, RunResult, agent
from agents.loss import Scorer
from agents.models import ModelReply, ModelRequest, Scripted
from agents.models.contract import ModelError
from store import Difference, Store, get_events
from store.events import Event, ModelCalled, ToolCalled
from tools.contract import BadInput, Frozen, NoAnswer, Tool, quantity

T = TypeVar("T")
Line = str | ModelReply | ModelError
Part = Callable[[ModelRequest], Line] | Sequence[Line] | Line


class KilnInput(Frozen):
    temperature: float = quantity("degC", "Firing temperature", gt=-300)
    hours: float = quantity("h", "How long it is fired", 1.0, gt=0)
    clay: str = quantity("", "Kind of clay", "red clay")


class KilnOutput(Frozen):
    hardness: float = quantity("MPa", "Hardness of the clay")
    cost: float = quantity("EUR", "What the firing costs")
    colour: str = quantity("", "Colour of the clay")
    cracks: list[str] | None = quantity("", "Cracks, when they were asked for", None)
    residual: float = quantity("1", "How far the heat balance is from closing")
    quality: float = quantity("1", "How near the firing is to three hours, at most 0")


class Kiln(Tool[KilnInput, KilnOutput]):
    """Hardness of clay that is fired at a temperature."""

    name = "kiln"
    source = "made for these tests"
    refinable = ("hours",)
    score = "quality"
    certificate: ClassVar = {"residual": 1e-6}
    headline = ("hardness",)
    inline = True
    fired = 0  # calls made in this process

    def __call__(self, inp: KilnInput) -> KilnOutput:
        Kiln.fired += 1
        if inp.temperature < 0:
            raise BadInput(f"temperature is {inp.temperature:g} degC, below freezing", hint="clay is fired hot")
        if inp.temperature > 2000:
            raise NoAnswer(f"clay melts at {inp.temperature:g} degC")
        return KilnOutput(
            hardness=inp.temperature / 10 * inp.hours,
            cost=0.02 * inp.temperature * inp.hours,
            colour="red",
            residual=1e-9 if inp.clay != "wet clay" else 0.5,
            quality=-abs(inp.hours - 3),
        )


class Cast:
    """The script of several agents: which part speaks is seen from the words that its system prompt holds.

    A part is one line for ever, lines in turn (the last one for ever), or a function of the request.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.parts = parts
        self.spoken: dict[str, int] = dict.fromkeys(parts, 0)
        self.heard: list[tuple[str, ModelRequest]] = []

    def __call__(self, request: ModelRequest) -> Line:
        name = next(n for n in self.parts if n in request.messages[0].content)
        self.heard.append((name, request))
        part, k = self.parts[name], self.spoken[name]
        self.spoken[name] += 1
        if isinstance(part, str | ModelReply | ModelError):
            return part
        return part[min(k, len(part) - 1)] if isinstance(part, Sequence) else part(request)

    def to(self, name: str) -> list[ModelRequest]:
        """What was asked of one part."""
        return [request for n, request in self.heard if n == name]


def speaker(name: str, **settings: Any) -> AgentSpec:
    """An agent that a `Cast` knows by its name."""
    return agent(name, f"You are {name}.", **settings)


def turn(*calls: tuple[str, str, dict[str, Any]], answers: Sequence[str] = (), **fields: Any) -> str:
    """The JSON of a turn: `turn(("a", "kiln", {"temperature": 900}), answers=["a.hardness"])`."""
    made = [{"name": name, "tool": tool, "arguments": arguments} for name, tool, arguments in calls]
    return json.dumps({**fields, "calls": made, "answers": list(answers)})


def wait(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@dataclass
class Lab:
    """Runs networks on one store with one scripted model called `scripted`."""

    store: Store
    script: Callable[[ModelRequest], Any] = lambda request: "done"
    settings: dict[str, Any] = field(default_factory=dict)  # of the runner

    def __post_init__(self) -> None:
        self.model = Scripted(self._reply)
        self.runner = Runner(self.store, {"scripted": self.model}, **self.settings)

    def _reply(self, request: ModelRequest) -> Any:
        return self.script(request)

    def run(
        self, graph: GraphSpec | None, task: str = "the task", *, scorer: Scorer | None = None, **options: Any
    ) -> RunResult:
        given = RunOptions(**{"model": "scripted", "backoff_s": 0.0, **options})
        return wait(self.runner.run(task, given, graph=graph, scorer=scorer))

    def replay(self, run: RunResult, scorer: Scorer | None = None) -> tuple[RunResult, tuple[Difference, ...]]:
        """Replay a run, and see that not one call was made."""
        before = self.model.calls, Kiln.fired
        again = wait(self.runner.replay(run.run_id, scorer=scorer))
        assert (self.model.calls, Kiln.fired) == before
        return again

    def events(self, run: RunResult | str, kind: type[Event] | None = None) -> dict[str, Event]:
        self.store.flush()
        run_id = run if isinstance(run, str) else run.run_id
        return {r.key: r.event for r in get_events(self.store, run_id, kind=kind)}

    def calls(self, run: RunResult | str) -> tuple[list[ModelCalled], list[ToolCalled]]:
        """The model and the tool calls that a run made and paid itself."""
        found = self.events(run).values()
        models = [e for e in found if isinstance(e, ModelCalled) and not e.cached]
        return models, [e for e in found if isinstance(e, ToolCalled) and not e.cached]
