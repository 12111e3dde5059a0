"""Forking a run: the same task once more, with another model, other words or other prompts."""

import streamlit as st

from agents import GraphSpec, RunOptions, SpecError
from agents.models import list_models
from agents.run import Origin
from store import Run
from ui.launch import LaunchError, Start, launch
from ui.view import words
from ui.view.fork import Place, prompts, with_prompts
from ui.web import parts
from ui.web.addresses import open_page


@st.dialog("Fork this run", width="large")
def fork(run: Run) -> None:
    """Ask what should differ, start the fork, and go there."""
    store = parts.store()
    origin = Origin.of(store, run)
    graph = parts.live(run.id).catch_up().graph
    task = st.text_area("Task", origin.task, height=100)
    names = list(
        dict.fromkeys([run.model, *(row.name for row in list_models() if row.usable and "MODEL" not in row.name)])
    )
    model = st.selectbox("Model", names, accept_new_options=True) or run.model
    seed = st.number_input("Seed", value=origin.options.seed)
    plan = graph is None or st.checkbox("Plan a new team instead of using this one")
    edited = _edited(graph) if graph and not plan else {}
    if not st.button("Run the fork", type="primary"):
        return
    try:
        options = origin.options.model_copy(update={"model": model, "seed": int(seed)})
        spec = with_prompts(graph, edited) if graph and not plan else None
        order = Start(task=task, options=RunOptions.model_validate(options), graph=spec, parent=run.id, relation="fork")
        with st.spinner("Starting the run"):
            forked = launch(order)
    except (LaunchError, SpecError) as error:
        parts.complain(error)
        return
    open_page("run", id=forked)


def _edited(graph: GraphSpec) -> dict[Place, str]:
    """The prompts, each to be changed."""
    changed = {}
    for place, prompt in prompts(graph).items():
        layer, team, agent = place
        with st.expander(
            f"Prompt of **{words.markdown(agent)}** :gray[in layer {words.markdown(layer)}]", type="compact"
        ):
            changed[place] = st.text_area("Prompt", prompt, key=f"prompt-{layer}-{team}-{agent}", height=160)
    return changed
