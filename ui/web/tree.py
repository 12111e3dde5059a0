"""A run's trace as a tree that opens level by level; what a call said is read when its line is opened."""

from typing import Any

import streamlit as st

from store.events import ModelCalled, ToolCalled
from ui.view import markup, words
from ui.view.bodies import artifact, asked
from ui.view.evidence import ground_of
from ui.view.live import PER_PAGE, Live
from ui.view.trace import Span
from ui.web import parts

LEVEL = 25  # branches that are listed at once


def branches(live: Live, span: Span) -> None:
    """What is in a span: its own calls, then its branches, `LEVEL` at a time."""
    own = span.inside - sum(child.inside for child in span.children)
    if span.kind == "agent":
        agent(live, span, span.at)
    elif own and span.kind != "run":
        calls(live, span, span.at)
    pages = -(-len(span.children) // LEVEL)
    page = parts.pager(pages, key=f"level-{span.at}")
    for child in span.children[(page - 1) * LEVEL : page * LEVEL]:
        line = st.expander(_line(child), key=f"open-{child.at}", type="compact", on_change="rerun")
        if not line.open:
            continue
        with line:
            if child.error:
                st.error(words.markdown(f"{child.error.kind}: {child.error.message}"))
            elif child.kind != "agent" and child.detail:
                st.markdown(f":gray[{words.markdown(child.detail)}]")
            branches(live, child)


def agent(live: Live, span: Span | None, key: str) -> None:
    """What an agent is told and what it did."""
    if span is None:
        st.markdown(":gray[It has not begun.]")
        return
    if spec := live.agent(span):
        given = {"tools": ", ".join(spec.tools), "model": spec.model, "demonstrations": len(spec.examples)}
        st.html("<h5>prompt</h5>" + markup.verbatim(spec.prompt) + markup.facts({n: v for n, v in given.items() if v}))
    calls(live, span, key)


def calls(live: Live, span: Span, key: str) -> None:
    """The calls that stand under a span itself, a page at a time."""
    own = span.inside - sum(child.inside for child in span.children)
    page = parts.pager(-(-own // PER_PAGE), key=f"page-{key}")
    for leaf in live.calls(span, page):
        line = st.expander(_line(leaf), key=f"open-{key}-{leaf.at}", type="compact", on_change="rerun")
        if line.open:
            with line:
                _leaf(live, leaf, key)


def _line(span: Span) -> str:
    """One line of the tree, as markdown."""
    marks = []
    if span.error:
        marks.append(f":red[{words.markdown(span.error.kind)}]")
    elif span.kind == "agent" and span.detail:
        colour = {"answered": "green", "refused": "orange"}.get(span.detail, "gray")
        marks.append(f":{colour}[{words.markdown(span.detail)}]")
    elif span.kind in ("tool", "note") and span.detail:
        marks.append(words.markdown(span.detail))
    if span.cached:
        marks.append(":blue[known]")
    marks.append(words.duration(max(span.seconds, 0.0)))
    if span.tokens:
        marks.append(words.count(span.tokens, "token"))
    if span.usd:
        marks.append(words.markdown(words.money(span.usd)))
    if span.inside and span.kind != "agent":
        marks.append(words.count(span.inside, "call"))
    return f"**{words.markdown(span.title)}** :gray[·] " + " :gray[·] ".join(marks)


def _leaf(live: Live, span: Span, key: str) -> None:
    """What stands behind a call."""
    if span.error:
        st.error(
            words.markdown(span.error.message) + (f"  \n{words.markdown(span.error.hint)}" if span.error.hint else "")
        )
    event: Any = span.event
    if isinstance(event, ModelCalled):
        _model(live, event, span)
    elif isinstance(event, ToolCalled):
        _tool(live, event, key)
    else:
        st.markdown(words.markdown(span.detail))


def _model(live: Live, event: ModelCalled, span: Span) -> None:
    said = asked(event, live.store.text)
    tokens = f"{event.prompt_tokens:,} tokens in, {event.completion_tokens:,} out"
    st.markdown(f":gray[{words.markdown(f'{span.detail}; {said.settings}; {tokens}; {words.money(event.usd)}')}]")
    pieces = [f"<h5>{role}</h5>{markup.verbatim(text)}" for role, text in said.messages]
    if said.schema:
        pieces.append(
            f"<details><summary>The form the answer had to have</summary>{markup.verbatim(said.schema)}</details>"
        )
    if said.reply:
        pieces.append(f"<h5>reply</h5>{markup.verbatim(said.reply)}")
    st.html("".join(pieces))


def _tool(live: Live, event: ToolCalled, key: str) -> None:
    ground = ground_of(event, live.store.text)
    st.html("<h5>arguments</h5>" + markup.fields(ground.arguments, ground.units))
    if ground.output:
        checks = markup.certificates(ground.certificates)
        st.html(f"{checks}<h5>outputs</h5>" + markup.fields(ground.output, ground.units))
    for ref in event.artifacts:
        parts.file(artifact(ref, live.store.blob), key=f"{key}-{ref.name}-{ref.blob}")
    if ground.source:
        st.markdown(f":gray[{words.markdown(ground.source)}]")
