import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from agents import Budget
from store import Store, list_runs
from tests.ui.stage import TASK, make_run, make_run_with_artifacts, refusing, squeezed

Cli = Callable[..., Result]


def test_list_shows_what_matches_and_says_how_many_there_are(cli: Cli, place: str) -> None:
    answered = make_run(place)
    refused = make_run(place, task="What did I dream?", script=refusing)
    everything = cli("runs", "list")
    assert answered.run_id in everything.stdout
    assert refused.run_id in everything.stdout
    assert "showing 1-2 of 2" in everything.stderr
    only = json.loads(
        cli("runs", "list", "--status", "refused", "--search", "DREAM", "--model", "scripted", "--json").stdout
    )
    assert (only["total"], [run["id"] for run in only["runs"]]) == (1, [refused.run_id])


def test_list_can_be_leafed_through_and_ordered(cli: Cli, place: str) -> None:
    first, second = make_run(place, task="b"), make_run(place, task="a")
    page = json.loads(cli("runs", "list", "--limit", "1", "--page", "2", "--json").stdout)
    assert [run["id"] for run in page["runs"]] == [first.run_id]
    by_title = json.loads(cli("runs", "list", "--sort", "title", "--json").stdout)
    assert [run["id"] for run in by_title["runs"]] == [first.run_id, second.run_id]


def test_an_unknown_status_is_bad_usage(cli: Cli) -> None:
    assert cli("runs", "list", "--status", "dancing").exit_code == 2


def test_show_prints_header_tree_answer_values_and_evidence(cli: Cli, place: str) -> None:
    run = make_run(place)
    shown = squeezed(cli("runs", "show", run.run_id[:-2]).stdout)
    for words in (
        f"Run {run.run_id}: answered",
        f"Task: {TASK}",
        "2 model calls",
        "layer solve",
        "tool calculate",
        "It is 6 MWh.",
        "(a.value)",
        'a: calculate {"expression": "2 MW * 3 h"}',
        "source: V. Pratt",
    ):
        assert words in shown


def test_show_as_json_has_the_trace_and_on_demand_the_events(cli: Cli, place: str) -> None:
    run = make_run(place)
    shown = json.loads(cli("runs", "show", run.run_id, "--json", "--events").stdout)
    assert shown["status"] == "answered"
    assert shown["values"][0]["expression"] == "a.value"
    assert shown["trace"][0]["kind"] == "run"
    assert [e["kind"] for e in shown["events"]][:2] == ["run_started", "planned"]


def test_show_names_an_unknown_run_and_a_way_on(cli: Cli, place: str) -> None:
    shown = cli("runs", "show", "nothing")
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert "error: no run nothing" in shown.stderr
    assert "hint: `backprose runs list` shows all runs" in shown.stderr


def test_replay_makes_no_call_and_finds_no_difference(cli: Cli, place: str) -> None:
    run = make_run(place)
    replayed = cli("runs", "replay", run.run_id, "--json")
    told = json.loads(replayed.stdout)
    assert replayed.exit_code == 0
    assert (told["calls"], told["differences"]) == (0, [])
    assert told["events"] > 10


def test_replay_in_words(cli: Cli, place: str) -> None:
    run = make_run(place)
    words = cli("runs", "replay", run.run_id).stdout
    assert words.startswith(f"run {run.run_id} replayed: 0 calls made, ")
    assert words.endswith(" events compared, 0 differences\n")


def test_a_replay_that_cannot_be_true_to_its_log_fails_with_a_reason(cli: Cli, place: str) -> None:
    run_id = make_run_with_artifacts(place)  # its log was written by hand, so no network can have made it
    replayed = cli("runs", "replay", run_id)
    assert replayed.exit_code == 1
    assert "Traceback" not in replayed.output


def test_export_writes_a_file_or_to_stdout(cli: Cli, place: str, tmp_path: Path) -> None:
    run = make_run(place)
    target = tmp_path / "page.html"
    assert cli("runs", "export", run.run_id, "-o", str(target)).stdout.strip() == str(target)
    assert "It is 6 MWh." in target.read_text(encoding="utf-8")
    assert cli("runs", "export", run.run_id, "-o", "-").stdout.startswith("<!doctype html>")


def test_a_file_that_cannot_be_written_is_named(cli: Cli, place: str, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "page.html"
    done = cli("runs", "export", make_run(place).run_id, "-o", str(target))
    assert done.exit_code == 1
    assert f"error: {target}: No such file or directory" in done.stderr


def test_delete_asks_first_and_takes_no_for_an_answer(cli: Cli, place: str) -> None:
    run = make_run(place)
    kept = cli("runs", "delete", run.run_id, input="n\n")
    assert kept.exit_code == 1
    assert run.run_id in cli("runs", "list").stdout


def test_delete_with_yes_removes_the_run(cli: Cli, place: str) -> None:
    run = make_run(place)
    assert cli("runs", "delete", run.run_id, "--yes").stdout == f"deleted {run.run_id}\n"
    with Store.open(place) as store:
        assert list_runs(store).total == 0


def test_resume_refuses_a_run_that_has_its_answer(cli: Cli, place: str) -> None:
    run = make_run(place)
    resumed = cli("runs", "resume", run.run_id)
    assert resumed.exit_code == 1
    assert f"run {run.run_id} is finished (answered)" in resumed.stderr


def test_a_run_that_its_budget_stopped_says_so_where_it_is_shown(cli: Cli, place: str) -> None:
    run = make_run(place, budget=Budget(calls=1))
    shown = cli("runs", "show", run.run_id).stdout
    assert "stopped by its budget" in shown
    assert "The best answer so far:" in shown
    assert "Error: " in shown


def test_a_model_cannot_rewrite_the_terminal(cli: Cli, place: str) -> None:
    run = make_run(
        place, task="\x1b[2Jtask", script=lambda r: refusing(r) if r.answer_schema else "\x1b]0;owned\x07words"
    )
    shown = cli("runs", "show", run.run_id)
    assert "[2Jtask" in shown.stdout
    assert not {"\x1b", "\x07"} & set(shown.output + cli("runs", "list").output)
