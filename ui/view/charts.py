"""Pictures as ECharts options, plain JSON, each with the same in words for those who cannot see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ui.view import words
from ui.view.picture import BOX_HEIGHT, BOX_WIDTH, Box, Picture
from ui.view.trace import Span, walk

Option = dict[str, Any]
WIDEST, TALLEST = 1180, 900  # pixels of a network
MOST_BARS = 40  # agents in a timeline; the slowest are shown


@dataclass(frozen=True)
class Palette:
    """Colours of a theme; text on `box` and on the page has a contrast of at least 4.5, lines at least 3."""

    ink: str
    quiet: str
    paper: str
    box: str
    line: str
    good: str
    bad: str
    warn: str
    busy: str
    accent: str

    def state(self, state: str) -> str:
        """The colour of how an agent fares."""
        colours = {"answered": self.good, "refused": self.warn, "failed": self.bad, "started": self.busy}
        return colours.get(state, self.line)


LIGHT = Palette(
    *("#1c2430", "#566374", "#ffffff", "#f4f6f9", "#8794a5", "#12703f", "#b3261e", "#8a5a00", "#2563a8", "#2563a8")
)
DARK = Palette(
    *("#e6eaf0", "#a3afbd", "#14181e", "#1e242d", "#6b7888", "#6fcf97", "#ff8a80", "#f2c14e", "#7ab0ea", "#7ab0ea")
)


def palette(dark: bool) -> Palette:
    return DARK if dark else LIGHT


def network(
    drawn: Picture,
    states: Mapping[tuple[str, str], str],
    tokens: Mapping[tuple[str, str], int],
    colours: Palette,
    looked_at: Box | None = None,
) -> Option:
    """A network with its agents in the colour of how they fare, and the one that is looked at in a frame.

    The boxes come first among the nodes (see `clicked`)."""
    scale = network_scale(drawn)
    nodes = []
    for box in drawn.boxes:
        style = _box(states.get((box.layer, box.agent), ""), colours)
        if box == looked_at:
            style |= {"borderColor": colours.accent, "borderWidth": 3}
        node = {
            "name": f"{box.layer}/{box.agent or box.label}",
            "x": box.x + BOX_WIDTH / 2,
            "y": box.y + BOX_HEIGHT / 2,
            "symbol": "roundRect",
            "symbolSize": [scale * BOX_WIDTH, scale * BOX_HEIGHT],
            "itemStyle": style,
            "select": {"itemStyle": style},  # the frame alone tells: a click is not the only way to an agent
            "label": {"formatter": _label(box.label, tokens.get((box.layer, box.agent), 0))},
        }
        nodes.append(node)
    heads = [
        {
            "name": f"{column.layer}/",
            "x": column.x + BOX_WIDTH / 2,
            "y": 20,
            "symbol": "rect",
            "symbolSize": [scale * BOX_WIDTH, 34],
            "itemStyle": {"color": "transparent"},
            "label": {"formatter": f"{{head|{_clip(column.layer)}}}\n{{quiet|{_clip(column.combines)}}}"},
        }
        for column in drawn.columns
    ]
    corners = [
        {"name": name, "x": x, "y": y, "symbolSize": 0, "label": {"show": False}}
        for name, x, y in (("corner 1", 0.0, 0.0), ("corner 2", drawn.width, drawn.height))
    ]
    links = [
        {"source": wire.source, "target": wire.target, "lineStyle": {"curveness": 0.35 if wire.inside else 0.0}}
        for wire in drawn.wires
    ]
    return {
        "animation": False,
        "tooltip": {"show": False},
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "left": "center",
                "top": 4,
                "width": scale * drawn.width,  # as many pixels as the picture has, so that boxes keep their shape
                "height": scale * drawn.height,
                "data": [*nodes, *heads, *corners],
                "links": links,
                "lineStyle": {"color": colours.line, "width": 1.4, "opacity": 0.9},
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 7,
                "cursor": "pointer",
                "selectedMode": "single",
                "label": {
                    "show": True,
                    "color": colours.ink,
                    "fontSize": 13,
                    "lineHeight": 16,
                    "rich": {
                        "head": {"fontWeight": "bold", "fontSize": 13, "color": colours.ink},
                        "quiet": {"fontSize": 11, "color": colours.quiet},
                    },
                },
                "emphasis": {"disabled": True},
            }
        ],
    }


def network_scale(drawn: Picture) -> float:
    """By how much a picture is made smaller to fit a page."""
    return min(1.0, WIDEST / drawn.width, TALLEST / drawn.height)


def network_in_words(drawn: Picture, states: Mapping[tuple[str, str], str]) -> str:
    """`Layer solve (single): solver answered. Layer tell (single): teller waits.`"""
    said = []
    for column in drawn.columns:
        agents = [
            f"{box.label} {states.get((box.layer, box.agent), 'waits').replace('started', 'works')}"
            if box.agent
            else box.label
            for box in drawn.boxes
            if box.layer == column.layer
        ]
        said.append(f"Layer {column.layer} ({column.combines}): {', '.join(agents)}.")
    return " ".join(said)


def timeline(root: Span, colours: Palette) -> Option:
    """When each agent worked: bars over the seconds of the run, the first on top."""
    spans = agents(root)
    names = [f"{span.at.split('/')[-3]} · {span.name}" if span.kind == "agent" else span.title for span in spans]
    data = [
        {"value": round(max(span.seconds, 0.0), 4), "itemStyle": {"color": _colour(span, colours)}} for span in spans
    ]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 26, "containLabel": True},
        "tooltip": {"trigger": "item", "valueFormatter": "%.2f s"},
        "xAxis": {
            "type": "value",
            "name": "s",
            "axisLabel": {"color": colours.quiet},
            "splitLine": {"lineStyle": {"opacity": 0.3}},
        },
        "yAxis": {
            "type": "category",
            "data": names,
            "inverse": True,
            "axisTick": {"show": False},
            "axisLine": {"show": False},
            "axisLabel": {"color": colours.ink, "width": 200, "overflow": "truncate"},
        },
        "series": [
            {
                "type": "bar",
                "stack": "time",
                "silent": True,
                "itemStyle": {"color": "transparent"},
                "data": [round(span.start, 4) for span in spans],
            },
            {"type": "bar", "stack": "time", "name": "took", "barMaxWidth": 14, "barMinHeight": 2, "data": data},
        ],
    }


def timeline_in_words(root: Span) -> str:
    """`plan from 0 ms for 2.0 s; solver from 2.0 s for 3.1 s.`"""
    said = (f"{s.title} from {words.duration(max(s.start, 0))} for {words.duration(s.seconds)}" for s in agents(root))
    return "Timeline: " + "; ".join(said) + "."


def agents(root: Span) -> list[Span]:
    """What a timeline shows: planning, agents and scoring in the order in which they began, the longest when there are many."""
    found = [span for _, span in walk(root) if span.kind in ("plan", "agent", "loss")]
    kept = sorted(found, key=lambda span: -span.seconds)[:MOST_BARS]
    return sorted(kept, key=lambda span: span.start)


def _colour(span: Span, colours: Palette) -> str:
    if span.kind != "agent":
        return colours.line
    return colours.bad if span.error else colours.state(span.detail or "started")


def _box(state: str, colours: Palette) -> Option:
    style: Option = {"color": colours.box, "borderColor": colours.state(state), "borderWidth": 2 if state else 1}
    if state == "started":
        style |= {"shadowBlur": 12, "shadowColor": colours.busy}
    return style


def _label(name: str, tokens: int) -> str:
    return _clip(name) + (f"\n{{quiet|{words.count(tokens, 'token')}}}" if tokens else "")


def _clip(text: str) -> str:
    """Short enough for a box, and without the braces and bars that ECharts reads as marks."""
    return words.clipped(text, 22).replace("{", "(").replace("}", ")").replace("|", "/")


def clicked(event: Any, drawn: Picture) -> Box | None:
    """The box of a network's picture that was clicked, if one is."""
    groups = event["selection"]["selected"] if isinstance(event, Mapping) and event.get("selection") else []
    found = [k for group in groups if group.get("data_type") != "edge" for k in group["data_indices"]]
    return drawn.boxes[found[0]] if found and found[0] < len(drawn.boxes) else None
