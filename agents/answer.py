"""What an agent hands on: words, checked values with units, and the tool calls they stand on."""

import json
from typing import Any, Self

from pydantic import Field

from agents.models.record import Keeps, Read, keep_text, load_text
from agents.spec import Spec
from store.events import Ref


class Quantity(Spec):
    """One checked value: computed from tool outputs by `expression`, never typed by a model."""

    expression: str
    value: float | str
    unit: str = ""
    name: str = ""  # what it is, for people

    def __str__(self) -> str:
        shown = f"{self.value:.10g}" if isinstance(self.value, float) else self.value
        return f"{shown} {self.unit}" if self.unit not in ("", "1") else str(shown)


class Evidence(Spec):
    """A finished tool call that an answer stands on. `shown` holds the small part of the output that agents read."""

    name: str
    tool: str
    arguments: dict[str, Any]
    output: Ref
    shown: dict[str, Any] = Field(default_factory=dict)


class Answer(Spec):
    """The output of an agent, a layer or a network."""

    text: str
    values: tuple[Quantity, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    refused: bool = Field(False, description="The question has no answer; `text` says why")
    caveats: tuple[str, ...] = Field((), description="What a reader must know before trusting the answer")

    @property
    def value(self) -> float | str | None:
        """The first checked value, if there is any."""
        return self.values[0].value if self.values else None

    @property
    def unit(self) -> str:
        return self.values[0].unit if self.values else ""

    def keep(self, log: Keeps) -> Ref:
        """Store the answer; return its reference. A long text is stored once, however many answers and prompts it stands in."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        fields["text"] = keep_text(log, self.text)
        return log.put(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))

    @classmethod
    def load(cls, read: Read, ref: Ref) -> Self:
        """The answer that `keep` stored; `read` gives a blob's text by its reference."""
        fields = json.loads(read(ref))
        fields["text"] = load_text(read, fields["text"])
        return cls.model_validate(fields)
