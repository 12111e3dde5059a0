"""What holds for every tool, proved for each by its declaration alone."""

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tools.check import check_arguments
from tools.contract import BadInput
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
def executor() -> Iterator[Executor]:
    with Executor(workers=1) as executor:
        yield executor


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
    assert tool.score is None or tool.score in tool.output_type().model_fields


@every_tool
def test_its_definition_stands_alone_and_fits_a_prompt(tool: AnyTool) -> None:
    shown = definition(tool)
    view = json.dumps({"name": shown.name, "description": shown.description, "parameters": shown.input_schema})
    assert "$ref" not in view
    assert "$defs" not in view
    assert len(view) / 4 < TOKENS
    assert list(shown.input_schema["properties"]) == list(tool.input_type().model_fields)


@every_example
def test_its_examples_run_twice_alike_and_round_trip_through_json(
    executor: Executor, tool: AnyTool, example: dict[str, Any]
) -> None:
    inp = check_arguments(tool, json.loads(json.dumps(example)))
    assert tool.input_type().model_validate_json(inp.model_dump_json()) == inp
    first, second = executor.run(tool, example), executor.run(tool, example)
    assert first.output == second.output
    assert tool.output_type().model_validate_json(json.dumps(first.output)).model_dump(mode="json") == first.output
    assert set(first.files) == {artifact.sha256 for artifact in first.artifacts}


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
        if field.annotation is float or "float" in str(field.annotation):
            yield f"{name} not a number", {**good, name: math.nan}


@every_tool
def test_wrong_inputs_are_typed_errors_at_once(tool: AnyTool) -> None:
    for what, arguments in wrong_inputs(tool):
        started = time.process_time()
        with pytest.raises(BadInput):
            check_arguments(tool, arguments)
        assert time.process_time() - started < 1, what


@every_tool
def test_it_is_found_by_its_name(tool: AnyTool) -> None:
    assert get_tool(tool.name) is tool
