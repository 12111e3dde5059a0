"""What a network is: GraphSpec > LayerSpec > TeamSpec > AgentSpec, frozen JSON values named by their content.

A network's weights are these texts and wires. Nothing here runs; a spec is checked when it is made, so whatever holds a
`GraphSpec` holds one that can run.

Source: Ma et al., "Agentic Neural Networks", arXiv 2506.09046: neuron = agent, layer = a subtask with a pool of candidate
team blocks F_l, activation = the way a team's answers are combined.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

Aggregator = Literal[
    "single", "sequential", "majority", "weighted_vote", "best_of_n", "judge", "synthesise", "debate", "tool_pipeline"
]
AGGREGATORS: tuple[Aggregator, ...] = get_args(Aggregator)

Name = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


class SpecError(Exception):
    """A spec that could not run; the message says what is wrong, where, and what would be right.

    It is no ValueError, so that pydantic lets it through as it is, however deep in a graph it was found.
    """


class Spec(BaseModel):
    """Base of all specs: a frozen JSON value that is checked when it is made. Raises `SpecError`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_place(cls, data: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(data)
        except ValidationError as e:
            wrong = e.errors(include_url=False)[0]
            field = ".".join(map(str, wrong["loc"])) or "it"
            given = f", but is {wrong['input']!r:.60}" if wrong["type"] != "missing" else ""
            raise SpecError(f"{_place(cls, data)}: {field}: {wrong['msg']}{given}") from None
        except SpecError as e:
            raise SpecError(f"{_place(cls, data)}: {e}") from None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that is checked like a new spec, and whose hash is its own."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**fields, **(update or {})})

    def canonical(self) -> str:
        """JSON with sorted keys and without defaults: equal specs give equal texts."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True, ensure_ascii=False)

    @cached_property
    def hash(self) -> str:
        """Content hash, 32 hex digits."""
        return hashlib.blake2b(self.canonical().encode(), digest_size=16).hexdigest()


def _place(cls: type[Spec], data: Any) -> str:
    """A spec as its author knows it: `agent solver`, `layer 2-check`."""
    kind = cls.__name__.removesuffix("Spec").lower()
    name = data.get("id") or data.get("name") if isinstance(data, Mapping) else ""
    return f"{kind} {name}" if name else kind


def _open_name(name: str) -> str:
    """A model's name, if it may be stored: what is part of an address is kept with every run."""
    address = urlsplit(name.partition("#")[0])
    if "://" in name and (address.username or address.password or address.query):
        raise SpecError(
            f"the model's address at {address.hostname} carries a name, a password or a query, which would be stored with the "
            "run; leave them out and set BACKPROSE_API_KEY"
        )
    return name


ModelName = Annotated[str, AfterValidator(_open_name)]


class Choice(Spec):
    """A value that an answer field may take, and what it asks of the rest of the turn."""

    value: str
    calls: int = Field(0, ge=0, le=4)  # tool calls that go with it; 0: any number
    forms: tuple[
        str, ...
    ] = ()  # what an answer may look like, x standing for one output: `a.x - b.x`; (): any expression


class AnswerField(Spec):
    """A field the agent fills before it answers, for instance one that makes it copy the words it needs, or choose."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    meaning: str
    max_chars: int = Field(160, ge=1, le=2000)
    choices: tuple[Choice, ...] = ()
    question: bool = False  # it begins with the words that open the task's question


class Example(Spec):
    """A demonstration: a task, the turn (as JSON) a good agent gives for it, and where it was drawn from."""

    task: str
    turn: str
    origin: str = ""

    @property
    def said(self) -> str:
        """The turn as the agent writes it: JSON, or plain words where the JSON is a string."""
        turn = json.loads(self.turn)
        return turn if isinstance(turn, str) else self.turn

    @model_validator(mode="after")
    def _turn_is_json(self) -> Self:
        try:
            json.loads(self.turn)
        except ValueError as e:
            raise SpecError(f"the example for {self.task[:40]!r} is no JSON: {e}") from e
        return self


class AgentSpec(Spec):
    """A neuron: who it is, what it is told, what it may use."""

    id: str = Name
    prompt: str
    role: str = ""
    tools: tuple[str, ...] = ()
    model: ModelName | None = None  # None: the run's model
    fields: tuple[AnswerField, ...] = ()
    examples: tuple[Example, ...] = ()  # shown with every task
    more_examples: tuple[Example, ...] = ()  # of these, only the `nearest` to the task in words are shown
    nearest: int = Field(0, ge=0, le=20)
    checks: tuple[str, ...] = ()  # deterministic checks of a turn, by name (agents.check)
    function: str = ""  # name of a Python function (`agents.function`) that answers instead of a model
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(512, ge=1, le=32768)
    max_turns: int = Field(3, ge=1, le=20)
    refinements: int = Field(0, ge=0, le=20)  # how often a scored tool may be run again with changed refinable inputs

    @model_validator(mode="after")
    def _runs_one_way(self) -> Self:
        if self.function and self.tools:
            raise SpecError(f"agent {self.id} is a Python function; it calls tools itself, so leave `tools` empty")
        if self.tools and any(e.said != e.turn for e in self.examples):
            raise SpecError(f"agent {self.id} calls tools, so its examples are turns with calls, not plain words")
        if sum(1 for f in self.fields if f.choices) > 1:
            raise SpecError(f"agent {self.id} has two fields with choices; one can set the number of calls")
        if len({f.name for f in self.fields}) < len(self.fields):
            raise SpecError(f"agent {self.id} has two answer fields of one name")
        return self


class TeamSpec(Spec):
    """A team block: agents, the wires between them, and how their answers become one."""

    id: str = Field("team", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    agents: tuple[AgentSpec, ...] = Field(min_length=1)
    edges: tuple[tuple[str, str], ...] = ()  # (from, to): the second sees the first one's answer
    aggregator: Aggregator = "single"
    quorum: int = Field(1, ge=1)  # answers that must succeed for the team to have one
    rounds: int = Field(1, ge=1, le=4)  # of a debate

    @model_validator(mode="after")
    def _is_a_team(self) -> Self:
        ids = [a.id for a in self.agents]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise SpecError(f"team {self.id} has two agents called {twice[0]}; ids must differ")
        for source, target in self.edges:
            if unknown := {source, target} - set(ids):
                raise SpecError(
                    f"team {self.id} has an edge to {sorted(unknown)[0]}, which is none of its agents {ids}"
                )
        try:
            tuple(TopologicalSorter(self.parents).static_order())
        except CycleError as e:
            raise SpecError(f"team {self.id} has a circle: {' -> '.join(e.args[1])}") from e
        if self.aggregator == "single" and len(self.sinks) > 1:
            raise SpecError(
                f"team {self.id} has {len(self.sinks)} last agents {list(self.sinks)}; say how to combine them"
            )
        if self.quorum > len(ids):
            raise SpecError(f"team {self.id} asks for {self.quorum} answers of {len(ids)} agents")
        return self

    @cached_property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """Each agent's parents in the team, in the order of `agents`."""
        ids = [a.id for a in self.agents]
        if self.aggregator == "sequential" and not self.edges:
            return {target: tuple(ids[:k]) for k, target in enumerate(ids)}
        if self.aggregator == "tool_pipeline" and not self.edges:
            return {target: tuple(ids[max(0, k - 1) : k]) for k, target in enumerate(ids)}
        place = {i: k for k, i in enumerate(ids)}
        heard: dict[str, list[str]] = {i: [] for i in ids}
        for source, target in sorted(set(self.edges), key=lambda e: place[e[0]]):
            heard[target].append(source)
        return {target: tuple(sources) for target, sources in heard.items()}

    @cached_property
    def sinks(self) -> tuple[str, ...]:
        """Agents nobody in the team listens to: their answers are the ones combined."""
        heard = {p for parents in self.parents.values() for p in parents}
        return tuple(a.id for a in self.agents if a.id not in heard)


class LayerSpec(Spec):
    """A subtask and the pool of teams that can do it; routing picks one of them at run time."""

    id: str = Name
    goal: str = ""
    teams: tuple[TeamSpec, ...] = Field(min_length=1)
    pin: str | None = None  # id of the team that always runs
    inputs: tuple[str, ...] = ()  # earlier layers whose outputs it sees; empty: the one before

    @model_validator(mode="after")
    def _is_a_pool(self) -> Self:
        ids = [t.id for t in self.teams]
        if len(set(ids)) < len(ids):
            raise SpecError(f"layer {self.id} has two teams of one id among {ids}")
        if self.pin is not None and self.pin not in ids:
            raise SpecError(f"layer {self.id} pins team {self.pin}, which is none of {ids}")
        return self

    def team(self, team_id: str) -> TeamSpec:
        return next(t for t in self.teams if t.id == team_id)


class GraphSpec(Spec):
    """A whole network: layers in sequence."""

    layers: tuple[LayerSpec, ...] = Field(min_length=1)
    name: str = ""

    @model_validator(mode="after")
    def _flows_forward(self) -> Self:
        seen: list[str] = []
        for layer in self.layers:
            if layer.id in seen:
                raise SpecError(f"two layers are called {layer.id}; ids must differ")
            if late := [i for i in layer.inputs if i not in seen]:
                raise SpecError(f"layer {layer.id} reads {late[0]}, which is no earlier layer; earlier are {seen}")
            seen.append(layer.id)
        return self

    def wired(self) -> Iterator[tuple[LayerSpec, tuple[str, ...]]]:
        """The layers in sequence, each with the ids of those whose outputs it sees."""
        before: tuple[str, ...] = ()
        for layer in self.layers:
            yield layer, layer.inputs or before
            before = (layer.id,)


def agent(id: str, prompt: str, **settings: Any) -> AgentSpec:
    """An agent by hand: `agent("solver", "Find the cheapest dispatch.", tools=["solve_dc_opf"])`."""
    return AgentSpec(id=id, prompt=prompt, **settings)


def layer(id: str, *agents: AgentSpec, goal: str = "", combine: Aggregator | None = None, **team: Any) -> LayerSpec:
    """A layer with one team by hand: `layer("solve", a, b, c, combine="majority")`."""
    how: Aggregator = combine or ("single" if len(agents) == 1 else "sequential")
    return LayerSpec(id=id, goal=goal, teams=(TeamSpec(agents=tuple(agents), aggregator=how, **team),))


def graph(*layers: LayerSpec, name: str = "") -> GraphSpec:
    """A network's spec from its layers, in sequence."""
    return GraphSpec(layers=tuple(layers), name=name)
