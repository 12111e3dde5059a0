"""From arguments that somebody wrote to a tool's checked input, or to a sentence that says what would be right."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tools.contract import BadInput, Frozen
from tools.registry import AnyTool
from tools.suggest import did_you_mean

_SHOWN = 3  # errors named in one message; a caller who gets these right may see the next
_RULES = {
    "greater_than": "must be more than {gt:.12g}",
    "greater_than_equal": "must be at least {ge:.12g}",
    "less_than": "must be less than {lt:.12g}",
    "less_than_equal": "must be at most {le:.12g}",
    "multiple_of": "must be a multiple of {multiple_of:.12g}",
    "finite_number": "must be a finite number",
    "too_short": "has {actual_length} items, must have at least {min_length}",
    "too_long": "has more than {max_length} items, must have at most that many",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "int_from_float": "must be a whole number",
    "value_error": "{error}",
}
_KINDS = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a JSON object",
    "model": "a JSON object",
}


def check_arguments(tool: AnyTool, arguments: Mapping[str, Any]) -> Frozen:
    """The input of `tool` made from `arguments`.

    Raises:
        BadInput: If a field is missing, unknown, of the wrong kind or out of range. The message names the field, what was
            given and what would be right; `facts["fields"]` lists the fields at fault.
    """
    if not isinstance(arguments, Mapping):
        raise BadInput(
            f"the arguments of {tool.name} are {_short(arguments)}, must be a JSON object", hint=_takes(tool)
        )
    try:
        return tool.input_type().model_validate(dict(arguments))
    except ValidationError as error:
        wrongs = error.errors(include_url=False)
        fields = list(dict.fromkeys(_place(wrong, arguments) for wrong in wrongs))
        said = "; ".join(dict.fromkeys(_sentence(wrong, arguments, tool) for wrong in wrongs[:_SHOWN]))
        more = f"; and {len(wrongs) - _SHOWN} more" if len(wrongs) > _SHOWN else ""
        misnamed = any(wrong["type"] in ("extra_forbidden", "missing") for wrong in wrongs)
        raise BadInput(said + more, hint=_takes(tool) if misnamed else "", fields=fields) from None


def _sentence(wrong: ErrorDetails, arguments: Mapping[str, Any], tool: AnyTool) -> str:
    place, kind, given = _place(wrong, arguments), wrong["type"], wrong["input"]
    if kind == "missing":
        return f"{place} is missing{_meaning(tool, wrong)}"
    if kind == "extra_forbidden":
        known = tool.input_type().model_fields
        return f"{place} is no input of {tool.name}{did_you_mean(place, known)}"
    if not place:
        return str(wrong.get("ctx", {}).get("error", wrong["msg"]))
    if kind in {"too_short", "too_long"}:
        return f"{place} {_RULES[kind].format(**wrong['ctx'])}"
    rule = _RULES[kind].format(**wrong.get("ctx", {})) if kind in _RULES else _must_be(wrong)
    return f"{place} is {_short(given)}, {rule}"


def _must_be(wrong: ErrorDetails) -> str:
    """For errors about the kind of value, such as `float_type`, `int_parsing`, `list_type`."""
    expected = _KINDS.get(wrong["type"].split("_")[0])
    return f"must be {expected}" if expected else wrong["msg"][:1].lower() + wrong["msg"][1:]


def _place(wrong: ErrorDetails, arguments: Any) -> str:
    """`start[3].x`: the part of pydantic's location that exists in the arguments (it also names the members of unions)."""
    place, here = "", arguments
    for step in wrong["loc"]:
        if isinstance(step, int):
            place += f"[{step}]"
            here = here[step] if isinstance(here, list | tuple) and step < len(here) else None
        elif not isinstance(here, Mapping):
            continue
        elif step in here or (wrong["type"] == "missing" and step == wrong["loc"][-1]):
            place += f".{step}" if place else step
            here = here.get(step)
    return place


def _meaning(tool: AnyTool, wrong: ErrorDetails) -> str:
    field = tool.input_type().model_fields.get(str(wrong["loc"][0])) if len(wrong["loc"]) == 1 else None
    return f" ({field.description})" if field and field.description else ""


def _takes(tool: AnyTool) -> str:
    return f"{tool.name} takes {', '.join(tool.input_type().model_fields)}"


def _short(value: Any, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
