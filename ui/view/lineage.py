"""A training as a tree of graph versions: where each came from, which critique caused it, what the gate said, how it scored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.backward.edit import apply_all, edits_from_json
from agents.backward.gradient import GradientItem
from agents.spec import GraphSpec
from experiments.stats.intervals import Interval, mean_interval
from store import Run, Store, get_events, list_runs
from store.events import Criticised, EditProposed, GateDecided, TrainingStarted, VersionMade
from ui.view import words
from ui.view.charts import Option, Palette

STAGES = {
    "static": "static checks",
    "dry_run": "dry run",
    "minibatch": "paired minibatch",
    "validation": "paired validation",
}


@dataclass(frozen=True)
class Node:
    """One version. `depth` is its distance from the network that went in.

    Attributes:
        scores: Score by deciding case.
        interval: 95 % interval of their mean; None when nothing was scored.
        edits: Names of the operations that made it.
        critique: What caused them, heaviest first.
    """

    version: str
    parent: str
    step: int
    depth: int
    graph: GraphSpec
    scores: dict[str, float]
    interval: Interval | None
    tokens: float
    usd: float
    incumbent: bool
    edits: tuple[str, ...]
    critique: tuple[GradientItem, ...]

    @property
    def name(self) -> str:
        return self.version[:8]


@dataclass(frozen=True)
class Step:
    """One step: whom the critics blamed, what was proposed, and what became of it.

    Attributes:
        blame: Share of the loss by layer, the largest first.
        critique: What the layer should change, heaviest first.
        edits: Names of the proposed operations.
        before, after: The parent's network and the candidate's, where both are known.
        outcome: Accepted, refused or not proposed.
        stage: Where the gate decided, in words; empty where it was not asked.
        reason: Why, in words.
        table: Score of parent and candidate by case.
    """

    number: int
    parent: str
    candidate: str
    layer: str
    blame: dict[str, float]
    critique: tuple[GradientItem, ...]
    edits: tuple[str, ...]
    before: GraphSpec | None
    after: GraphSpec | None
    outcome: str
    stage: str
    reason: str
    incumbent: bool
    table: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True)
class Training:
    """A training as far as it has come. `nodes` are in the order they were made, the network that went in first."""

    run: Run
    name: str
    learns_from: int
    decide: int
    nodes: tuple[Node, ...]
    steps: tuple[Step, ...]

    @property
    def best(self) -> Node | None:
        """The incumbent."""
        return next((node for node in reversed(self.nodes) if node.incumbent), None)

    def node(self, version: str) -> Node | None:
        """The version whose hash begins like this."""
        return next((node for node in self.nodes if version and node.version.startswith(version)), None)

    def line(self, node: Node) -> list[Node]:
        """The version and all it came from, the first one first."""
        found = [node]
        while (parent := self.node(found[-1].parent)) and parent not in found:
            found.append(parent)
        return found[::-1]

    def tree(self) -> list[Node]:
        """All versions, each after its parent and before its parent's later children."""
        children: dict[str, list[Node]] = {}
        for node in self.nodes:
            children.setdefault(node.parent if self.node(node.parent) else "", []).append(node)

        def below(parent: str) -> list[Node]:
            return [n for child in children.get(parent, ()) for n in (child, *below(child.version))]

        return below("")


def trainings(store: Store, limit: int = 100) -> list[Run]:
    """The runs that are trainings, the latest first."""
    found = list_runs(store, text="Train ", limit=limit).runs
    return [run for run in found if get_events(store, run.id, kind=TrainingStarted, limit=1)]


@dataclass
class _Raw:
    started: TrainingStarted | None = None
    made: list[VersionMade] = field(default_factory=list)
    blamed: dict[int, Criticised] = field(default_factory=dict)
    proposed: dict[int, EditProposed] = field(default_factory=dict)
    decided: dict[int, GateDecided] = field(default_factory=dict)


def training(store: Store, run: Run) -> Training:
    """A training from its log."""
    raw = _Raw()
    kinds = (TrainingStarted, VersionMade, Criticised, EditProposed, GateDecided)
    for record in get_events(store, run.id, kind=kinds):
        match event := record.event:
            case TrainingStarted():
                raw.started = event
            case VersionMade():
                raw.made.append(event)
            case Criticised():
                raw.blamed[event.step] = event
            case EditProposed():
                raw.proposed[event.step] = event
            case GateDecided():
                raw.decided[event.step] = event
            case _:
                pass
    cases = json.loads(store.text(raw.started.cases)) if raw.started else {}
    numbers = sorted({*raw.blamed, *raw.proposed, *raw.decided})
    nodes = _nodes(raw.made, store)
    graphs = {node.version: node.graph for node in nodes}
    return Training(
        run=run,
        name=raw.started.name if raw.started else run.title,
        learns_from=len(cases.get("train", ())),
        decide=len(cases.get("val", ())),
        nodes=nodes,
        steps=tuple(_step(k, raw, graphs, store) for k in numbers),
    )


def _nodes(made: Sequence[VersionMade], store: Store) -> tuple[Node, ...]:
    depths: dict[str, int] = {}
    nodes: list[Node] = []
    for event in made:
        if event.version in depths:
            continue
        depths[event.version] = depths.get(event.parent, -1) + 1
        scores = {case: float(score) for case, score in json.loads(store.text(event.scores)).items()}
        nodes.append(
            Node(
                version=event.version,
                parent=event.parent,
                step=event.step,
                depth=depths[event.version],
                graph=GraphSpec.model_validate_json(store.text(event.graph)),
                scores=scores,
                interval=mean_interval(list(scores.values())) if scores else None,
                tokens=event.tokens,
                usd=event.usd,
                incumbent=event.incumbent,
                edits=tuple(e.op for e in edits_from_json(store.text(event.edits))) if event.edits else (),
                critique=_items(event.critique, store),
            )
        )
    return tuple(nodes)


def _step(number: int, raw: _Raw, graphs: Mapping[str, GraphSpec], store: Store) -> Step:
    blamed, proposed, decided = raw.blamed.get(number), raw.proposed.get(number), raw.decided.get(number)
    blame = json.loads(store.text(blamed.blame)) if blamed else {}
    error = proposed.error if proposed else None
    parent = proposed.graph_hash if proposed else blamed.graph_hash if blamed else ""
    edits = edits_from_json(store.text(proposed.edits)) if proposed and proposed.edits else ()
    before = graphs.get(parent)
    after = apply_all(before, edits) if before and proposed and proposed.candidate else None
    if decided is not None:
        outcome, reason = "accepted" if decided.accepted else "refused", decided.reason
    else:
        outcome, reason = "not proposed", error.message if error else "the training ended here"
    return Step(
        number=number,
        parent=parent,
        candidate=proposed.candidate if proposed else "",
        layer=proposed.layer if proposed else blamed.layer if blamed else "",
        blame=dict(sorted(blame.items(), key=lambda pair: -pair[1])),
        critique=_items(blamed.gradient, store) if blamed else (),
        edits=tuple(edit.op for edit in edits),
        before=before,
        after=after,
        outcome=outcome,
        stage=STAGES.get(decided.stage, decided.stage) if decided else "",
        reason=reason,
        incumbent=bool(decided and decided.incumbent),
        table=_table(store.text(decided.table)) if decided and decided.table else (),
    )


def _items(ref: str | None, store: Store) -> tuple[GradientItem, ...]:
    return tuple(GradientItem.model_validate(item) for item in json.loads(store.text(ref))) if ref else ()


def _table(text: str) -> tuple[tuple[str, float, float], ...]:
    """Parent's and candidate's score by case, the cases that changed most first."""
    found = json.loads(text)
    rows = [(case, float(score), float(found["child"][case])) for case, score in found["parent"].items()]
    return tuple(sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0])))


def curve(shown: Training, colours: Palette) -> Option:
    """Score of each version over the steps with its interval; the line joins the incumbents."""
    scored = [node for node in shown.nodes if node.interval]
    best = [node for node in scored if node.incumbent]
    bars: list[Any] = []
    for node in scored:
        assert node.interval is not None
        bars.append([{"coord": [node.step + 1, node.interval.low]}, {"coord": [node.step + 1, node.interval.high]}])
    return {
        "animation": False,
        "grid": {"left": 14, "right": 30, "top": 34, "bottom": 34, "containLabel": True},
        "tooltip": {"trigger": "item", "valueFormatter": "%.3f"},
        "xAxis": {
            "type": "value",
            "min": 0,
            "name": "steps done",
            "nameLocation": "middle",
            "nameGap": 26,
            "minInterval": 1,
            "nameTextStyle": {"color": colours.quiet},
            "axisLabel": {"color": colours.quiet},
            "splitLine": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "max": 1,
            "name": "mean score",
            "nameTextStyle": {"color": colours.quiet},
            "axisLabel": {"color": colours.quiet},
            "splitLine": {"lineStyle": {"opacity": 0.3}},
        },
        "series": [
            {
                "name": "version",
                "type": "scatter",
                "clip": False,
                "symbolSize": 9,
                "itemStyle": {"color": colours.quiet},
                "data": [[n.step + 1, round(n.interval.estimate, 4)] for n in scored if n.interval],
                "markLine": {
                    "silent": True,
                    "symbol": ["none", "none"],
                    "label": {"show": False},
                    "lineStyle": {"type": "solid", "width": 3, "color": colours.line},
                    "data": bars,
                },
            },
            {
                "name": "best so far",
                "type": "line",
                "clip": False,
                "z": 5,
                "step": "end",
                "symbolSize": 10,
                "lineStyle": {"color": colours.accent, "width": 2},
                "itemStyle": {"color": colours.accent},
                "data": [[n.step + 1, round(n.interval.estimate, 4)] for n in best if n.interval],
            },
        ],
    }


def curve_in_words(shown: Training) -> str:
    """`Mean score by step with 95 % intervals: before any step 0.25 (0.09 to 0.53); step 3 0.75 (0.47 to 0.91), best so far.`"""
    said = []
    for node in shown.nodes:
        if i := node.interval:
            when = f"step {node.step}" if node.depth else "before any step"
            best = ", best so far" if node.incumbent else ""
            said.append(f"{when} {i.estimate:.2f} ({i.low:.2f} to {i.high:.2f}){best}")
    return "Mean score by step with 95 % intervals: " + "; ".join(said) + "."


def score(node: Node) -> str:
    """`0.75 (0.47 to 0.91) on 12 cases`."""
    if node.interval is None:
        return "not scored"
    i = node.interval
    return f"{i.estimate:.2f} ({i.low:.2f} to {i.high:.2f}) on {words.count(len(node.scores), 'case')}"
