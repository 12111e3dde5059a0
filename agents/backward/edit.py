"""The edit language: the closed set of operations that may change a network, each with an exact inverse.

An edit is a frozen JSON value. `apply` gives the changed graph, or raises `SpecError` where the result could not run; `inverse`
gives the edit that leads from the changed graph back to the one before, to the byte. Nothing here asks a model.

Source: Ma et al., arXiv 2506.09046 (prompts, roles, team composition, connections are what is learned); the closed set is ours.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from agents.backward.parts import (
    Edges,
    Wires,
    bridged,
    find_agent,
    find_layer,
    find_team,
    inserted,
    place,
    renamed,
    replaced,
    swap,
    wires,
    without,
)
from agents.spec import (
    AgentSpec,
    Aggregator,
    AnswerField,
    Example,
    GraphSpec,
    LayerSpec,
    Name,
    Spec,
    SpecError,
    TeamSpec,
)

Param = Literal["temperature", "max_tokens", "max_turns", "refinements", "quorum", "rounds", "goal", "pin"]
_OF_AGENT = frozenset(("temperature", "max_tokens", "max_turns", "refinements"))
_OF_TEAM = frozenset(("quorum", "rounds"))


class Edit(Spec):
    """Base of all edits. `layer` is the layer that is changed, or that the change begins at."""

    op: str
    layer: str = Name

    @abstractmethod
    def apply(self, graph: GraphSpec) -> GraphSpec:
        """The changed graph. Raises `SpecError` where the edit does not fit, or its result could not run."""

    @abstractmethod
    def inverse(self, before: GraphSpec) -> "Edit":
        """The edit that leads from `apply(before)` back to `before`."""


class _InTeam(Edit):
    """An edit of one team of the layer's pool; without a name it is the pinned one, or the first."""

    team: str = ""

    def changed(self, graph: GraphSpec, change: Callable[[TeamSpec], TeamSpec]) -> GraphSpec:
        layer = find_layer(graph, self.layer)
        old = find_team(layer, self.team)
        teams = tuple(change(t) if t is old else t for t in layer.teams)
        return replaced(graph, layer, layer.model_copy(update={"teams": teams}))

    def found(self, graph: GraphSpec) -> TeamSpec:
        return find_team(find_layer(graph, self.layer), self.team)


class _OfAgent(_InTeam):
    """An edit of one agent."""

    agent: str

    def change(self, graph: GraphSpec, **fields: Any) -> GraphSpec:
        agent = self.spec(graph)
        new = agent.model_copy(update=fields)
        return self.changed(graph, lambda t: t.model_copy(update={"agents": swap(t.agents, agent, new)}))

    def spec(self, graph: GraphSpec) -> AgentSpec:
        return find_agent(self.found(graph), self.agent)


class _Setter(_OfAgent):
    """Sets the field of an agent that it is named after; the inverse sets it back."""

    sets: ClassVar[str]

    def apply(self, graph: GraphSpec) -> GraphSpec:
        return self.change(graph, **{self.sets: getattr(self, self.sets)})

    def inverse(self, before: GraphSpec) -> Self:
        return self.model_copy(update={self.sets: getattr(self.spec(before), self.sets)})


class SetPrompt(_Setter):
    op: Literal["set_prompt"] = "set_prompt"
    sets: ClassVar[str] = "prompt"
    prompt: str


class SetRole(_Setter):
    op: Literal["set_role"] = "set_role"
    sets: ClassVar[str] = "role"
    role: str


class SetModel(_Setter):
    op: Literal["set_model"] = "set_model"
    sets: ClassVar[str] = "model"
    model: str | None


class SetTools(_Setter):
    op: Literal["set_tools"] = "set_tools"
    sets: ClassVar[str] = "tools"
    tools: tuple[str, ...]


class SetFields(_Setter):
    op: Literal["set_fields"] = "set_fields"
    sets: ClassVar[str] = "fields"
    fields: tuple[AnswerField, ...]


class SetParam(_InTeam):
    """Sets a number of an agent (`temperature`, ...) or of a team (`quorum`, `rounds`), or the `goal` or `pin` of a layer."""

    op: Literal["set_param"] = "set_param"
    agent: str = ""
    name: Param
    value: int | float | str | None

    @model_validator(mode="after")
    def _names_its_owner(self) -> Self:
        if (self.name in _OF_AGENT) != bool(self.agent):
            raise SpecError(
                f"{self.name} belongs to {'an agent; say which' if self.name in _OF_AGENT else 'no agent; leave `agent` out'}"
            )
        return self

    def apply(self, graph: GraphSpec) -> GraphSpec:
        change: dict[str, Any] = {self.name: self.value}
        if self.name in _OF_AGENT:
            agent = find_agent(self.found(graph), self.agent)
            new = agent.model_copy(update=change)
            return self.changed(graph, lambda t: t.model_copy(update={"agents": swap(t.agents, agent, new)}))
        if self.name in _OF_TEAM:
            return self.changed(graph, lambda t: t.model_copy(update=change))
        layer = find_layer(graph, self.layer)
        return replaced(graph, layer, layer.model_copy(update=change))

    def inverse(self, before: GraphSpec) -> Self:
        layer = find_layer(before, self.layer)
        team = find_team(layer, self.team)
        owner: Spec = layer
        if self.name in _OF_AGENT:
            owner = find_agent(team, self.agent)
        elif self.name in _OF_TEAM:
            owner = team
        # Setting the pin changes which team an empty name means, so from here on it is named.
        named = team.id if self.name in _OF_AGENT | _OF_TEAM else ""
        return self.model_copy(update={"value": getattr(owner, self.name), "team": named})


class AddExample(_OfAgent):
    """Shows an agent a demonstration, drawn from the training split, at a place among the others (left out: last)."""

    op: Literal["add_example"] = "add_example"
    example: Example
    position: int | None = Field(None, ge=0)

    def apply(self, graph: GraphSpec) -> GraphSpec:
        return self.change(graph, examples=inserted(self.spec(graph).examples, self.example, self.position))

    def inverse(self, before: GraphSpec) -> "RemoveExample":
        return RemoveExample(
            layer=self.layer,
            team=self.team,
            agent=self.agent,
            position=place(self.spec(before).examples, self.position),
        )


class RemoveExample(_OfAgent):
    op: Literal["remove_example"] = "remove_example"
    position: int = Field(ge=0)

    def apply(self, graph: GraphSpec) -> GraphSpec:
        examples = self.spec(graph).examples
        if self.position >= len(examples):
            raise SpecError(f"agent {self.agent} has {len(examples)} examples, none at {self.position}")
        return self.change(graph, examples=without(examples, self.position))

    def inverse(self, before: GraphSpec) -> AddExample:
        example = self.spec(before).examples[self.position]
        return AddExample(layer=self.layer, team=self.team, agent=self.agent, example=example, position=self.position)


class AddAgent(_InTeam):
    """Adds an agent at a place among the others (left out: last), wired by `edges` when these are given."""

    op: Literal["add_agent"] = "add_agent"
    spec: AgentSpec
    position: int | None = Field(None, ge=0)
    edges: Edges | None = None  # all edges of the team from then on

    def apply(self, graph: GraphSpec) -> GraphSpec:
        return self.changed(
            graph,
            lambda t: t.model_copy(
                update={
                    "agents": inserted(t.agents, self.spec, self.position),
                    "edges": t.edges if self.edges is None else self.edges,
                }
            ),
        )

    def inverse(self, before: GraphSpec) -> "RemoveAgent":
        team = self.found(before)
        return RemoveAgent(layer=self.layer, team=team.id, agent=self.spec.id, edges=team.edges)


class RemoveAgent(_InTeam):
    """Removes an agent; its edges go with it, and who heard it hears what it heard, unless `edges` says otherwise."""

    op: Literal["remove_agent"] = "remove_agent"
    agent: str
    edges: Edges | None = None

    def apply(self, graph: GraphSpec) -> GraphSpec:
        gone = find_agent(self.found(graph), self.agent)

        def change(team: TeamSpec) -> TeamSpec:
            if len(team.agents) == 1:
                raise SpecError(f"{self.agent} is the last agent of team {team.id}; a team needs one")
            edges = bridged(team.edges, self.agent) if self.edges is None else self.edges
            return team.model_copy(update={"agents": tuple(a for a in team.agents if a is not gone), "edges": edges})

        return self.changed(graph, change)

    def inverse(self, before: GraphSpec) -> AddAgent:
        team = self.found(before)
        agent = find_agent(team, self.agent)
        return AddAgent(layer=self.layer, team=team.id, spec=agent, position=team.agents.index(agent), edges=team.edges)


class Rewire(_InTeam):
    """Sets all edges of a team, or the earlier layers that the layer reads, or both."""

    op: Literal["rewire"] = "rewire"
    edges: Edges | None = None
    inputs: tuple[str, ...] | None = None

    def apply(self, graph: GraphSpec) -> GraphSpec:
        if self.edges is not None:
            graph = self.changed(graph, lambda t: t.model_copy(update={"edges": self.edges}))
        if self.inputs is not None:
            layer = find_layer(graph, self.layer)
            graph = replaced(graph, layer, layer.model_copy(update={"inputs": self.inputs}))
        return graph

    def inverse(self, before: GraphSpec) -> "Rewire":
        layer, team = find_layer(before, self.layer), self.found(before)
        return self.model_copy(
            update={
                "edges": None if self.edges is None else team.edges,
                "inputs": None if self.inputs is None else layer.inputs,
            }
        )


class _OneEdge(_InTeam):
    source: str
    target: str

    def inverse(self, before: GraphSpec) -> Rewire:
        return Rewire(layer=self.layer, team=self.team, edges=self.found(before).edges)


class AddEdge(_OneEdge):
    """Lets `target` see the answer of `source`."""

    op: Literal["add_edge"] = "add_edge"

    def apply(self, graph: GraphSpec) -> GraphSpec:
        if (self.source, self.target) in self.found(graph).edges:
            raise SpecError(f"{self.target} sees {self.source} already")
        return self.changed(graph, lambda t: t.model_copy(update={"edges": (*t.edges, (self.source, self.target))}))


class RemoveEdge(_OneEdge):
    op: Literal["remove_edge"] = "remove_edge"

    def apply(self, graph: GraphSpec) -> GraphSpec:
        edge = (self.source, self.target)
        if edge not in self.found(graph).edges:
            raise SpecError(f"there is no edge from {self.source} to {self.target}")
        return self.changed(graph, lambda t: t.model_copy(update={"edges": tuple(e for e in t.edges if e != edge)}))


class SetAggregator(_InTeam):
    op: Literal["set_aggregator"] = "set_aggregator"
    aggregator: Aggregator

    def apply(self, graph: GraphSpec) -> GraphSpec:
        return self.changed(graph, lambda t: t.model_copy(update={"aggregator": self.aggregator}))

    def inverse(self, before: GraphSpec) -> "SetAggregator":
        return self.model_copy(update={"aggregator": self.found(before).aggregator})


class CloneTeam(Edit):
    """Adds a team to the layer's pool, such as a changed copy of one that is there."""

    op: Literal["clone_team"] = "clone_team"
    spec: TeamSpec
    position: int | None = Field(None, ge=0)

    def apply(self, graph: GraphSpec) -> GraphSpec:
        layer = find_layer(graph, self.layer)
        return replaced(
            graph, layer, layer.model_copy(update={"teams": inserted(layer.teams, self.spec, self.position)})
        )

    def inverse(self, before: GraphSpec) -> "RemoveTeam":
        return RemoveTeam(layer=self.layer, team=self.spec.id)


class RemoveTeam(Edit):
    op: Literal["remove_team"] = "remove_team"
    team: str

    def apply(self, graph: GraphSpec) -> GraphSpec:
        layer = find_layer(graph, self.layer)
        gone = find_team(layer, self.team)
        if len(layer.teams) == 1:
            raise SpecError(f"{self.team} is the last team of layer {layer.id}; a layer needs one")
        return replaced(
            graph, layer, layer.model_copy(update={"teams": tuple(t for t in layer.teams if t is not gone)})
        )

    def inverse(self, before: GraphSpec) -> CloneTeam:
        layer = find_layer(before, self.layer)
        team = find_team(layer, self.team)
        return CloneTeam(layer=self.layer, spec=team, position=layer.teams.index(team))


class _OfLayers(Edit):
    """An edit of the sequence of layers. `wires` says what other layers read from then on, where that is not plain."""

    wires: Wires = ()

    def rewired(self, graph: GraphSpec, layers: Iterable[LayerSpec], names: dict[str, tuple[str, ...]]) -> GraphSpec:
        """The graph with these layers; of the old ones, who read a layer in `names` reads what it stands for now."""
        wires, made = dict(self.wires), tuple(layers)
        if unknown := set(wires) - {layer.id for layer in made}:
            raise SpecError(f"there is no layer {sorted(unknown)[0]} to wire")
        old = set(map(id, graph.layers))

        def inputs(layer: LayerSpec) -> tuple[str, ...]:
            return wires.get(layer.id, renamed(layer.inputs, names) if id(layer) in old else layer.inputs)

        return graph.model_copy(
            update={"layers": tuple(layer.model_copy(update={"inputs": inputs(layer)}) for layer in made)}
        )


class AddLayer(_OfLayers):
    """Adds a layer at a place in the sequence; `layer` is its id."""

    op: Literal["add_layer"] = "add_layer"
    spec: LayerSpec
    position: int = Field(ge=0)

    def apply(self, graph: GraphSpec) -> GraphSpec:
        if self.spec.id != self.layer:
            raise SpecError(f"the layer is called {self.spec.id}, not {self.layer}")
        return self.rewired(graph, inserted(graph.layers, self.spec, self.position), {})

    def inverse(self, before: GraphSpec) -> "RemoveLayer":
        return RemoveLayer(layer=self.layer, wires=wires(before))


class RemoveLayer(_OfLayers):
    """Removes a layer; who read it reads what it read."""

    op: Literal["remove_layer"] = "remove_layer"

    def apply(self, graph: GraphSpec) -> GraphSpec:
        gone = find_layer(graph, self.layer)
        if len(graph.layers) == 1:
            raise SpecError(f"{self.layer} is the last layer; a network needs one")
        return self.rewired(graph, (x for x in graph.layers if x is not gone), {gone.id: gone.inputs})

    def inverse(self, before: GraphSpec) -> AddLayer:
        gone = find_layer(before, self.layer)
        return AddLayer(layer=gone.id, spec=gone, position=before.layers.index(gone), wires=wires(before))


class SplitLayer(_OfLayers):
    """Puts two layers in the place of one; who read it reads the second."""

    op: Literal["split_layer"] = "split_layer"
    first: LayerSpec
    second: LayerSpec

    def apply(self, graph: GraphSpec) -> GraphSpec:
        gone = find_layer(graph, self.layer)
        k = graph.layers.index(gone)
        layers = (*graph.layers[:k], self.first, self.second, *graph.layers[k + 1 :])
        return self.rewired(graph, layers, {gone.id: (self.second.id,)})

    def inverse(self, before: GraphSpec) -> "MergeLayers":
        whole = find_layer(before, self.layer)
        return MergeLayers(layer=self.first.id, second=self.second.id, whole=whole, wires=wires(before))


class MergeLayers(_OfLayers):
    """Puts one layer in the place of two neighbours, `layer` and `second`; who read either reads it."""

    op: Literal["merge_layers"] = "merge_layers"
    second: str
    whole: LayerSpec

    def apply(self, graph: GraphSpec) -> GraphSpec:
        first, second = find_layer(graph, self.layer), find_layer(graph, self.second)
        k = graph.layers.index(first)
        if graph.layers[k + 1 : k + 2] != (second,):
            raise SpecError(f"layer {self.second} does not follow {self.layer}; only neighbours merge")
        layers = (*graph.layers[:k], self.whole, *graph.layers[k + 2 :])
        return self.rewired(graph, layers, dict.fromkeys((first.id, second.id), (self.whole.id,)))

    def inverse(self, before: GraphSpec) -> SplitLayer:
        first, second = find_layer(before, self.layer), find_layer(before, self.second)
        return SplitLayer(layer=self.whole.id, first=first, second=second, wires=wires(before))


AnyEdit = Annotated[
    SetPrompt
    | SetRole
    | SetModel
    | SetTools
    | SetFields
    | SetParam
    | AddExample
    | RemoveExample
    | AddAgent
    | RemoveAgent
    | AddEdge
    | RemoveEdge
    | Rewire
    | SetAggregator
    | CloneTeam
    | RemoveTeam
    | AddLayer
    | RemoveLayer
    | SplitLayer
    | MergeLayers,
    Field(discriminator="op"),
]
Edits = tuple[AnyEdit, ...]
_JSON: TypeAdapter[Edits] = TypeAdapter(Edits)
OF_TEXT = frozenset(("set_prompt", "set_role", "add_example", "remove_example", "set_fields"))
"""Edits of what agents are told; all others are edits of structure."""


def apply_all(graph: GraphSpec, edits: Sequence[Edit]) -> GraphSpec:
    """The graph after all edits in turn. Raises `SpecError` at the first that does not fit."""
    for edit in edits:
        graph = edit.apply(graph)
    return graph


def invert_all(graph: GraphSpec, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that lead from `apply_all(graph, edits)` back to the graph."""
    back: list[Edit] = []
    for edit in edits:
        back.append(edit.inverse(graph))
        graph = edit.apply(graph)
    return tuple(reversed(back))


def edits_to_json(edits: Sequence[Edit]) -> str:
    return _JSON.dump_json(tuple(edits)).decode()  # type: ignore[arg-type]


def edits_from_json(text: str) -> Edits:
    """The inverse of `edits_to_json`. Raises `SpecError` or `pydantic.ValidationError`."""
    return _JSON.validate_json(text)
