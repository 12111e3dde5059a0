"""No attack gets out of the sandbox, and the attacks are real: those that do no harm succeed without it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.sandbox import Limits, Outcome, run_code
from tests.experiments.sandbox.attacks import ATTACKS, Attack

SECRET = ("BACKPROSE_API_KEY", "top secret")
LIMITS = Limits(cpu_seconds=1, wall_seconds=4, memory=400 << 20)


@dataclass(frozen=True)
class Prey:
    """What the attacks are after."""

    secret: Path
    unix: Path
    port: int
    victim: subprocess.Popen[bytes]

    def aim(self, code: str) -> str:
        for word, value in (
            ("secret", self.secret),
            ("unix", self.unix),
            ("port", self.port),
            ("victim", self.victim.pid),
        ):
            code = code.replace(f"@{word}@", str(value))
        return code


@pytest.fixture(scope="module")
def prey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prey]:
    home = tmp_path_factory.mktemp("home")
    secret, unix = home / "key", home / "socket"
    secret.write_text("top secret")
    serve = "s = h.HTTPServer(('127.0.0.1', 0), h.SimpleHTTPRequestHandler); print(s.server_port, flush=True); s.serve_forever()"
    command = [sys.executable, "-c", f"import http.server as h; {serve}"]
    with socket.socket(socket.AF_UNIX) as listener, subprocess.Popen(command, stdout=-1, stderr=-3, cwd=home) as victim:
        listener.bind(str(unix))
        listener.listen(100)
        assert victim.stdout
        yield Prey(secret, unix, int(victim.stdout.readline()), victim)
        victim.kill()


@pytest.fixture(scope="module")
def outcomes(prey: Prey) -> dict[str, Outcome]:
    """All attacks, several at a time, with a secret in the environment."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setenv(*SECRET)
        ended = pool.map(lambda attack: run_code(prey.aim(attack.code), limits=LIMITS), ATTACKS)
        return {attack.name: outcome for attack, outcome in zip(ATTACKS, ended, strict=True)}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_contained(attack: Attack, outcomes: dict[str, Outcome], prey: Prey) -> None:
    outcome = outcomes[attack.name]
    assert "ESCAPED" not in outcome.stdout  # a traceback on stderr shows the attack's own line
    assert "secret" not in outcome.stdout
    assert len(outcome.stdout) <= LIMITS.output and len(outcome.stderr) <= LIMITS.output
    assert outcome.end != "finished" or not attack.must_fail
    assert prey.secret.read_text() == "top secret"
    assert prey.victim.poll() is None


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.control], ids=lambda attack: attack.name)
def test_the_attack_succeeds_without_the_sandbox(attack: Attack, prey: Prey, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", prey.aim(attack.code)],
        cwd=tmp_path,
        env=os.environ | dict([SECRET]),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "ESCAPED" in done.stdout, done.stderr


def test_there_are_as_many_attacks_as_promised() -> None:
    assert len({a.code for a in ATTACKS}) == len(ATTACKS) >= 40
