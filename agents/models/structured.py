"""Answers as pydantic models: the schema a model must follow, and what to tell it when it did not."""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Answer = TypeVar("Answer", bound=BaseModel)

_NOISE = frozenset({"title", "default", "discriminator"})  # says nothing that constrains a reply
_NAMED_SCHEMAS = frozenset({"properties", "$defs"})  # keys below these are names, not schema words
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL)


def schema_of(answer: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of an answer: fields in the order they are declared, every field required, nothing else allowed.

    A field with a default is required too, because constrained decoders write optional fields last or leave them out.
    """
    schema: dict[str, Any] = _strict(answer.model_json_schema())
    return schema


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for word, value in schema.items():
        if word in _NAMED_SCHEMAS:
            found[word] = {name: _strict(inner) for name, inner in value.items()}
        elif word not in _NOISE:
            found[word] = value if word in ("const", "enum", "examples") else _strict(value)
    if "properties" in found:
        found["required"] = list(found["properties"])
        found.setdefault("additionalProperties", False)
    return found


def parse(text: str, answer: type[Answer]) -> Answer:
    """Read an answer from a reply, which may stand in a fence or between words.

    Raises:
        pydantic.ValidationError: The reply is no JSON or does not satisfy the model.
    """
    try:
        return answer.model_validate_json(text)
    except ValidationError:
        inner = _json_within(text)
        if inner in (text, ""):
            raise
        return answer.model_validate_json(inner)


def _json_within(text: str) -> str:
    if fenced := _FENCED.search(text):
        return fenced.group(1)
    return text[text.find("{") : text.rfind("}") + 1]


def complaint(problem: ValidationError, most: int = 3) -> str:
    """What is wrong with a reply, in words short enough for a small model."""
    said = []
    for error in problem.errors(include_url=False, include_context=False)[:most]:
        place = ".".join(map(str, error["loc"]))
        said.append(f"{place}: {error['msg']}" if place else error["msg"])
    return "; ".join(said)
