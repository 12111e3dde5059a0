"""Run: one run, live while it is under way: its answer and what it stands on, its network, its trace, and what can be done."""

import json
from functools import partial
from typing import Any

import streamlit as st

from agents.answer import Answer
from agents.models.scrub import scrub
from store import Run, StoreError, UnknownRun, delete_run, get_run, list_runs, neighbours
from ui.export import export_html
from ui.launch import Resume, cancel, last_words, launch, replay
from ui.view import charts, markup, words
from ui.view.evidence import Ground, grounds
from ui.view.live import Live
from ui.view.picture import Picture, picture
from ui.view.story import tell
from ui.web import parts, tree
from ui.web.addresses import link, open_page, parameter
from ui.web.forking import fork


def page() -> None:
    run_id = parameter("id") or _newest()
    if not run_id:
        parts.title("Run")
        parts.empty("No run yet.", "Ask something, and you can watch a team work on it here.")
        link("ask", "Ask something")
        return
    try:
        run = get_run(parts.store(), run_id)
    except StoreError as error:
        parts.title("Run")
        parts.complain(error)
        if isinstance(error, UnknownRun):
            link("runs", "All runs")
        return
    _header(run)
    running = run.status == "running"
    st.fragment(_body, run_every=parts.EVERY if running else None)(run.id, running)


def _newest() -> str:
    found = list_runs(parts.store(), limit=1).runs
    return found[0].id if found else ""


def _header(run: Run) -> None:
    older, newer = neighbours(parts.store(), run.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{parts.status_badge(run)} :gray[Run {run.id} · {words.markdown(words.moment(run.created))}]")
        st.space("stretch")
        if st.button("Older", shortcut="K", disabled=older is None, type="tertiary"):
            open_page("run", id=older or "")
        if st.button("Newer", shortcut="J", disabled=newer is None, type="tertiary"):
            open_page("run", id=newer or "")
    st.html(markup.prose(parts.store().text(run.task), "bp-task"))
    _stems(run)
    with st.container(horizontal=True):
        _actions(run)


def _stems(run: Run) -> None:
    if run.parent:
        link("run", f"{'Continues' if run.relation == 'continue' else 'Stems from'} {run.parent}", id=run.parent)


def _actions(run: Run) -> None:
    if run.status == "running":
        if st.button("Cancel", help="What is done is kept; the run can be gone on with."):
            _try(lambda: cancel(parts.store(), run.id))
        return
    if run.status not in ("answered", "refused") and st.button(
        "Go on", type="primary", help="What is done is not done again."
    ):
        _try(lambda: open_page("run", id=launch(Resume(run_id=run.id))))
    st.download_button(
        "Export",
        lambda: export_html(tell(parts.store(), run.id)),
        f"run-{run.id}.html",
        "text/html",
        on_click="ignore",
        help="One file that stands alone: no server, no script.",
    )
    if st.button("Replay", help="Execute it again from its log alone, at no cost, and compare every event."):
        _replay(run)
    if st.button("Fork", help="The same task with another model, other words or other prompts."):
        fork(run)
    if st.button("Delete"):
        _delete(run)


def _try(do: Any) -> None:
    try:
        do()
    except parts.FAILURES as error:
        parts.complain(error)


@st.dialog("Replay")
def _replay(run: Run) -> None:
    with st.spinner("Executing it from its log"):
        try:
            found = replay(run.id)
        except parts.FAILURES as error:
            parts.complain(error)
            return
    if not found.differences:
        st.success(
            f"{words.count(found.events, 'event')} compared, none differs; {words.count(found.calls, 'call')} made."
        )
    for line in found.differences:
        st.error(words.markdown(line))


@st.dialog("Delete run")
def _delete(run: Run) -> None:
    st.markdown("The run, with the content that no other run uses, will be gone for good.")
    if st.button("Delete for good", type="primary"):
        _try(lambda: delete_run(parts.store(), run.id))
        open_page("runs")


def _body(run_id: str, watching: bool) -> None:
    """What changes while the run is under way."""
    run = get_run(parts.store(), run_id)
    live = parts.live(run_id).catch_up()
    if watching and run.status != "running":
        st.rerun()  # it has ended: show the whole page anew, and look no more
    if run.status == "running":
        _progress(run, live)
    _figures(run, live)
    if run.status == "interrupted":
        _interrupted(run)
    if live.error:
        st.error(
            words.markdown(live.error.message) + (f"  \n{words.markdown(live.error.hint)}" if live.error.hint else "")
        )
    if run.answer:
        _answer(run)
    st.fragment(_network)(live)  # a click in it draws it alone anew
    _trace(live)
    _origin(run, live)


def _progress(run: Run, live: Live) -> None:
    progress = live.progress
    share = (max(progress.layer, 1) - 1) / progress.layers if progress.layers else 0.0
    st.progress(share, f"**{words.markdown(progress.where)}** · {words.markdown(progress.now)}")


def _figures(run: Run, live: Live) -> None:
    """How long, how much, at a glance."""
    import time

    took = (run.finished or time.time()) - run.created if run.status in ("running", "answered") or run.finished else 0.0
    shown = {
        "Took" if run.finished else "So far": words.duration(took) if took else "unknown",
        "Tokens": f"{run.prompt_tokens + run.completion_tokens:,}",
        "Cost": words.money(run.usd),
        "Model calls": f"{run.calls:,}",
        "Tool calls": f"{sum(live.tools.values()):,}",
        "Known before": f"{live.known:,}",
    }
    for column, (name, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(name, value, help="Calls taken from earlier runs at no cost" if name == "Known before" else None)


def _interrupted(run: Run) -> None:
    st.warning("Its process ended before it was done. Go on with it: nothing that is done is done again.")
    if said := last_words(run.id):
        with st.expander("What the process said last", type="compact"):
            st.html(markup.verbatim(scrub(said)))


def _answer(run: Run) -> None:
    store = parts.store()
    answer = Answer.load(store.text, run.answer or "")
    st.subheader("Answer" if run.status in ("answered", "refused") else "The best answer so far", anchor=False)
    st.html(markup.prose(answer.text, "bp-answer"))
    for caveat in answer.caveats:
        st.warning(words.markdown(f"Mind: {caveat}."))
    if answer.values:
        lines = [(words.number(value.value), value.unit, value.expression) for value in answer.values]
        st.html(markup.table(("value", "unit", "computed as"), lines, caption="Checked values"))
    found = grounds(answer, store.text)
    if found:
        st.markdown("**It stands on**")
    for k, ground in enumerate(found):
        _ground(ground, k)


def _ground(ground: Ground, k: int) -> None:
    with st.container(border=True):
        st.markdown(f"**{words.markdown(ground.tool)}** :gray[as {words.markdown(ground.name)}]")
        st.html(markup.fields(ground.arguments, ground.units) + markup.certificates(ground.certificates))
        if ground.source:
            st.markdown(f":gray[{words.markdown(ground.source)}]")
        else:
            st.markdown(":gray[This version has no such tool.]")
        opened = st.expander("All outputs", type="compact", key=f"ground-{k}", on_change="rerun")
        if opened.open:
            opened.html(markup.fields(ground.output, ground.units))


def _network(live: Live) -> None:
    """The picture, and the agent that is looked at: one that was clicked, or chosen from the list beside it."""
    if live.graph is None:
        return
    st.subheader("Network", anchor=False)
    drawn = picture(live.graph, live.chosen)
    boxes = {f"{box.agent}, layer {box.layer}": box for box in drawn.boxes if box.agent}
    listed, turn = f"agent-{live.run_id}", f"turn-{live.run_id}"
    if st.session_state.get(listed) not in boxes:  # another team ran than the one that was drawn first
        st.session_state[listed] = None
    box = boxes.get(st.session_state[listed] or "")
    states, colours = live.states(), parts.colours()
    tokens = {(s.at.split("/")[1], s.name): s.tokens for s in charts.agents(live.tree()) if s.kind == "agent"}
    option = charts.network(drawn, states, tokens, colours, box)
    height = int(charts.network_scale(drawn) * drawn.height) + 8
    shown = f"network-{live.run_id}-{st.session_state.get(turn, 0)}"
    told = charts.network_in_words(drawn, states)
    parts.chart(option, told, height, key=shown, on_select=partial(_take_click, shown, listed, drawn))
    st.selectbox(
        "What an agent is told and what it did",
        list(boxes),
        key=listed,
        placeholder="Choose an agent, or click one in the picture",
        on_change=_forget_click,
        args=(turn,),
        width=520,
    )
    if box is not None:
        with st.container(border=True):
            st.markdown(f"**{words.markdown(box.label)}** :gray[in layer {words.markdown(box.layer)}]")
            tree.agent(live, live.span(f"layer/{box.layer}/agent/{box.agent}"), "looked-at")


def _take_click(shown: str, listed: str, drawn: Picture) -> None:
    """What was clicked in the picture is what the list says."""
    box = charts.clicked(st.session_state[shown], drawn)
    st.session_state[listed] = f"{box.agent}, layer {box.layer}" if box and box.agent else None


def _forget_click(turn: str) -> None:
    """Draw the picture as a new one, in which nothing is clicked: a second click on an agent would only take the first back."""
    st.session_state[turn] = st.session_state.get(turn, 0) + 1


def _trace(live: Live) -> None:
    root = live.tree()
    st.subheader("What happened", anchor=False)
    if not root.children:
        st.markdown(":gray[Nothing yet.]")
        return
    timed = charts.agents(root)
    if len(timed) > 1:
        height = 60 + 22 * len(timed)
        parts.chart(charts.timeline(root, parts.colours()), charts.timeline_in_words(root), height, key="timeline")
    st.fragment(_tree)(live)


def _tree(live: Live) -> None:
    tree.branches(live, live.tree())


def _origin(run: Run, live: Live) -> None:
    with st.expander("How it was produced", type="compact", key="origin", on_change="rerun") as opened:
        if not opened.open:
            return
        st.html(
            markup.facts(
                {
                    "run": run.id,
                    "model": scrub(run.model),
                    "seed": run.seed,
                    "network": run.graph_hash or "not planned yet",
                    "host": run.host or "",
                    "events": live.events,
                    "score": f"{live.score.score:.3g} by {live.score.by}" if live.score else "not scored",
                }
            )
        )
        if live.graph:
            st.html(markup.verbatim(json.dumps(json.loads(live.graph.canonical()), indent=2, ensure_ascii=False)))
