"""`backprose tool`: the scientific model tools, each with its page, and one call of one of them."""

import json
import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli import show
from ui.cli.fail import stop

if TYPE_CHECKING:
    from tools import ToolResult

app = typer.Typer(help="The scientific model tools that agents use; you can call them too.", no_args_is_help=True)

_NAME = typer.Argument(help="Tool name, as `backprose tool list` prints it.")


@app.command("list")
def list_(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List all tools: name, what it does, paper.

    backprose tool list
    """
    from tools import all_tools

    found = all_tools().values()
    if json_:
        show.as_json([{"name": t.name, "what": t.description(), "paper": t.paper, "source": t.source} for t in found])
        return
    rows = [(t.name, t.description(), "-" if t.paper is None else f"{t.paper:02d}") for t in found]
    show.table({"tool": "left", "what it does": "wrap", "paper": "right"}, rows)


@app.command("show")
def show_(
    name: Annotated[str, _NAME], json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show a tool's page: arguments, units, ranges, defaults, outputs, an example that works, its source.

    backprose tool show calculate
    """
    from tools import definition, get_tool

    tool = get_tool(name)
    page = definition(tool)
    if json_:
        show.as_json({**page.model_dump(), "source": tool.source, "paper": tool.paper, "version": tool.version})
        return
    typer.echo(textwrap.fill(f"{tool.name}: {tool.description()}", show.out().width))
    inputs, outputs = page.input_schema, page.output_schema
    typer.echo("\nArguments")
    for field, schema in inputs["properties"].items():
        default = "required" if field in inputs.get("required", ()) else f"default {_compact(schema.get('default'))}"
        _field(field, schema, default)
    typer.echo("\nOutputs")
    for field, schema in outputs["properties"].items():
        _field(field, schema)
    typer.echo(f"\nSource: {tool.source}" + (f" (paper {tool.paper:02d})" if tool.paper else ""))
    for field, limit in tool.certificate.items():
        typer.echo(f"Certificate: {field} is at most {limit:g}, or the result is not accepted")
    typer.echo(f"Time limit: {tool.time_limit:g} s")
    if page.example is not None:
        typer.echo(f"Example: backprose tool call {tool.name} {shlex.quote(_compact(page.example))}")


@app.command("call")
def call(
    name: Annotated[str, _NAME],
    arguments: Annotated[str, typer.Argument(help="Input as JSON, or - to read it from stdin.")],
    progress: Annotated[bool, typer.Option("--progress", help="Say on stderr how far the call has come.")] = False,
    artifacts: Annotated[
        Path | None, typer.Option(help="Folder to write the call's artifacts to.", file_okay=False)
    ] = None,
) -> None:
    """Call one tool once and print its output as JSON.

    backprose tool call calculate '{"expression": "3.5 MW * 2 h in kWh"}'
    """
    from tools import Executor

    given = _parsed(sys.stdin.read() if arguments == "-" else arguments)
    console = show.err()

    def tell(done: float, what: str) -> None:
        if progress:
            console.print(f"{100 * done:3.0f} %  {what}")

    with Executor(workers=1) as executor:
        result = executor.run(name, given, on_progress=tell)
    show.as_json(result.output)
    if artifacts is not None:
        _write(result, artifacts)


def _parsed(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        stop(f"the arguments are no JSON: {error}", 'quote them for the shell: \'{"expression": "1 + 1"}\'')
    if not isinstance(given, dict):
        stop("the arguments are no JSON object", 'such as \'{"expression": "1 + 1"}\'')
    return given


def _write(result: "ToolResult", folder: Path) -> None:
    """Write each artifact under the last part of its name, which a tool may have chosen freely."""
    folder.mkdir(parents=True, exist_ok=True)
    for artifact in result.artifacts:
        place = folder / (Path(artifact.name).name or artifact.sha256)
        place.write_bytes(result.files[artifact.sha256])
        typer.echo(f"wrote {place}", err=True)


def _field(name: str, schema: dict[str, Any], default: str = "") -> None:
    """One field of a tool's page: its name with type, range and default, and below it what it means."""
    facts = "; ".join(part for part in (_type(schema), _range(schema), default) if part)
    width = show.out().width
    for text, indent in ((f"{name}: {facts}", 2), (schema.get("description", ""), 6)):
        typer.echo(textwrap.fill(text, width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4)))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _type(schema: dict[str, Any]) -> str:
    """A schema's type in a word or two: `number`, `list of number`, `neural | exact`."""
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"] if one.get("type") != "null"))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    return str(schema.get("type", "any"))


def _range(schema: dict[str, Any]) -> str:
    """A schema's limits, as `0.5 to 1.5`, `> 0`, `2 to 4096 items`."""
    for one in schema.get("anyOf", ()):
        if found := _range(one):
            return found
    if "minItems" in schema or "maxItems" in schema:
        return f"{_span(schema.get('minItems'), schema.get('maxItems'))} items"
    if "minLength" in schema or "maxLength" in schema:
        return f"{_span(schema.get('minLength'), schema.get('maxLength'))} characters"
    if "exclusiveMinimum" in schema or "exclusiveMaximum" in schema:
        low = f"> {schema['exclusiveMinimum']:g}" if "exclusiveMinimum" in schema else ""
        high = f"< {schema['exclusiveMaximum']:g}" if "exclusiveMaximum" in schema else ""
        rest = _span(schema.get("minimum"), schema.get("maximum"))
        return ", ".join(part for part in (low, high, rest) if part)
    return _span(schema.get("minimum"), schema.get("maximum"))


def _span(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f">= {low:g}" if low is not None else f"<= {high:g}" if high is not None else ""
