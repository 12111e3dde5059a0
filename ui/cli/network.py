"""`backprose network`: the versions of networks that trainings made; looked at, compared, traced back, written to a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli import show
from ui.cli.fail import stop
from ui.view import words

if TYPE_CHECKING:
    from agents import GraphSpec
    from store import Store
    from store.versions import GraphVersion

app = typer.Typer(help="Versions of networks, as trainings made them, and networks in files.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="VERSION", help="Version, or the beginning of it; or a network's file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    training: Annotated[str, typer.Option(help="Only versions of this training.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
    json_: Json = False,
) -> None:
    """List versions, the latest first: where each comes from, and how it did on the examples that decide.

    backprose network list
    """
    from store import Store, get_run
    from store.versions import list_versions

    with Store.open() as store:
        found = list_versions(store, run_id=get_run(store, training).id if training else None, limit=limit)
    if json_:
        show.as_json([_facts(v) for v in found])
        return
    columns = {
        "version": "left",
        "parent": "left",
        "step": "right",
        "score": "right",
        "tokens": "right",
        "": "left",
        "training": "left",
    }
    rows = [
        (
            v.version[:8],
            v.made.parent[:8] or "-",
            v.made.step + 1,
            percent(v.made.mean),
            f"{v.made.tokens:.0f}",
            "best so far" if v.made.incumbent else "",
            v.run_id,
        )
        for v in found
    ]
    show.table(columns, rows)


@app.command("show")
def show_(name: Name, json_: Json = False) -> None:
    """Show a network: its layers, agents and wires; for a version also what made it and how it did.

    backprose network show VERSION
    """
    from store import Store

    with Store.open() as store:
        version, graph = find_network(store, name)
        if json_:
            facts = _facts(version) if version else {}
            show.as_json(facts | {"graph": graph.model_dump(mode="json", exclude_defaults=True)})
            return
        if version:
            _print_version(store, version)
    for layer, sources in graph.wired():
        typer.echo(words.plain(f"\nlayer {layer.id}" + (f", reads {', '.join(sources)}" if sources else "")))
        for team in layer.teams:
            several = f"team {team.id}: " if len(layer.teams) > 1 else ""
            typer.echo(f"  {several}{team.aggregator} of {len(team.agents)}")
            for agent in team.agents:
                hears = f", hears {', '.join(team.parents[agent.id])}" if team.parents[agent.id] else ""
                tools = f", tools {', '.join(agent.tools)}" if agent.tools else ""
                typer.echo(words.plain(f"  - {agent.id}{hears}{tools}: {' '.join((agent.role, agent.prompt)).strip()}"))


@app.command("diff")
def diff(before: Name, after: Name, json_: Json = False) -> None:
    """Say what changed between two networks, a line for each change.

    backprose network diff VERSION VERSION
    """
    from agents.backward import difference
    from store import Store

    with Store.open() as store:
        lines = difference(find_network(store, before)[1], find_network(store, after)[1])
    if json_:
        show.as_json(lines)
        return
    for line in lines or ["no difference"]:
        typer.echo(words.plain(line))


@app.command("lineage")
def lineage_(name: Name, json_: Json = False) -> None:
    """Show how a version came to be: every ancestor in its training, with the edits, their cause and the scores.

    backprose network lineage VERSION
    """
    from store import Store
    from store.versions import get_version, lineage

    with Store.open() as store:
        line = lineage(store, get_version(store, name))
        if json_:
            show.as_json([_facts(v) | _story(store, v) for v in line])
            return
        for version in line:
            _print_version(store, version)
            typer.echo()


@app.command("export")
def export(
    name: Name,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; left out, stdout.")] = None,
) -> None:
    """Write a version as a file that `run --network`, `train --network` and `eval --system` take.

    backprose network export VERSION -o net.json
    """
    from store import Store

    with Store.open() as store:
        _, graph = find_network(store, name)
    text = graph.model_dump_json(indent=2, exclude_defaults=True)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"wrote {output}", err=True)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def find_network(store: "Store", name: str) -> "tuple[GraphVersion | None, GraphSpec]":
    """A version by its name, or a network from a file."""
    from agents import GraphSpec, Network
    from store.versions import get_version

    if name.endswith(".json"):
        if not Path(name).is_file():
            stop(f"there is no file {name}", "give a file that Network.save wrote, or a version")
        return None, Network.load(name).spec
    version = get_version(store, name)
    return version, GraphSpec.model_validate_json(store.text(version.made.graph))


def _facts(version: "GraphVersion") -> dict[str, Any]:
    made = version.made
    return {
        "version": made.version,
        "parent": made.parent or None,
        "training": version.run_id,
        "step": made.step + 1,
        "score": made.mean,
        "tokens": made.tokens,
        "usd": made.usd,
        "best_so_far": made.incumbent,
        "created": version.created,
    }


def _story(store: "Store", version: "GraphVersion") -> dict[str, Any]:
    """What made a version: the edits, the critique that asked for them, the difference they make, the scores."""
    import json

    from agents import GraphSpec
    from agents.backward import difference
    from store.versions import get_version

    made = version.made
    story: dict[str, Any] = {"scores": json.loads(store.text(made.scores))}
    if made.edits and made.parent:
        parent = GraphSpec.model_validate_json(store.text(get_version(store, made.parent).made.graph))
        story["edits"] = json.loads(store.text(made.edits))
        story["changes"] = difference(parent, GraphSpec.model_validate_json(store.text(made.graph)))
    if made.critique:
        story["critique"] = json.loads(store.text(made.critique))
    return story


def _print_version(store: "Store", version: "GraphVersion") -> None:
    made, story = version.made, _story(store, version)
    right = sum(score >= 1 for score in story["scores"].values())
    typer.echo(
        f"version {made.version[:8]}: {percent(made.mean)} ({right} of {len(story['scores'])} right), "
        f"{made.tokens:.0f} tokens an example; training {version.run_id}, step {made.step + 1}"
    )
    for item in story.get("critique", ()):
        typer.echo(words.plain(f"  because of {item['target']}: {item['text']}"))
    for line in story.get("changes", ()):
        typer.echo(words.plain(f"  {line}"))
