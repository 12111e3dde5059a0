"""How a command fails: one line that says what is wrong, one that says what would be right, and an exit code."""

import sys
import traceback
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ui.view import words

DONE, FAILED, USAGE, REFUSED, BROKE, CANCELLED = 0, 1, 2, 3, 4, 130
STATUS_CODES = {
    "answered": DONE,
    "refused": REFUSED,
    "failed": FAILED,
    "budget_exhausted": BROKE,
    "cancelled": CANCELLED,
}
_ERROR_CODES = {  # by the name of the error's class or of a base of it; everything else failed
    "BadInput": USAGE,
    "SpecError": USAGE,
    "UnknownModel": USAGE,
    "UnknownRun": USAGE,
    "AmbiguousRun": USAGE,
    "NoAnswer": REFUSED,
    "BudgetExhausted": BROKE,
}
_TYPED = {"ToolError", "ModelError", "StoreError", "SpecError", "CannotResume", "LaunchError"}

_settings = {"debug": False}


def debugging(on: bool) -> None:
    """Show the trace of an error, or only its words."""
    _settings["debug"] = on


def complain(message: str, hint: str = "") -> None:
    """Say on stderr what is wrong and what would be right."""
    typer.secho(words.plain(f"error: {message}"), err=True, fg="red")
    if hint:
        typer.echo(words.plain(f"hint: {hint}"), err=True)


def stop(message: str, hint: str = "", code: int = USAGE) -> NoReturn:
    """Complain and end the command."""
    complain(message, hint)
    raise typer.Exit(code)


class Guarded(TyperGroup):
    """A group of commands whose typed errors become words and an exit code, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            names = {cls.__name__ for cls in type(error).__mro__}
            if isinstance(error, typer.Exit | typer.Abort | BrokenPipeError) or "ClickException" in names:
                raise
            if _settings["debug"]:
                traceback.print_exc(file=sys.stderr)
            _explain(error, names)
            raise typer.Exit(next((code for name, code in _ERROR_CODES.items() if name in names), FAILED)) from None


def _explain(error: Exception, names: set[str]) -> None:
    if names & _TYPED:
        complain(getattr(error, "message", str(error)), getattr(error, "hint", ""))
    elif isinstance(error, OSError) and error.filename:
        complain(f"{error.filename}: {error.strerror}")
    else:
        fault = f"this is a fault of Backprose: {type(error).__name__}: {error}"
        complain(fault, "run it again with `backprose --debug ...` to see where")
