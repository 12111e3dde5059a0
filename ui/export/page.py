"""One self-contained HTML page about a run: everything inline, no script, no request, all text escaped.

The page is `run.html` filled with a `Story`; its policy line forbids a browser to load or run anything, whatever a model wrote.
"""

import base64
import csv
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from agents.models.record import load_reply, load_request
from store.events import ArtifactRef, ModelCalled, Routed, ToolCalled
from ui.view import words
from ui.view.evidence import ground_of, sources
from ui.view.picture import BOX_HEIGHT, BOX_WIDTH, Picture, picture
from ui.view.story import Story, agent_states
from ui.view.trace import walk

PICTURES = ("image/png", "image/jpeg")  # what is shown; never image/svg+xml, which may carry script
MOST_ROWS = 200  # of a table that is an artifact
LONG = 160  # characters of a value beyond which it is folded


def export_html(story: Story) -> str:
    """The page of a run as HTML text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("ui.export", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(duration=words.duration, money=words.money, number=words.number, moment=words.moment, rows=rows)
    return env.get_template("run.html").render(
        story=story,
        status=words.STATUS_WORDS[story.run.status],
        picture=_picture(story),
        box=(BOX_WIDTH, BOX_HEIGHT),
        states=agent_states(story),
        tokens=_tokens(story),
        asked=lambda event: asked(event, story),
        ground=lambda event: ground_of(event, story.read),
        artifact=lambda ref: artifact(ref, story),
        pictures=_pictures(story),
        share=lambda seconds: f"{100 * seconds / (story.seconds or 1):.2f}",
        graph_json=story.graph.model_dump_json(indent=2, exclude_defaults=True) if story.graph else "",
        sources=sources(record.event for record in story.records),
        produced=_produced(story),
    )


@dataclass(frozen=True)
class Row:
    """One field of a JSON object: its name, its unit, and its value as a text, or as a table when it is a list of objects."""

    name: str
    unit: str
    text: str = ""
    table: tuple[tuple[str, ...], ...] = ()  # the first line is the head

    @property
    def long(self) -> bool:
        """Whether the text is too long to stand open."""
        return len(self.text) > LONG


def rows(values: Mapping[str, Any], units: Mapping[str, str]) -> list[Row]:
    """A JSON object as the rows of a table; what is null is left out."""
    return [_row(name, value, units.get(name, "")) for name, value in values.items() if value is not None]


def _row(name: str, value: Any, unit: str) -> Row:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        if all(_is_artifact(item) for item in value):
            return Row(name, unit, ", ".join(item["name"] for item in value))
        head = tuple(dict.fromkeys(key for item in value for key in item))
        return Row(name, unit, table=(head, *(tuple(_text(item.get(key)) for key in head) for item in value)))
    return Row(name, unit, value["name"] if _is_artifact(value) else _text(value))


def _text(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join(map(words.number, value)) or "none"
    if value is None:
        return ""
    return _json(value) if isinstance(value, list | dict) else words.number(value)


def _is_artifact(value: Any) -> bool:
    """Whether a value stands for a file that the page shows elsewhere."""
    return isinstance(value, dict) and {"name", "media_type", "sha256"} <= value.keys()


@dataclass(frozen=True)
class Asked:
    """A model call in words: who said what, what form the answer had to have, and what came."""

    messages: tuple[tuple[str, str], ...]  # role and text
    schema: str
    settings: str
    reply: str


def asked(event: ModelCalled, story: Story) -> Asked:
    """The prompt and the reply of a model call."""
    request = load_request(story.read, event.request)
    reply = load_reply(story.read, event.reply) if event.reply else None
    wanted = [f"{r.name}({r.arguments})" for r in reply.tool_requests] if reply else []
    return Asked(
        messages=tuple((m.role, m.content) for m in request.messages),
        schema=_json(request.answer_schema) if request.answer_schema else "",
        settings=f"temperature {request.temperature:g}, seed {request.seed}, at most {request.max_tokens} tokens",
        reply="\n".join(part for part in (reply.text, *wanted) if part) if reply else "",
    )


@dataclass(frozen=True)
class Shown:
    """An artifact as a page can show it: a picture as a data URI, a table as rows, or neither."""

    ref: ArtifactRef
    size: str
    picture: str = ""
    table: tuple[tuple[str, ...], ...] = ()
    cut: bool = False  # the table is longer


def artifact(ref: ArtifactRef, story: Story) -> Shown:
    """An artifact in the form it is shown in."""
    data = story.blob(ref.blob)
    size = words.size(len(data))
    if ref.media_type in PICTURES:
        return Shown(ref, size, picture=f"data:{ref.media_type};base64,{base64.b64encode(data).decode()}")
    if ref.media_type == "text/csv":
        lines = [tuple(line) for line in csv.reader(io.StringIO(data.decode("utf-8", "replace")))]
        return Shown(ref, size, table=tuple(lines[:MOST_ROWS]), cut=len(lines) > MOST_ROWS)
    return Shown(ref, size)


def _pictures(story: Story) -> dict[str, list[Shown]]:
    """The pictures of each tool call, by the reference of its output."""
    calls = [event for record in story.records if isinstance(event := record.event, ToolCalled) and event.output]
    return {
        str(call.output): [artifact(ref, story) for ref in call.artifacts if ref.media_type in PICTURES]
        for call in calls
    }


def _picture(story: Story) -> Picture | None:
    if story.graph is None:
        return None
    return picture(story.graph, {r.event.layer: r.event.team for r in story.records if isinstance(r.event, Routed)})


def _tokens(story: Story) -> dict[tuple[str, str], int]:
    """Tokens paid for, by layer and agent."""
    spans = [s for _, s in walk(story.trace) if s.kind == "agent" and s.at.split("/")[2] == "agent"]
    return {(s.at.split("/")[1], s.name): s.tokens for s in spans}


def _produced(story: Story) -> dict[str, str]:
    """How the run came about, for whoever wants to make it again."""
    run = story.run
    tools = {e.tool: e.version for r in story.records if isinstance(e := r.event, ToolCalled)}
    facts = {
        "run": run.id,
        "started": words.moment(run.created),
        "model": run.model,
        "seed": str(run.seed),
        "options": _json(story.options),
        "network": run.graph_hash,
        "tools": ", ".join(f"{name} (version {number})" for name, number in tools.items()),
        "continues" if run.relation == "continue" else "stems from": run.parent or "",
        "exported by": f"Backprose {version('backprose')}, Python {platform.python_version()}",
    }
    return {name: fact for name, fact in facts.items() if fact}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
