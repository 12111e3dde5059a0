"""Every tool there is, found without importing a heavy library, and how each presents itself to models and people."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from tools.contract import BadInput, Frozen, Tool
from tools.suggest import did_you_mean

AnyTool = type[Tool[Any, Any]]

_HOME = Path(__file__).parent


_HINTS = {"copied", "named_by"}
_NOISE = {"title", "unit"}  # of a field: its key says the first and its description the second


class UnknownTool(BadInput):
    """No tool has this name."""


class Definition(Frozen):
    """A tool as a model sees it: enough to choose it and to call it, and no more."""

    name: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    example: dict[str, Any] | None


def all_tools() -> dict[str, AnyTool]:
    """All tools by name, in alphabetical order."""
    return dict(_found())


def get_tool(name: str) -> AnyTool:
    """The tool of this name.

    Raises:
        UnknownTool: If there is none; says which name may have been meant.
    """
    tools = _found()
    if name not in tools:
        raise UnknownTool(f"no tool named {name}{did_you_mean(name, tools)}", hint=f"tools: {', '.join(tools)}")
    return tools[name]


@cache
def _found() -> dict[str, AnyTool]:
    """A tool stands in `tools/<domain>/<tool>/tool.py`, as the one `Tool` subclass which that module defines and names."""
    tools: dict[str, AnyTool] = {}
    for path in sorted(_HOME.glob("*/*/tool.py")):
        module = import_module(".".join(["tools", *path.relative_to(_HOME).with_suffix("").parts]))
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Tool) and thing.__module__ == module.__name__:
                if thing.name in tools:
                    raise TypeError(
                        f"{thing.__module__} and {tools[thing.name].__module__} both name a tool {thing.name}"
                    )
                tools[thing.name] = thing
    return dict(sorted(tools.items()))


def definition(tool: AnyTool) -> Definition:
    """How a tool presents itself. Its schemas stand alone: no references, no titles, units in the descriptions."""
    inputs = _standalone(tool.input_type())
    for name, given in hints(tool).items():
        for key in given:
            inputs["properties"][name].pop(key, None)
    return Definition(
        name=tool.name,
        description=f"{tool.description()} {_gives(tool)}",
        input_schema=inputs,
        output_schema=_standalone(tool.output_type()),
        example=tool.examples[0] if tool.examples else None,
    )


def hints(tool: AnyTool) -> dict[str, dict[str, Any]]:
    """What helps to write each input down, and does not show in its schema: `copied` and `named_by`."""
    extras = {name: field.json_schema_extra for name, field in tool.input_type().model_fields.items()}
    return {
        name: {key: value for key, value in extra.items() if key in _HINTS} if isinstance(extra, dict) else {}
        for name, extra in extras.items()
    }


def _gives(tool: AnyTool) -> str:
    """One sentence that names the answers with their units."""
    fields = tool.output_type().model_fields
    return f"Gives {'; '.join(f'{name}: {fields[name].description}' for name in tool.headline or fields)}."


def _standalone(model: type[Frozen]) -> dict[str, Any]:
    """The JSON schema of `model` with every `$ref` replaced by what it refers to, as grammars and small models need it."""
    schema = model.model_json_schema()
    inlined: dict[str, Any] = _inline(schema, schema.pop("$defs", {}), ())
    return inlined


def _inline(node: Any, definitions: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions, inside) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        name = node["$ref"].removeprefix("#/$defs/")
        if name in inside:
            raise TypeError(f"the schema of {name} refers to itself, so it cannot be written without references")
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return _inline(definitions[name] | siblings, definitions, (*inside, name))
    return {
        key: {name: _inline(field, definitions, inside) for name, field in child.items()}
        if key == "properties"
        else _inline(child, definitions, inside)
        for key, child in node.items()
        if key not in _NOISE
    }
