"""Systems that learn before they answer: the same network, taught on a suite's train and val items, each by its own method."""

from typing import NoReturn

from experiments.systems.teams import System


class NotTaught(Exception):
    """A system that learns was asked before it was taught; `hint` says how it is."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


def _untaught(task: str) -> NoReturn:
    raise NotTaught("this system learns from a suite before it answers", "`backprose eval SUITE --system` teaches it")


TRAINED: tuple[System, ...] = (
    System("trained", "the suite's simple network, taught by textual backpropagation", _untaught, "ours"),
    System("gepa", "the same, its prompts evolved by GEPA", _untaught, "gepa"),
    System("dspy", "the same, its prompts and demonstrations searched by DSPy's MIPROv2", _untaught, "dspy"),
    System(
        "textgrad", "the same, its prompts rewritten as in TextGrad, and reverted where worse", _untaught, "textgrad"
    ),
)
