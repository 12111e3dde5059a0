"""A tool tried by hand: what it gave, why it refused, and that it can be stopped."""

import time

import pytest

from tools import Executor, NoAnswer, ToolError
from tools.contract import BadInput
from ui.web.attempt import Attempt


@pytest.fixture
def executor() -> Executor:
    return Executor(workers=1)


def test_a_call_gives_its_result(executor: Executor) -> None:
    made = Attempt(executor, "calculate", {"expression": "2 MW * 3 h in MWh"})
    made.join(60)
    assert made.result is not None
    assert (made.result.output["value"], made.error, made.running) == (6, None, False)


def test_a_refusal_is_an_error_with_what_would_be_right(executor: Executor) -> None:
    made = Attempt(executor, "calculate", {"expression": "2 MW + 3 h"})
    made.join(60)
    assert isinstance(made.error, BadInput | NoAnswer)
    assert made.result is None


def test_a_call_that_is_stopped_says_so_and_its_worker_is_gone(executor: Executor) -> None:
    made = Attempt(executor, "solve_dc_opf", {"grid": "case2869pegase"})
    time.sleep(0.3)  # its worker is starting, or at work
    made.stop()
    made.join(60)
    assert isinstance(made.error, ToolError)
    assert made.error.message == "solve_dc_opf was stopped"
    executor.close()
