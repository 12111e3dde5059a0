import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from agents import RunOptions
from store import Run, Store, get_events, get_run
from store.events import ModelCalled
from tests.ui.stage import TASK, ModelServer, make_run, two_layers
from ui.launch import LaunchError, Resume, Start, cancel, last_words, launch

Cli = Callable[..., Result]


def order(server: ModelServer) -> Start:
    return Start(task=TASK, options=RunOptions(model=server.model, attempts=1), graph=two_layers())


def settled(place: str, run_id: str) -> Run:
    """The run once it is over."""
    deadline = time.monotonic() + 60
    with Store.open(place) as store:
        while (run := get_run(store, run_id)).status == "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return run


def asked(server: ModelServer) -> None:
    deadline = time.monotonic() + 60
    while server.asked == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_launched_run_has_an_id_at_once_ends_in_a_process_of_its_own_and_leaves_no_marks(
    place: str, server: ModelServer, tmp_path: Path
) -> None:
    server.free.clear()
    run_id = launch(order(server))
    with Store.open(place) as store:
        running = get_run(store, run_id)
    assert (running.status, running.pid != os.getpid()) == ("running", True)
    server.free.set()
    assert settled(place, run_id).status == "answered"
    assert running.pid is not None
    while os.path.exists(f"/proc/{running.pid}/exe"):  # the process ends after its run
        time.sleep(0.05)
    assert list((tmp_path / "state").rglob("*.*")) == []
    assert last_words(run_id) == ""


def test_a_launched_run_can_be_cancelled_from_the_command_line_and_gone_on_with(
    place: str, cli: Cli, server: ModelServer
) -> None:
    server.free.clear()
    run_id = launch(order(server))
    asked(server)
    assert cli("runs", "cancel", run_id).exit_code == 0
    assert settled(place, run_id).status == "cancelled"
    server.free.set()
    again = settled(place, launch(Resume(run_id=run_id)))
    assert (again.status, again.parent, again.relation) == ("answered", run_id, "continue")


def test_a_run_of_the_command_line_can_be_cancelled_from_elsewhere(place: str, server: ModelServer) -> None:
    server.free.clear()
    command = [sys.executable, "-m", "backprose", "run", TASK, "--model", server.model]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as program:
        assert program.stderr is not None
        run_id = next(line for line in program.stderr if "run 2" in line).split()[-1]
        asked(server)
        with Store.open(place) as store:
            cancel(store, run_id)
        said = program.stderr.read()
    assert program.returncode == 130
    assert f"backprose runs resume {run_id}" in said
    assert settled(place, run_id).status == "cancelled"


def test_a_program_that_does_not_listen_is_never_signalled(place: str) -> None:
    with Store.open(place) as store:
        log = store.start_run(task=TASK)
        with pytest.raises(LaunchError, match=f"somebody's own, process {os.getpid()}"):
            cancel(store, log.run_id)


def test_a_run_that_is_over_cannot_be_cancelled(place: str, cli: Cli) -> None:
    done = cli("runs", "cancel", make_run(place).run_id)
    assert done.exit_code == 1
    assert "is not running: it is answered" in done.stderr


def test_an_order_that_cannot_begin_says_why(place: str) -> None:
    run = make_run(place)
    with pytest.raises(LaunchError, match="is finished"):
        launch(Resume(run_id=run.run_id))


LAUNCHER = "import sys; from ui.launch import _ORDER, launch; print(launch(_ORDER.validate_json(sys.stdin.read())))"


def test_a_run_outlives_who_launched_it_and_after_a_kill_goes_on_as_itself(place: str, server: ModelServer) -> None:
    server.free.clear()
    command = [sys.executable, "-c", LAUNCHER]
    launcher = subprocess.run(
        command, input=order(server).model_dump_json(), stdout=subprocess.PIPE, text=True, check=True
    )
    run_id = launcher.stdout.strip()
    asked(server)
    with Store.open(place) as store:
        pid = get_run(store, run_id).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert settled(place, run_id).status == "interrupted"
    server.free.set()
    assert launch(Resume(run_id=run_id)) == run_id
    assert settled(place, run_id).status == "answered"
    with Store.open(place) as store:
        assert len(get_events(store, run_id, kind=ModelCalled)) == 2
