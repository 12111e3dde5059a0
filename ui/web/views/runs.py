"""Runs: all there are, searched, filtered, sorted and paged, with what can be done to them. The address holds the choice."""

from collections.abc import Callable

import streamlit as st

from store import Run, count_runs, delete_run
from ui.launch import Resume, cancel, launch
from ui.view import listing, words
from ui.view.listing import PER_PAGE, SORTS, STATUSES, Wanted
from ui.web import parts
from ui.web.addresses import link, parameter


def page() -> None:
    census = count_runs(parts.store())
    parts.title("Runs", _summary(census.total, census.statuses))
    if not census.total:
        parts.empty("No run yet.", "Ask something, and it will stand here with all that happened.")
        link("ask", "Ask something")
        return
    _filters(list(census.models))
    wanted = Wanted.of({name: parameter(name) for name in ("q", "status", "model", "sort", "page")})
    found = wanted.read(parts.store())
    if not found.runs:
        parts.empty("No run is like that.", "Search for other words, or take a filter away.")
        return
    marking = st.toggle("Mark runs, to cancel, resume or delete them", key="marking")
    if chosen := _rows(found.runs, marking):
        _actions(chosen)
    pages = listing.pages(found.total)
    if pages > 1:
        first = (min(wanted.page, pages) - 1) * PER_PAGE + 1
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input("Page", 1, pages, key="page", bind="query-params", width=140)
            st.markdown(f":gray[of {pages:,}; runs {first:,} to {first + len(found.runs) - 1:,} of {found.total:,}]")


def _summary(total: int, statuses: dict[str, int]) -> str:
    each = ", ".join(f"{number:,} {listing.SHORT_STATUS.get(status, status)}" for status, number in statuses.items())
    return f"{words.count(total, 'run')}: {each}" if total else ""


def _filters(models: list[str]) -> None:
    text, status, model, sort = st.columns([3, 1.3, 2, 1.3])
    with text:
        st.text_input(
            "Search", key="q", bind="query-params", placeholder="words of the task, or an id", on_change=_first_page
        )
    with status:
        st.selectbox(
            "Status", ["", *STATUSES], key="status", bind="query-params", format_func=_any_status, on_change=_first_page
        )
    with model:
        st.selectbox("Model", ["", *models], key="model", bind="query-params", format_func=_any, on_change=_first_page)
    with sort:
        st.selectbox("Order", list(SORTS), key="sort", bind="query-params", on_change=_first_page)


def _rows(runs: tuple[Run, ...], marking: bool) -> list[Run]:
    """One line a run; returns those that are marked."""
    chosen = []
    with st.container(gap="small"):
        for run in runs:
            if not marking:  # twenty boxes that nobody asked for make the list slow
                _row(run)
                continue
            mark, line = st.columns([0.35, 11], vertical_alignment="top")
            with mark:
                if st.checkbox(f"Mark {run.id}", key=f"mark-{run.id}", label_visibility="collapsed"):
                    chosen.append(run)
            with line:
                _row(run)
    return chosen


def _row(run: Run) -> None:
    with st.container(gap=None):
        link("run", words.markdown(run.title), id=run.id)
        st.markdown(f"{parts.status_badge(run)} :gray[{words.markdown(listing.facts(run))}]")


def _actions(chosen: list[Run]) -> None:
    """What can be done to the marked runs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words.count(len(chosen), 'run')} marked**")
        if st.button("Cancel"):
            _each(chosen, lambda run: cancel(parts.store(), run.id))
        if st.button("Resume"):
            _each(chosen, lambda run: launch(Resume(run_id=run.id)))
        if st.button("Delete"):
            _delete(chosen)


def _each(chosen: list[Run], do: Callable[[Run], object]) -> None:
    """Do the same to each run; what cannot be done says why."""
    failed = False
    for run in chosen:
        try:
            do(run)
        except parts.FAILURES as error:
            parts.complain(error)
            failed = True
    if not failed:
        st.rerun()


@st.dialog("Delete runs")
def _delete(chosen: list[Run]) -> None:
    st.markdown(f"{words.count(len(chosen), 'run')}, with the content that no other run uses, will be gone for good.")
    if st.button("Delete for good", type="primary"):
        _each(chosen, lambda run: delete_run(parts.store(), run.id))


def _first_page() -> None:
    st.session_state["page"] = 1


def _any(value: str) -> str:
    return value or "any"


def _any_status(value: str) -> str:
    return listing.SHORT_STATUS.get(value, value) or "any"
