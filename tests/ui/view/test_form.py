import pytest

from tools import all_tools
from tools.check import check_arguments
from tools.registry import AnyTool, get_tool
from ui.view.form import FormError, FormField, arguments, form, shown


@pytest.mark.parametrize("tool", all_tools().values(), ids=lambda tool: tool.name)
def test_every_example_of_every_tool_passes_through_its_form_unchanged(tool: AnyTool) -> None:
    fields = form(tool)
    for example in tool.examples:
        filled = {field.name: shown(example.get(field.name, field.default)) for field in fields if field.kind != "flag"}
        flags = {field.name: example.get(field.name, field.default) for field in fields if field.kind == "flag"}
        given = arguments(fields, filled | flags)
        assert check_arguments(tool, given) == check_arguments(tool, example)


def test_a_field_knows_its_unit_its_range_and_its_default() -> None:
    fields = {field.name: field for field in form(get_tool("solve_dc_opf"))}
    assert next(iter(fields)) == "grid"  # what is required comes first
    scale = fields["load_scale"]
    assert (scale.kind, scale.low, scale.high, scale.default) == ("number", 0.5, 1.5, 1.0)
    assert "0.5 to 1.5; default 1.0" in scale.help
    assert (fields["grid"].kind, fields["grid"].open, fields["plots"].kind) == ("choice", True, "flag")
    assert (fields["outages"].kind, fields["renewables"].kind, fields["watch_bus"].kind) == ("texts", "json", "integer")


def test_what_is_empty_or_as_by_default_is_left_out() -> None:
    fields = form(get_tool("solve_dc_opf"))
    filled = {"grid": "case30", "load_scale": 1.0, "outages": " ", "watch_bus": None, "plots": False, "watch_line": ""}
    assert arguments(fields, filled) == {"grid": "case30"}


def test_what_cannot_be_read_is_named_with_what_would_be_right() -> None:
    fields = (
        FormField("bus", "Bus", "integer"),
        FormField("mw", "Power", "numbers", unit="MW"),
        FormField("x", "X", "json"),
    )
    for filled, words in (
        ({"bus": "seven"}, "bus: 'seven' is not a whole number"),
        ({"mw": "1, 2, c"}, "mw: '1, 2, c' is not numbers separated by commas"),
        ({"x": "{"}, "x: '{' is not JSON"),
    ):
        with pytest.raises(FormError, match=words.replace("{", "\\{")):
            arguments(fields, filled)
    assert arguments(fields, {"mw": "1, 2.5", "x": '{"a": 1}'}) == {"mw": [1.0, 2.5], "x": {"a": 1}}
