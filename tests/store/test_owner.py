"""A process is told from every other, also from one that later gets its number."""

import os
import subprocess
import sys
from dataclasses import replace

from store.owner import Owner, _birth, this_process


def test_this_process_is_alive() -> None:
    assert this_process().pid == os.getpid()
    assert this_process().alive()


def test_an_ended_process_is_not_alive_even_before_its_parent_notices() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(this_process().host, child.pid, _birth(child.pid))
    assert owner.alive()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is a zombie
    assert not owner.alive()
    child.wait()
    assert not owner.alive()


def test_another_process_with_the_same_number_is_not_taken_for_it() -> None:
    assert not replace(this_process(), born="earlier").alive()


def test_a_process_elsewhere_may_run_but_is_not_known_to() -> None:
    elsewhere = replace(this_process(), host="elsewhere")
    assert elsewhere.may_run()
    assert not elsewhere.alive()
