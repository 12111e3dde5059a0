import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import Result

from agents import Network, agent, layer
from agents.models import WEIGHTS, ModelRequest, Scripted, Weights
from agents.models.weights import sha256_of
from store import Store, list_runs
from tests.needs import TINY, local_model
from tests.ui.stage import TASK, ModelServer, line, make_run, squeezed, two_layers

Cli = Callable[..., Result]
PROGRAM = [sys.executable, "-m", "backprose"]


def test_without_a_task_the_help_is_shown_and_the_usage_is_bad(cli: Cli) -> None:
    shown = cli("run")
    assert shown.exit_code == 2
    assert "Usage: " in shown.stderr
    assert "Exit codes" in shown.stderr


def test_a_task_is_planned_answered_and_explained_on_stdout_with_progress_on_stderr(
    cli: Cli, server: ModelServer
) -> None:
    done = cli("run", TASK, "--model", server.model)
    assert done.exit_code == 0, done.output
    out, err = squeezed(done.stdout), squeezed(done.stderr)
    assert out.startswith("It is 6 MWh.")
    for words in (
        "Values 6",
        "(a.value)",
        "a: calculate",
        "source: V. Pratt",
        "answered; 3 model calls, 45 tokens, free",
    ):
        assert words in out
    for words in (
        "planning a team for the task",
        "running calculate (layer 1 of 3",
        "layer 3-explain is done",
        "30 tokens",
    ):
        assert words in err
    assert f"backprose runs show {out.split('runs show ')[1].split()[0]}" in out


def test_the_same_as_json(cli: Cli, server: ModelServer) -> None:
    told = json.loads(cli("run", TASK, "--model", server.model, "--json").stdout)
    assert (told["status"], told["answer"], told["calls"]) == ("answered", "It is 6 MWh.", 3)
    assert told["evidence"][0]["arguments"] == {"expression": "2 MW * 3 h"}


def test_a_network_from_a_file_runs_without_planning(cli: Cli, server: ModelServer, tmp_path: Path) -> None:
    file = tmp_path / "net.json"
    Network(two_layers()).save(file)
    told = json.loads(cli("run", TASK, "--model", server.model, "--network", str(file), "--json").stdout)
    assert told["graph_hash"] == two_layers().hash
    assert server.asked == 2


def test_a_file_that_holds_no_network_is_bad_usage_with_a_reason(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "net.json"
    file.write_text('{"layers": []}')
    done = cli("run", TASK, "--network", str(file))
    assert done.exit_code == 2
    assert "layers" in done.stderr


def test_a_spent_budget_ends_in_four_and_can_be_gone_on_with(cli: Cli, server: ModelServer) -> None:
    stopped = cli("run", TASK, "--model", server.model, "--budget-calls", "2", "--json")
    assert stopped.exit_code == 4
    run_id = json.loads(stopped.stdout)["run_id"]
    assert "exhausted" in stopped.stderr
    resumed = cli("runs", "resume", run_id, "--budget-calls", "3", "--json")
    assert resumed.exit_code == 0, resumed.output
    told = json.loads(resumed.stdout)
    assert (told["answer"], told["calls"]) == ("It is 6 MWh.", 1)
    assert server.asked == 3


def test_an_interrupted_run_goes_on_as_the_same_run(cli: Cli, place: str, server: ModelServer) -> None:
    def dies_while_telling(request: ModelRequest) -> str:
        if request.answer_schema:
            return line(request)
        raise SystemError("the process dies here")

    with pytest.raises(SystemError):
        make_run(place, script=dies_while_telling, model=server.model)
    (run,) = json.loads(cli("runs", "list", "--status", "interrupted", "--json").stdout)["runs"]
    told = json.loads(cli("runs", "resume", run["id"], "--json").stdout)
    assert (told["run_id"], told["status"], told["answer"]) == (run["id"], "answered", "It is 6 MWh.")
    assert server.asked == 1


def test_a_negative_budget_is_bad_usage(cli: Cli) -> None:
    assert cli("run", TASK, "--budget-tokens", "-1").exit_code == 2


def test_an_unreachable_model_fails_with_one_and_no_traceback(cli: Cli, server: ModelServer, tmp_path: Path) -> None:
    file = tmp_path / "net.json"
    Network.of(layer("tell", agent("teller", "Say it."))).save(file)
    done = cli("run", TASK, "--model", "http://127.0.0.1:9/v1", "--network", str(file))
    assert done.exit_code == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.output


def test_a_refusal_is_the_answer_on_stdout_and_ends_in_three(cli: Cli, server: ModelServer) -> None:
    server.refuses = True
    done = cli("run", "What did I dream?", "--model", server.model)
    assert done.exit_code == 3
    assert done.stdout.startswith("no tool can tell the weather of last year's dreams\n")


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C reaches programs started here, also where the tests themselves run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_cancels_keeps_what_is_done_and_says_how_to_go_on(cli: Cli, place: str, server: ModelServer) -> None:
    server.free.clear()
    command = [*PROGRAM, "run", TASK, "--model", server.model]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as program:
        assert program.stderr is not None
        first = next(line for line in program.stderr if "run 2" in line)
        while server.asked == 0:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        _, rest = program.communicate(timeout=30)
    run_id = first.split()[-1]
    assert program.returncode == 130
    assert f"backprose runs resume {run_id}" in rest
    assert "Traceback" not in rest
    with Store.open(place) as store:
        assert list_runs(store).runs[0].status == "cancelled"
    server.free.set()
    assert cli("runs", "resume", run_id).exit_code == 0


def test_missing_weights_are_fetched_first_after_one_line_that_says_what_and_from_where(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"weights" * 1000
    source = tmp_path / "home" / "tiny.gguf"
    source.parent.mkdir()
    source.write_bytes(content)
    home = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(source.parent)))
    threading.Thread(target=home.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{home.server_address[1]}/tiny.gguf"
    tiny = Weights("tiny", "A tiny model, public domain", "tiny.gguf", len(content), sha256_of(source), address, ())
    monkeypatch.setitem(WEIGHTS, "tiny", tiny)
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("agents.models.gateway.resolve", lambda name: Scripted(lambda request: "It is 6 MWh."))
    file = tmp_path / "net.json"
    Network.of(layer("tell", agent("teller", "Say it."))).save(file)
    done = cli("run", TASK, "--model", "local/tiny", "--network", str(file))
    home.shutdown()
    home.server_close()
    assert done.exit_code == 0, done.output
    assert "fetching A tiny model, public domain, 7.0 kB, from 127.0.0.1" in done.stderr
    assert tiny.path().read_bytes() == content
    again = cli("run", TASK, "--model", "local/tiny", "--network", str(file))
    assert "fetching" not in again.stderr


@pytest.mark.local_model
def test_a_real_local_model_answers_from_the_command_line(cli: Cli, tmp_path: Path) -> None:
    tiny = local_model(TINY)
    file = tmp_path / "net.json"
    Network.of(layer("tell", agent("teller", "Answer in one short sentence.", max_tokens=24, max_turns=1))).save(file)
    command = [*PROGRAM, "run", "Name a colour.", "--model", tiny, "--network", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ))
    told = json.loads(done.stdout)
    assert told["calls"] >= 1
    assert (done.returncode, told["status"]) in {(0, "answered"), (1, "failed")}
    if told["status"] == "failed":
        assert told["error"]["kind"] == "truncated"
