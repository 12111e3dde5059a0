"""What the pages are looked at with: a store with runs of every kind, made by a scripted model and real tools."""

import json
from functools import partial

from agents import Budget, agent, graph, layer
from agents.models import ModelRequest, Scripted
from store import Store
from tests.agents.backward.school import School
from tests.experiments.lab import Sums, by_dice
from tests.experiments.lab import run as evaluate
from tests.ui.stage import make_run, make_run_with_artifacts, refusing

GRID = "What does the cheapest dispatch of the IEEE 30-bus grid cost at 115 % load, and which lines limit it?"
ELSEWHERE = "http://198.51.100.7"  # an address of nobody (RFC 5737)
EVIL = f"<script>document.title='owned'</script><img src={ELSEWHERE}/x onerror=alert(1)> ![x]({ELSEWHERE}/y) **bold**"


def grid_line(request: ModelRequest) -> str:
    if request.answer_schema:
        arguments = {"grid": "case30", "load_scale": 1.15, "plots": True}
        call = {"name": "a", "tool": "solve_dc_opf", "arguments": arguments}
        return json.dumps({"calls": [call], "answers": ["a.cost", "a.binding_line_names"]})
    return "The cheapest dispatch costs 675.24 $/h.\nNo line is at its limit, so power flows freely."


def grid_run(place: str) -> str:
    """A run that calls the real solver, with plots; returns its id."""
    team = graph(
        layer(
            "1-solve", *(agent(f"solver-{k}", "Solve it.", tools=["solve_dc_opf"]) for k in (1, 2)), combine="majority"
        ),
        layer("2-explain", agent("explainer", "Say it in two sentences.")),
    )
    return make_run(place, task=GRID, script=grid_line, spec=team).run_id


def furnish(place: str) -> dict[str, str]:
    """Fill the store; returns the ids of some runs by what they are."""
    runs = {
        "plain": make_run(place).run_id,
        "refused": make_run(place, script=refusing, task="What did I dream?").run_id,
    }
    runs["broke"] = make_run(place, budget=Budget(calls=1)).run_id
    runs["evil"] = make_run(place, task=EVIL, script=lambda r: refusing(r) if r.answer_schema else EVIL).run_id
    runs["files"] = make_run_with_artifacts(place)
    with Store.open(place) as store:
        store.start_run(task="This one's process died", model="scripted").release()
        runs["training"] = train(store)
        compare(store)
    runs["grid"] = grid_run(place)
    return runs


def train(store: Store) -> str:
    """A training that mends a planted fault with the simulated model; returns its id."""
    school = School(store)
    try:
        return school.fit("wrong_prompt").run_id
    finally:
        school.runner.close()


def compare(store: Store) -> None:
    """Two systems on the same forty sums: one that is often wrong, and one that is often right."""
    for name, skill in (("one_call", 0.4), ("chain_of_thought", 0.9)):
        evaluate(store, name, Scripted(partial(by_dice, skill=skill)), Sums(40))
