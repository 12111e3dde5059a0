"""What a tool is: one typed declaration from which schema, LLM definition, MCP tool, CLI, form, page and generic tests come.

A tool module is light: it may import pydantic and this module, and nothing slow. The mathematics is imported inside
`__call__`. A tool knows nothing of agents, stores or users; what it wants kept (arrays, tables, pictures) it saves as an
artifact, and how far it has come it says with `progress`.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A pydantic model that cannot change, knows only its own fields and refuses NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


NamedBy = tuple[str, ...] | dict[str, tuple[str, ...]]


def quantity(
    unit: str, meaning: str, default: Any = ..., *, named_by: NamedBy = (), copied: bool | str = False, **limits: Any
) -> Any:
    """A field that carries a physical quantity.

    Args:
        unit: The unit in the field's usual notation, "1" for a pure number, "" for text that has no unit.
        meaning: What the number is, in one phrase.
        default: The default value; left out, the field is required.
        named_by: Beginnings of words: only a task that has one of them means this input, and a number is then one beside it. As
            a mapping, the same for single choices, one of which must then be made.
        copied: Whether it is written in the task's own words; `numbers`: in the form of the examples, with the task's numbers;
            `list`: as the task's list or range of numbers; `quoted`: as what the task puts in quotation marks.
        **limits: Passed to `pydantic.Field` (ge, gt, le, lt, min_length, max_length, examples, ...).

    Returns:
        A field whose unit stands in the description, for models and people, and as `unit` in the JSON schema, for tests.
    """
    shown = f"{meaning} [{unit}]" if unit and unit != "1" else meaning
    hints = {name: given for name, given in (("named_by", named_by), ("copied", copied)) if given}
    extra = {"unit": unit, **limits.pop("json_schema_extra", {}), **hints}
    return Field(default, description=shown, json_schema_extra=extra, **limits)


class ToolError(Exception):
    """A tool's typed refusal. `kind` is the class name; `hint` says what would be right."""

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    @property
    def kind(self) -> str:
        return type(self).__name__

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.facts)


def _rebuild(cls: type[ToolError], message: str, hint: str, facts: dict[str, Any]) -> ToolError:
    return cls(message, hint=hint, **facts)


class BadInput(ToolError):
    """The caller may correct the input and call again."""


class NoAnswer(ToolError):
    """The question was right and has no answer (an infeasible load, an island, an unsolvable equation)."""


class TimedOut(ToolError):
    """The call ran past its time limit and was stopped."""


class Cancelled(ToolError):
    """The call was cancelled by its caller."""


class ToolCrashed(ToolError):
    """The worker died (a bug in native code, a kill from outside) or the tool raised an untyped error."""


class MemoryExceeded(ToolCrashed):
    """The call asked for more memory than a worker may have."""


class MissingExtra(ToolError):
    """A heavy dependency of the tool is not installed; the hint is the command that installs it."""


class Artifact(Frozen):
    """A piece of a tool's output that is too large for a sentence; its bytes travel beside the output, named by content."""

    name: str
    media_type: str = Field(description="image/png, text/csv, application/x-npy, ...")
    sha256: str
    size: int = Field(description="Length in bytes", json_schema_extra={"unit": "byte"})
    caption: str = ""


class Worked(Frozen):
    """A question in plain words and the calls that answer it; the demonstrations of a small model that uses the tool."""

    question: str
    asked: str = Field(description="What is wanted, in the words of the question")
    given: str = Field("", description="The conditions of the case, in the words of the question")
    compare: Literal["nothing", "difference", "difference in percent", "ratio"] = "nothing"
    calls: tuple[dict[str, Any], ...] = Field(description="Arguments of the calls, named a, b, ... in this order")
    answers: tuple[str, ...] = Field(description="Expressions over the outputs, such as a.cost - b.cost")


In = TypeVar("In", bound=Frozen)
Out = TypeVar("Out", bound=Frozen)


class Tool(Generic[In, Out]):
    """One scientific model tool. Subclass it, name its input and output as type arguments, and define `__call__`."""

    name: ClassVar[str]
    source: ClassVar[str]  # the publication, as one would cite it
    paper: ClassVar[int | None] = None  # row in `backprose papers`
    version: ClassVar[str] = "1"  # raise it when the same input may give another output
    examples: ClassVar[
        tuple[dict[str, Any], ...]
    ] = ()  # inputs that work; shown to models and people, run by the tests
    worked: ClassVar[tuple[Worked, ...]] = ()  # questions with the calls that answer them, the most telling eight first
    keywords: ClassVar[tuple[str, ...]] = ()  # other words a person may use, for retrieval
    refinable: ClassVar[tuple[str, ...]] = ()  # inputs an agent may change to get a better score
    score: ClassVar[str | None] = None  # output field that scores a refinement; higher is better
    asks: ClassVar[dict[str, tuple[str, ...]]] = {}  # inputs that only ask for outputs, with the outputs they ask for
    changes: ClassVar[tuple[str, ...]] = ()  # output fields that are changes themselves, such as a pressure drop
    certificate: ClassVar[
        dict[str, float]
    ] = {}  # output fields that certify the result, with the largest size they may have
    timings: ClassVar[tuple[str, ...]] = ()  # output fields that time this machine; all others follow from the input
    headline: ClassVar[tuple[str, ...]] = ()  # output fields that answer most questions, most important first
    time_limit: ClassVar[float] = 120.0  # seconds
    extra: ClassVar[str] = ""  # the optional extra of this distribution that holds its heavy dependencies
    inline: ClassVar[bool] = False  # pure Python, done in milliseconds by construction: needs no worker process

    def __call__(self, inp: In) -> Out:
        raise TypeError(f"{type(self).__name__} defines no __call__")

    @classmethod
    def description(cls) -> str:
        """The class docstring, first paragraph: what the tool does, in the caller's words."""
        return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())

    @classmethod
    def input_type(cls) -> type[Frozen]:
        return _type_arguments(cls)[0]

    @classmethod
    def output_type(cls) -> type[Frozen]:
        return _type_arguments(cls)[1]


def _type_arguments(cls: type[Tool[Any, Any]]) -> tuple[type[Frozen], type[Frozen]]:
    """The `SomeInput, SomeOutput` that a subclass, or the tool it refines, wrote between its brackets."""
    for base in getattr(cls, "__orig_bases__", ()):
        if get_origin(base) is Tool:
            return cast(tuple[type[Frozen], type[Frozen]], get_args(base))
    raise TypeError(f"{cls.__name__} does not name its types: write class {cls.__name__}(Tool[SomeInput, SomeOutput])")


@dataclass
class Desk:
    """Where a running call puts what it has besides its output; the executor reads it."""

    on_progress: Callable[[float, str], None] = lambda done, what: None
    files: dict[str, bytes] = field(default_factory=dict)  # sha256 -> content


_desk: ContextVar[Desk | None] = ContextVar("desk", default=None)


@contextmanager
def at_desk(desk: Desk) -> Iterator[Desk]:
    """Run a tool call with its own desk."""
    token = _desk.set(desk)
    try:
        yield desk
    finally:
        _desk.reset(token)


def progress(done: float, what: str) -> None:
    """Say how far the running call has come: `done` from 0 to 1, and what it is doing now."""
    if desk := _desk.get():
        desk.on_progress(done, what)


def save_artifact(name: str, media_type: str, content: bytes, caption: str = "") -> Artifact:
    """Keep `content` beside the output of the running call; put the returned reference into the output."""
    sha256 = hashlib.sha256(content).hexdigest()
    if desk := _desk.get():
        desk.files[sha256] = content
    return Artifact(name=name, media_type=media_type, sha256=sha256, size=len(content), caption=caption)
