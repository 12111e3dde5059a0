"""Learning: a training's versions as a tree with their scores, and for each version and step what changed, and why."""

import streamlit as st

from agents.backward.gradient import GradientItem
from agents.spec import GraphSpec
from store import StoreError, get_run
from ui.view import lineage, listing, markup, words
from ui.view.diff import networks_changed, words_changed
from ui.view.lineage import Node, Step, Training
from ui.web import parts
from ui.web.addresses import link, open_page, parameter

OUTCOMES = {"accepted": "green", "refused": "red", "not proposed": "gray"}


def page() -> None:
    found = lineage.trainings(parts.store())
    parts.title("Learning")
    if not found:
        parts.empty(
            "No training yet.",
            "A network learns from examples by critiques that become tested edits. Start one with "
            "`backprose train SUITE --network N`, or `network.fit(train, val)` in Python; then its versions stand here.",
        )
        return
    titles = {run.id: run.title for run in found}
    asked = parameter("id")
    if asked and asked not in titles:
        try:
            run = get_run(parts.store(), asked)
        except StoreError as error:
            parts.complain(error)
            return
        titles[run.id] = run.title
    chosen = asked if asked in titles else found[0].id
    picked = st.selectbox(
        "Training",
        list(titles),
        list(titles).index(chosen),
        format_func=lambda i: f"{titles[i]} ({i})",
        key=f"of-{chosen}",
    )
    if picked != chosen:
        open_page("learning", id=picked, version="")
    run = get_run(parts.store(), chosen)
    st.fragment(_training, run_every=3 * parts.EVERY if run.status == "running" else None)(chosen)


def _training(run_id: str) -> None:
    run = get_run(parts.store(), run_id)
    shown = lineage.training(parts.store(), run)
    with st.container(horizontal=True, vertical_alignment="center"):
        cases = f"learns from {words.count(shown.learns_from, 'case')}, {shown.decide} decide"
        st.markdown(f"{parts.status_badge(run)} :gray[{words.markdown(f'{cases} · {listing.facts(run)}')}]")
        link("run", "Its log", id=run.id)
    if not shown.nodes:
        parts.empty("No version yet.", "The network that goes in is being measured first.")
        return
    _summary(shown)
    st.subheader("Score", anchor=False)
    parts.chart(lineage.curve(shown, parts.colours()), lineage.curve_in_words(shown), 280, key="curve")
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        chosen = _tree(shown)
    with right:
        _version(shown, chosen)
    _steps(shown)


def _summary(shown: Training) -> None:
    start, best = shown.nodes[0], shown.best or shown.nodes[0]
    accepted = sum(step.outcome == "accepted" for step in shown.steps)
    names = ("Went in", "Best so far", "Steps", "Accepted", "Tokens a case")
    values = (_mean(start), _mean(best), f"{len(shown.steps):,}", f"{accepted:,}", f"{best.tokens:,.0f}")
    for column, name, value in zip(st.columns(len(names)), names, values, strict=True):
        column.metric(name, value)


def _mean(node: Node) -> str:
    return f"{node.interval.estimate:.2f}" if node.interval else "not scored"


def _tree(shown: Training) -> Node:
    """All versions, indented below their parents; returns the one that is looked at."""
    st.subheader("Versions", anchor=False)
    nodes = shown.tree()
    asked = shown.node(parameter("version")) or shown.best or nodes[0]
    lines = {node.version: _version_line(node) for node in nodes}
    key = f"versions-{shown.run.id}"
    st.session_state[key] = asked.version  # what the address says, not what was chosen before
    st.radio(
        "Version",
        list(lines),
        format_func=lines.__getitem__,
        key=key,  # always the same, so that arrow keys go on from version to version
        label_visibility="collapsed",
        on_change=_look_at,
        args=(key,),
    )
    return asked


def _look_at(key: str) -> None:
    st.query_params["version"] = st.session_state[key][:8]


def _version_line(node: Node) -> str:
    when = f"step {node.step}" if node.depth else "went in"
    best = " :green[best]" if node.incumbent and node.depth else ""
    return "\u2003" * node.depth + f"`{node.name}` {_mean(node)} :gray[{when}]{best}"


def _version(shown: Training, node: Node) -> None:
    parent = shown.node(node.parent)
    st.subheader(f"Version {node.name}", anchor=False)
    st.markdown(
        f"{words.markdown(lineage.score(node))} :gray[·] {node.tokens:,.0f} tokens a case, {words.money(node.usd)}"
    )
    if parent is None:
        st.markdown(":gray[The network that went in.]")
        return
    st.markdown(":gray[Line:] " + " → ".join(f"`{n.name}`" for n in shown.line(node)))
    _critique(node.critique)
    _changes(parent.graph, node.graph)


def _critique(items: tuple[GradientItem, ...]) -> None:
    """Why: what was asked to change, the heaviest first."""
    if not items:
        return
    st.markdown("**The critique that caused it**")
    lines = [(item.text, item.target, item.kind.replace("_", " "), f"{item.weight:.2f}") for item in items]
    st.html(
        markup.table(("critique", "of", "asks to", "weight"), lines, right=(3,), caption="Critique, heaviest first")
    )


def _changes(before: GraphSpec, after: GraphSpec) -> None:
    """What: every part that differs, word by word."""
    st.markdown("**What changed**")
    for changed in networks_changed(before, after):
        st.html(f"<h5>{markup.text(changed.where)}</h5>" + markup.changes(words_changed(changed.old, changed.new)))


def _steps(shown: Training) -> None:
    st.subheader("Steps", anchor=False)
    if not shown.steps:
        st.markdown(":gray[None yet.]")
    for step in shown.steps:
        colour = OUTCOMES[step.outcome]
        edits = ", ".join(name.replace("_", " ") for name in step.edits) or "no edit"
        what = f"{words.markdown(step.layer or 'no layer')} :gray[·] {edits}"
        head = f"Step {step.number} :{colour}[{step.outcome}] :gray[·] {what}"
        line = st.expander(head, type="compact", key=f"step-{shown.run.id}-{step.number}", on_change="rerun")
        if line.open:
            with line:
                _step(step)


def _step(step: Step) -> None:
    st.markdown(words.markdown(f"{step.stage or 'Before the gate'}: {step.reason}"))
    if step.blame:
        blamed = ", ".join(f"{layer} {100 * share:.0f} %" for layer, share in step.blame.items())
        st.markdown(f":gray[Blame:] {words.markdown(blamed)}")
    _critique(step.critique)
    if step.before and step.after:
        _changes(step.before, step.after)
    if step.table:
        st.markdown("**Gate**")
        lines = [(case, f"{old:.2f}", f"{new:.2f}", f"{new - old:+.2f}") for case, old, new in step.table]
        st.html(markup.table(("case", "before", "after", "change"), lines, right=(1, 2, 3), caption="Scores by case"))
