import asyncio

from agents import Runner, RunOptions
from agents.models import Scripted
from store import Store
from store.events import AgentFailed, ErrorInfo, Event
from tests.ui.stage import TASK, line, two_layers
from ui.view.progress import Progress


def watched(place: str) -> tuple[Progress, list[str], list[str]]:
    """Progress over a real run, with each thing that it said was going on, and the news."""
    said, news = [], []
    with Store.open(place) as store:
        progress = Progress(store.text)

        def see(key: str, event: Event) -> None:
            news.append(progress.see(key, event))
            said.append(f"{progress.where}: {progress.now}")

        runner = Runner(store, {"scripted": Scripted(line)}, watch=see)
        asyncio.run(runner.run(TASK, RunOptions(model="scripted"), graph=two_layers()))
        runner.close()
    return progress, said, [n for n in news if n]


def test_a_run_says_in_order_what_is_going_on_and_where(place: str) -> None:
    _, said, _ = watched(place)
    wanted = [
        "planning: planning a team for the task",
        "2 layers: the team is planned",
        "layer 1 of 2: solver is thinking",
        "layer 1 of 2: calculate is done",
        "layer 1 of 2: layer solve is done",
        "layer 2 of 2: teller has done writing",
    ]
    assert [s for s in said if s in wanted] == wanted


def test_what_was_paid_so_far_is_what_the_run_cost(place: str) -> None:
    progress, _, _ = watched(place)
    assert (progress.calls, progress.usd) == (2, 0.0)
    assert progress.tokens > 0
    assert progress.cost.endswith("tokens, free")


def test_news_names_the_network_and_who_used_what(place: str) -> None:
    _, _, news = watched(place)
    assert "network: solve (solver) > tell (teller)" in news
    assert "solver used calculate" in news


def test_a_failed_agent_is_news_with_its_reason() -> None:
    progress = Progress(lambda ref: "")
    failed = AgentFailed(layer="l", agent="a", error=ErrorInfo(kind="timed_out", message="no answer in 3 s"))
    assert progress.see("layer/l/agent/a/failed", failed) == "a failed: no answer in 3 s"


def test_a_running_tool_says_how_far_it_is() -> None:
    progress = Progress(lambda ref: "")
    progress.tool("solve_dc_opf", 0.4, "factorising")
    assert progress.now == "running solve_dc_opf 40 %: factorising"
