"""The gateway on a real database: nothing that was handed on is ever asked again, whatever happens to the process."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.models import Gateway, ModelError, Price, Scripted, ServerError, load_request, spent_by
from store import Store, get_events, get_ledger
from store.events import ModelCalled
from tests.agents.models.asking import ask

PRICE = Price(prompt=1.5e-7, completion=6e-7)


def door(log: object, model: Scripted, **options: object) -> Gateway:
    return Gateway(log, providers={"scripted": model}, backoff_s=0.001, **options)  # type: ignore[arg-type]


async def test_a_run_is_kept_shared_with_other_runs_and_replayed(tmp_path: Path) -> None:
    luck = iter([ServerError("500"), "one", "two"])
    model = Scripted(lambda _: next(luck), price=PRICE)
    with Store.open(str(tmp_path / "runs.db")) as store:
        log = store.start_run(task="t", title="t", model="scripted", seed=0)
        gateway = door(log, model)
        for i in range(2):
            await gateway.call(ask(f"question {i}"), at=f"q/{i}", purpose="act")
        paid = get_ledger(store, log.run_id).paid
        assert (paid.calls, paid.usd) == (3, float(gateway.ledger.spent.usd))
        events = [record.event for record in get_events(store, log.run_id, kind=ModelCalled)]
        assert spent_by(events) == gateway.ledger.spent
        assert [load_request(log.text, event.request) for event in events if isinstance(event, ModelCalled)][2] == ask(
            "question 1"
        )

        other = door(store.start_run(task="t", title="t", model="scripted", seed=0), model)
        assert (await other.call(ask("question 1"), at="elsewhere", purpose="act")).text == "two"
        assert other.ledger.spent.calls == 0

        replay = store.replay_run(log.run_id)
        again = door(replay, model, replay=True)
        for i in range(2):
            assert (await again.call(ask(f"question {i}"), at=f"q/{i}", purpose="act")).text == ("one", "two")[i]
        assert replay.differences() == ()
    assert model.calls == 3


PROGRAM = """
import asyncio, os, sys
from agents.models import Gateway, Message, ModelRequest, Price, Scripted, spent_by
from store import Store, get_events
from store.events import ModelCalled

def reply(request):
    with open(sys.argv[2], "a") as made:
        made.write(request.messages[0].content + "\\n")
    return "done " * 20

async def main():
    store = Store.open(sys.argv[1])
    run = sys.argv[3] if len(sys.argv) > 3 else ""
    log = store.resume_run(run) if run else store.start_run(task="t", title="t", model="scripted", seed=0)
    print(log.run_id, flush=True)
    spent = spent_by(record.event for record in get_events(store, log.run_id, kind=ModelCalled))
    model = Scripted(reply, price=Price(prompt=1.5e-7, completion=6e-7))
    gateway = Gateway(log, providers={"scripted": model}, spent=spent)
    for i in range(200):
        request = ModelRequest(model="scripted", messages=(Message(role="user", content=f"q{i}"),))
        await gateway.call(request, at=f"q/{i}", purpose="act")
        print(f"q{i}", flush=True)
    print(gateway.ledger.spent.usd, flush=True)
    store.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("killed_after", [1, 17, 90])
def test_after_kill_9_no_call_that_was_handed_on_is_made_again(killed_after: int, tmp_path: Path) -> None:
    database, made = str(tmp_path / "runs.db"), tmp_path / "made"
    command = [sys.executable, "-c", PROGRAM, database, str(made)]
    handed_on: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        while len(handed_on) < killed_after:
            handed_on.append(process.stdout.readline().strip())
        os.kill(process.pid, signal.SIGKILL)
    before = made.read_text().split()
    result = subprocess.run([*command, run_id], capture_output=True, text=True, timeout=60, check=True)
    again = made.read_text().split()[len(before) :]
    assert not set(handed_on) & set(again)
    assert sorted({*before, *again}) == sorted(f"q{i}" for i in range(200))
    uninterrupted = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "other.db"), str(tmp_path / "x")],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert result.stdout.split()[-1] == uninterrupted.stdout.split()[-1]


async def test_a_thousand_concurrent_calls_on_the_store_all_end(tmp_path: Path) -> None:
    model = Scripted(lambda request: request.messages[0].content)
    with Store.open(str(tmp_path / "runs.db")) as store:
        log = store.start_run(task="t", title="t", model="scripted", seed=0)
        gateway = door(log, model)
        calls = (gateway.call(ask(f"q{i}"), at=f"q/{i}", purpose="act") for i in range(1000))
        ends = await asyncio.gather(*calls, return_exceptions=True)
    assert not any(isinstance(end, ModelError) for end in ends)
    assert model.calls == 1000
