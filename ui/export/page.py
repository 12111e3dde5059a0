"""One self-contained HTML page about a run: everything inline, no script, no request, all text escaped.

The page is `run.html` filled with a `Story`; its policy line forbids a browser to load or run anything, whatever a model wrote.
"""

import json
import platform
from importlib.metadata import version

from store.events import Routed, ToolCalled
from ui.view import words
from ui.view.bodies import PICTURES, Shown, artifact, asked, rows
from ui.view.evidence import ground_of, sources
from ui.view.picture import BOX_HEIGHT, BOX_WIDTH, Picture, picture
from ui.view.story import Story, agent_states
from ui.view.trace import walk


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
        states=agent_states(story.trace),
        tokens=_tokens(story),
        asked=lambda event: asked(event, story.read),
        ground=lambda event: ground_of(event, story.read),
        artifact=lambda ref: artifact(ref, story.blob),
        pictures=_pictures(story),
        share=lambda seconds: f"{100 * seconds / (story.seconds or 1):.2f}",
        graph_json=story.graph.model_dump_json(indent=2, exclude_defaults=True) if story.graph else "",
        sources=sources(record.event for record in story.records),
        produced=_produced(story),
    )


def _pictures(story: Story) -> dict[str, list[Shown]]:
    """The pictures of each tool call, by the reference of its output."""
    calls = [event for record in story.records if isinstance(event := record.event, ToolCalled) and event.output]
    return {
        str(call.output): [artifact(ref, story.blob) for ref in call.artifacts if ref.media_type in PICTURES]
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
        "options": json.dumps(story.options, ensure_ascii=False),
        "network": run.graph_hash,
        "tools": ", ".join(f"{name} (version {number})" for name, number in tools.items()),
        "continues" if run.relation == "continue" else "stems from": run.parent or "",
        "exported by": f"Backprose {version('backprose')}, Python {platform.python_version()}",
    }
    return {name: fact for name, fact in facts.items() if fact}
