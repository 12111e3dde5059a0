"""Compare: systems on suites, with their scores, what they cost, and the verdict against a baseline of one's choice."""

import streamlit as st

from experiments.report.board import Board, NothingToCompare, boards
from experiments.results import Evaluation, evaluations
from store import list_runs
from ui.view import comparison, markup, words
from ui.web import parts
from ui.web.addresses import link, open_page, parameter


@st.cache_data(show_spinner=False, max_entries=4)
def _read(_newest: str) -> list[Evaluation]:
    """All evaluations; read again when a run has come or one has ended."""
    return evaluations(parts.store())


def page() -> None:
    parts.title(
        "Compare",
        "Systems on the same items: paired differences with intervals, and a verdict that may say it cannot tell.",
    )
    last = list_runs(parts.store(), text="evaluation ", sort="finished", limit=1).runs
    found = _read(f"{last[0].id} {last[0].finished} {last[0].status}") if last else []
    if not found:
        parts.empty(
            "No evaluation yet.",
            "Evaluate two systems on a suite, for instance `backprose eval grid_questions --system one_call --system planned`.",
        )
        return
    try:
        made = boards(found, baseline="")
    except NothingToCompare as error:
        parts.complain(error)
        return
    if not made:
        parts.empty("No evaluation is finished yet.", "What is under way stands among the runs.")
        link("runs", "Evaluations under way", q="evaluation")
        return
    names = [f"{board.suite}, {board.split}" for board in made]
    asked = parameter("suite")
    place = names.index(asked) if asked in names else 0
    picked = st.segmented_control("Suite", names, default=names[place], key=f"suite-{place}", required=True)
    if picked != names[place]:
        open_page("compare", suite=picked)
    _board(found, made[place])


def _board(found: list[Evaluation], board: Board) -> None:
    labels = [entry.label for entry in board.entries]
    base = (
        st.selectbox("Compared with", labels, labels.index(board.baseline), help="The baseline of all verdicts")
        or board.baseline
    )
    if base != board.baseline:
        same = [e for e in found if (e.plan.suite, e.plan.split) == (board.suite, board.split)]
        board = boards(same, baseline=base)[0]
    st.html(markup.prose(comparison.headline(board), "bp-answer"))
    st.markdown(f":gray[{words.count(board.items, 'item')} in {board.families} families, taken by all systems.]")
    _verdicts(board)
    colours = parts.colours()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Score, with its 95 % interval**")
        height = 90 + 34 * len(labels)
        parts.chart(comparison.scores(board, colours), comparison.scores_in_words(board), height, key="scores")
    with right:
        st.markdown("**Cost against score: up and to the left is better**")
        parts.chart(comparison.cost_against_score(board, colours), comparison.cost_in_words(board), 300, key="cost")
    if board.verdicts:
        st.markdown(f"**Items won and lost against {words.markdown(board.baseline)}**")
        parts.chart(
            comparison.wins(board, colours), comparison.wins_in_words(board), 90 + 34 * len(board.verdicts), key="wins"
        )


def _verdicts(board: Board) -> None:
    for entry in board.entries:
        verdict = board.verdicts.get(entry.label)
        with st.container(border=True):
            head, badge = st.columns([5, 1.2])
            head.markdown(f"**{words.markdown(entry.label)}** :gray[{words.markdown(entry.model)}]")
            with badge:
                kind = verdict.kind if verdict else "baseline" if entry.label == board.baseline else "no verdict"
                colour = comparison.KINDS.get(kind, "gray")
                st.badge(kind, color=colour)  # type: ignore[arg-type]
            facts = [words.markdown(comparison.score(entry)), f"{comparison.per_solved(entry)} tokens per solved item"]
            st.markdown(" :gray[·] ".join([*facts, *([words.markdown(str(verdict))] if verdict else [])]))
