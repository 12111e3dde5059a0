"""Ask: a task in words, the model, a budget with what it may cost, and the way to the run that answers it."""

import streamlit as st

from agents import Budget, RunOptions
from agents.models import default_model, list_models
from agents.models.names import ModelRow
from agents.models.scrub import scrub
from store import list_runs
from ui.launch import LaunchError, Start, launch
from ui.view import words
from ui.view.estimate import estimate
from ui.view.listing import facts, own
from ui.web import parts
from ui.web.addresses import link, open_page

EXAMPLES = (
    "What does the cheapest dispatch of the IEEE 30-bus grid cost at 115 % load, and which lines limit it?",
    "How much dearer is the cheapest dispatch of case118 at 105 % load than at 95 %?",
    "What does losing line 6-8 of case30 cost at nominal load?",
    "How many kWh do 3.5 MW deliver in 40 minutes?",
)


def page() -> None:
    parts.title(
        "What do you want to know?",
        "A team of agents plans it, calls scientific models, checks the result and explains it.",
    )
    with st.form("ask", border=False):  # first of all: what one came for can be seen while the rest is looked up
        task = st.text_area(
            "Task in plain words", key="task", height=120, placeholder=EXAMPLES[0], label_visibility="collapsed"
        )
        sent = st.form_submit_button("Ask", type="primary")
    model, budget = _settings()
    if sent and not task.strip():
        st.warning("Write what you want to know, then ask.")
    elif sent:
        _start(task, model, budget)
    st.markdown(":gray[Or try one of these]")
    with st.container(gap=None):
        for example in EXAMPLES:
            st.button(words.markdown(example), key=example, type="tertiary", on_click=_take, args=(example,))
    _under_way()


def _settings() -> tuple[str, Budget]:
    """Model and budget, with what such a run cost so far."""
    rows = list_models()
    default = default_model()
    names = dict.fromkeys(
        [default, *(row.name for row in rows if row.usable and not row.default and "MODEL" not in row.name)]
    )
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        model = st.selectbox(
            "Model",
            list(names),
            format_func=scrub,
            accept_new_options=True,
            help="One of these, a LiteLLM name such as openai/gpt-4o-mini, or http://HOST:PORT/v1#MODEL",
        )
    with right, st.expander("Budget", type="compact"):
        tokens, calls, usd = st.columns(3)
        budget = Budget(
            tokens=tokens.number_input("Tokens", 0, value=None, step=1000, placeholder="no limit"),
            calls=calls.number_input("Model calls", 0, value=None, step=1, placeholder="no limit"),
            usd=usd.number_input("US dollars", 0.0, value=None, step=0.1, placeholder="no limit"),
        )
    expected = estimate(parts.store(), model or "")
    st.markdown(f":gray[{words.markdown(str(expected))}]")
    if tight := expected.short_of(budget):
        st.warning(tight)
    _warn(next((row for row in rows if row.name == model or (row.default and model == default)), None))
    return model or "", budget


def _warn(row: ModelRow | None) -> None:
    if row and not row.usable:
        st.warning(words.markdown(f"This model cannot be used yet: {row.why_not}"))


def _start(task: str, model: str, budget: Budget) -> None:
    try:
        with st.spinner("Starting the run"):
            run_id = launch(Start(task=task, options=RunOptions(model=model, budget=budget)))
    except LaunchError as error:
        parts.complain(error)
        return
    open_page("run", id=run_id)


def _take(example: str) -> None:
    st.session_state["task"] = example


def _under_way() -> None:
    """Runs that are under way, and the newest answers."""
    running = list_runs(parts.store(), status="running", limit=5).runs
    answered = list_runs(parts.store(), status="answered", limit=100).runs
    recent = [run for run in answered if own(run)][:5]
    for heading, runs in (("Under way", running), ("Newest answers", recent)):
        if runs:
            st.subheader(heading, anchor=False)
        for run in runs:
            with st.container(gap=None):
                link("run", words.markdown(run.title), id=run.id)
                st.markdown(f":gray[{words.markdown(facts(run))}]")
