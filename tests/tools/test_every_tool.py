"""What holds for every tool, proved for each by its declaration alone."""

import asyncio
import json
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.needs import lend_tiny
from tests.tools.toys import AddUp
from tools.check import check_arguments
from tools.contract import BadInput, NoAnswer, TimedOut
from tools.executor import Executor
from tools.registry import AnyTool, all_tools, definition, get_tool

TOKENS = 900  # of a tool in a model's prompt, at about four characters each
every_tool = pytest.mark.parametrize("tool", all_tools().values(), ids=all_tools())
every_example = pytest.mark.parametrize(
    ("tool", "example"),
    [
        pytest.param(tool, example, id=f"{name}-{i}")
        for name, tool in all_tools().items()
        for i, example in enumerate(tool.examples)
    ],
)


@pytest.fixture(scope="module")
def executors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Executor, Executor]]:
    """Two that share nothing, not even what trained tools have learned."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        both = []
        for name in ("one", "other"):
            cache = tmp_path_factory.mktemp(name)
            lend_tiny(cache)
            patch.setenv("BACKPROSE_CACHE", str(cache))
            executor = stack.enter_context(Executor(workers=1))
            executor.run(AddUp, {"numbers": [1]})  # starts its worker, which reads the environment
            both.append(executor)
        yield both[0], both[1]


@pytest.fixture(scope="module")
def executor(executors: tuple[Executor, Executor]) -> Executor:
    return executors[0]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def numbers_without_unit(schema: Any, unit: str | None = None, path: str = "") -> Iterator[str]:
    """Where a JSON schema holds a number for which neither its field nor one around it names a unit."""
    if isinstance(schema, list):
        for item in schema:
            yield from numbers_without_unit(item, unit, path)
    if isinstance(schema, dict):
        unit = schema.get("unit", unit)
        if schema.get("type") in {"number", "integer"} and not unit:
            yield path
        for key in ("items", "anyOf", "oneOf", "allOf", "prefixItems", "additionalProperties"):
            yield from numbers_without_unit(schema.get(key), unit, path)
        for group in ("properties", "$defs"):
            for name, child in schema.get(group, {}).items():
                yield from numbers_without_unit(child, None, f"{path}.{name}")


@every_tool
def test_every_number_has_a_unit(tool: AnyTool) -> None:
    for model in (tool.input_type(), tool.output_type()):
        assert list(numbers_without_unit(model.model_json_schema())) == []


@every_tool
def test_it_says_what_it_does_and_where_it_comes_from(tool: AnyTool) -> None:
    assert len(tool.description().split()) >= 4
    assert tool.description().endswith(".")
    assert tool.source
    assert tool.examples
    assert tool.name.isidentifier()
    assert tool.name == tool.name.lower()
    for model in (tool.input_type(), tool.output_type()):
        assert all(field.description for field in model.model_fields.values())


@every_tool
def test_the_fields_it_points_at_exist(tool: AnyTool) -> None:
    assert set(tool.headline) <= set(tool.output_type().model_fields)
    assert set(tool.refinable) <= set(tool.input_type().model_fields)
    assert set(tool.timings) <= set(tool.output_type().model_fields)
    assert tool.score is None or tool.score in tool.output_type().model_fields
    assert bool(tool.refinable) == bool(tool.score)


@every_tool
def test_its_definition_stands_alone_and_fits_a_prompt(tool: AnyTool) -> None:
    shown = definition(tool)
    view = json.dumps({"name": shown.name, "description": shown.description, "parameters": shown.input_schema})
    assert "$ref" not in view
    assert "$defs" not in view
    assert len(view) / 4 < TOKENS
    assert list(shown.input_schema["properties"]) == list(tool.input_type().model_fields)


@every_example
def test_its_examples_give_the_same_again_from_nothing_and_round_trip_through_json(
    executors: tuple[Executor, Executor], tool: AnyTool, example: dict[str, Any]
) -> None:
    inp = check_arguments(tool, json.loads(json.dumps(example)))
    assert tool.input_type().model_validate_json(inp.model_dump_json()) == inp
    first, second = (executor.run(tool, example) for executor in executors)
    assert _lasting(tool, first.output) == _lasting(tool, second.output)
    again = executors[0].run(tool, example).output
    assert _lasting(tool, again) == _lasting(tool, first.output)
    assert tool.output_type().model_validate_json(json.dumps(first.output)).model_dump(mode="json") == first.output
    assert set(first.files) == {artifact.sha256 for artifact in first.artifacts}


def _lasting(tool: AnyTool, output: dict[str, Any]) -> dict[str, Any]:
    """What does not time the machine."""
    return {name: value for name, value in output.items() if name not in tool.timings}


@every_tool
def test_its_time_limit_ends_a_call_and_the_next_one_works(tool: AnyTool) -> None:
    if tool.inline:
        pytest.skip("an inline call is over before it could be stopped")
    with Executor(workers=1) as own:
        with pytest.raises(TimedOut):
            own.run(tool, tool.examples[0], time_limit=0.01)
        assert own.run(AddUp, {"numbers": [1, 2]}).output == {"total": 3}


@every_tool
def test_it_can_be_cancelled_at_any_moment(tool: AnyTool) -> None:
    if tool.inline:
        pytest.skip("an inline call is over before it could be stopped")

    async def cancel() -> None:
        with Executor(workers=1) as own:
            call = asyncio.create_task(own.call(tool, tool.examples[0]))
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await own.call(AddUp, {"numbers": [1, 2]})).output == {"total": 3}

    asyncio.run(cancel())


def wrong_inputs(tool: AnyTool) -> Iterator[tuple[str, Any]]:
    good = dict(tool.examples[0])
    yield "unknown field", {**good, "no_such_field": 1}
    for name, field in tool.input_type().model_fields.items():
        if field.is_required():
            yield f"{name} missing", {key: value for key, value in good.items() if key != name}
        yield f"{name} of the wrong type", {**good, name: {"no": ["such", "thing"]}}
        for limit in field.metadata:
            for bound, beyond in (("ge", -1), ("gt", -1), ("le", 1), ("lt", 1)):
                if (edge := getattr(limit, bound, None)) is not None and not isinstance(good.get(name), list):
                    yield f"{name} out of range", {**good, name: edge + beyond}
            if shortest := getattr(limit, "min_length", None):
                yield f"{name} empty", {**good, name: type(good.get(name, []))()}
                yield f"{name} too short", {**good, name: (good.get(name) or [0])[: shortest - 1]}
            if longest := getattr(limit, "max_length", None):
                for filling in ("0", [0], ["0"], [[[0.0]]]):
                    yield f"{name} too long", {**good, name: filling * (longest + 1)}
        if field.annotation is float or "float" in str(field.annotation):
            for nonsense in (math.nan, math.inf, -math.inf):
                yield f"{name} not a number", {**good, name: nonsense}
        if field.annotation is float:
            yield f"{name} a text", {**good, name: "much"}
            yield f"{name} a list", {**good, name: [1.0, 2.0]}


@every_tool
def test_wrong_inputs_are_typed_errors_at_once(tool: AnyTool) -> None:
    for what, arguments in wrong_inputs(tool):
        started = time.process_time()
        with pytest.raises(BadInput) as refused:
            check_arguments(tool, arguments)
        assert time.process_time() - started < 1, what
        assert str(refused.value), what


def sizes_without_limit(schema: Any, path: str = "") -> Iterator[str]:
    """Where a JSON schema lets a list grow without end; a list inside a limited one is limited by what it is made of."""
    for name, field in schema.get("properties", {}).items():
        kinds = [field, *field.get("anyOf", ())]
        if any(kind.get("type") == "array" for kind in kinds) and not any("maxItems" in kind for kind in kinds):
            yield f"{path}.{name}"


@every_tool
def test_no_list_is_unlimited(tool: AnyTool) -> None:
    assert list(sizes_without_limit(tool.input_type().model_json_schema())) == []


PROSE = {("mix_lora_experts", "prompt")}  # is read by a language model as it stands, so that a path in it opens nothing


def free_texts(tool: AnyTool) -> Iterator[str]:
    """The inputs that take any text and may name a file."""
    for name, field in tool.input_type().model_json_schema()["properties"].items():
        if (tool.name, name) not in PROSE and any(
            kind.get("type") == "string" and "const" not in kind for kind in [field, *field.get("anyOf", ())]
        ):
            yield name


@every_tool
def test_a_file_outside_the_workspace_is_out_of_reach(executor: Executor, tool: AnyTool, workspace: Path) -> None:
    (workspace / "inside").mkdir()
    secret = workspace / "secret.json"
    secret.write_text("{}")
    for name in free_texts(tool):
        for outside in ("/etc/passwd", "../secret.json", str(secret), "x" * 200_000):
            with pytest.raises((BadInput, NoAnswer)):
                executor.run(tool, {**tool.examples[0], name: outside}, time_limit=30)


@every_tool
def test_it_is_found_by_its_name(tool: AnyTool) -> None:
    assert get_tool(tool.name) is tool
