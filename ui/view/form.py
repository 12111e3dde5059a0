"""A tool's input as a form: its fields with units, ranges and defaults, and what was filled in as the arguments of a call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tools.registry import AnyTool, definition, hints

Kind = Literal["number", "integer", "flag", "choice", "text", "numbers", "texts", "json"]


class FormError(Exception):
    """A field cannot be read as filled in; the message says which and what would be right."""


@dataclass(frozen=True)
class FormField:
    """One input of a tool.

    Attributes:
        kind: What is filled in: one number, a yes or no, one of `choices`, a text, a list of numbers or texts, or JSON.
        unit: Its unit, empty if it has none.
        default: What counts when it is left empty; None also where it may be left out.
        required: It cannot be left empty.
        open: For a choice: other texts are allowed, too.
        refinable: An agent may change it to get a better score.
    """

    name: str
    meaning: str
    kind: Kind
    unit: str = ""
    default: Any = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    open: bool = False
    refinable: bool = False

    @property
    def label(self) -> str:
        """`load_scale`, `diffusivity [m^2/s]`."""
        return f"{self.name} [{self.unit}]" if self.unit and self.unit != "1" else self.name

    @property
    def help(self) -> str:
        """Its meaning, its range and its default in words."""
        bounds = ""
        if self.low is not None and self.high is not None:
            bounds = f"{self.low:g} to {self.high:g}"
        elif self.low is not None or self.high is not None:
            bounds = f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}"
        shape = {"numbers": "separated by commas", "texts": "separated by commas", "json": "as JSON"}.get(self.kind, "")
        default = (
            "required" if self.required else f"default {shown(self.default)}" if self.default not in (None, []) else ""
        )
        return "; ".join(part for part in (self.meaning, shape, bounds, default) if part)


def form(tool: AnyTool) -> tuple[FormField, ...]:
    """The fields of a tool's input, required ones first."""
    page = definition(tool)
    model = tool.input_type()
    required = page.input_schema.get("required", ())
    found = []
    for name, schema in page.input_schema["properties"].items():
        extra = model.model_fields[name].json_schema_extra
        unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
        meaning = str(schema.get("description", "")).removesuffix(f"[{unit}]").strip()
        given = {"default": schema.get("default"), "required": name in required, "refinable": name in tool.refinable}
        given["open"] = bool(hints(tool)[name].get("copied"))
        found.append(FormField(name=name, meaning=meaning, unit=unit, **given, **_shape(schema)))
    return tuple(sorted(found, key=lambda field: not field.required))


def arguments(fields: tuple[FormField, ...], filled: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a filled form means. What is empty or as by default is left out.

    Raises:
        FormError: A number, a list or JSON cannot be read.
    """
    found = {}
    for field in fields:
        value = filled.get(field.name)
        if isinstance(value, str) and field.kind not in ("text", "choice", "flag"):
            value = _read(field, value)
            if value is None and field.default and field.kind in ("numbers", "texts"):
                value = []  # somebody has taken out what stands there by default
        if value is None or value == "" or (value == field.default and not field.required):
            continue
        found[field.name] = value
    return found


def initial(field: FormField, value: Any) -> Any:
    """A value as the field's widget takes it: numbers as numbers of its type, yes or no, a choice, else text."""
    match field.kind:
        case "flag":
            return bool(value)
        case "choice":
            return value
        case "integer" | "number":
            return None if value is None else int(value) if field.kind == "integer" else float(value)
        case _:
            return shown(value)


def shown(value: Any) -> str:
    """A value as it stands in a form: lists with commas, objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(field: FormField, text: str) -> Any:
    text = text.strip()
    if not text:
        return None
    try:
        match field.kind:
            case "number":
                return float(text)
            case "integer":
                return int(text)
            case "numbers":
                return (
                    json.loads(text)
                    if text.startswith("[")
                    else [float(part) for part in text.split(",") if part.strip()]
                )
            case "texts":
                return (
                    json.loads(text)
                    if text.startswith("[")
                    else [part.strip() for part in text.split(",") if part.strip()]
                )
            case _:
                return json.loads(text)
    except ValueError:
        wanted = {
            "number": "a number such as 1.5",
            "integer": "a whole number such as 3",
            "numbers": "numbers separated by commas such as 1, 2.5",
            "texts": "texts separated by commas",
        }.get(field.kind, 'JSON such as [{"bus": 5, "p_mw": 20}]')
        raise FormError(f"{field.name}: {text[:60]!r} is not {wanted}") from None


def _shape(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Kind, bounds and choices of a field, from its schema."""
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if options:
        return _shape(options[0] if len(options) == 1 else {})
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if "const" in schema:
        return {"kind": "choice", "choices": (str(schema["const"]),)}
    if "enum" in schema:
        return {"kind": "choice", "choices": tuple(map(str, schema["enum"]))}
    match schema.get("type"):
        case "boolean":
            return {"kind": "flag"}
        case "integer" | "number" as kind:
            return {"kind": kind, "low": low, "high": high}
        case "string":
            return {"kind": "text"}
        case "array" if schema.get("items", {}).get("type") in ("number", "integer"):
            return {"kind": "numbers"}
        case "array" if schema.get("items", {}).get("type") == "string":
            return {"kind": "texts"}
        case _:
            return {"kind": "json"}
