import json
import subprocess
import sys

import pytest
from pydantic import Field

from tests.tools.toys import Checked
from tools.contract import Frozen, Tool, quantity
from tools.registry import UnknownTool, all_tools, definition, get_tool, hints

HEAVY = ("numpy", "scipy", "torch", "pandapower", "pint", "highspy", "pandas", "matplotlib", "platformdirs")


@pytest.mark.alone
def test_listing_every_tool_is_quick_and_loads_nothing_heavy() -> None:
    script = f"""
import json, sys, time
marks = [time.process_time()]
import pydantic, asyncio
marks.append(time.process_time())
import tools
marks.append(time.process_time())
found = tools.all_tools()
marks.append(time.process_time())
print(json.dumps([*(b - a for a, b in zip(marks, marks[1:])), len(found), [m for m in {HEAVY} if m in sys.modules]]))
"""
    libraries, imported, listed, count, heavy = json.loads(subprocess.check_output([sys.executable, "-c", script]))
    assert heavy == []
    assert imported <= max(0.25, 2 * libraries)  # the second bounds are for slow machines
    assert listed <= max(0.05 + 0.01 * count, libraries)


def test_tools_are_listed_in_alphabetical_order_and_the_list_is_the_callers() -> None:
    assert list(all_tools()) == sorted(all_tools())
    all_tools().clear()
    assert "calculate" in all_tools()


def test_a_name_that_is_not_known_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownTool, match=r"^no tool named calcualte; did you mean calculate\?$") as caught:
        get_tool("calcualte")
    assert "calculate" in caught.value.hint


def test_a_definition_has_units_in_words_and_no_references() -> None:
    shown = definition(Checked)
    assert shown.description == "Takes arguments of many kinds. Gives text: What the tool has to say."
    assert shown.input_schema["properties"]["demand"] == {
        "anyOf": [{"exclusiveMinimum": 0, "type": "number"}, {"type": "null"}],
        "default": None,
        "description": "Demand [MW]",
    }
    bus = shown.input_schema["properties"]["at"]["anyOf"][0]["properties"]["bus"]
    assert bus == {"description": "Bus number", "minimum": 0, "type": "integer"}
    assert shown.input_schema["additionalProperties"] is False


def test_hints_for_writing_a_call_stand_apart_from_its_schema() -> None:
    tool = get_tool("solve_dc_opf")
    assert hints(tool)["grid"] == {"copied": True}
    assert hints(tool)["load_scale"] == {}
    assert "copied" not in str(definition(tool).input_schema)


class Titled(Frozen):
    title: str = Field(description="A field called as a keyword of JSON schema is")
    unit: float = quantity("m", "And another")


class Branch(Frozen):
    children: "list[Branch]" = Field(description="Branches")


class TitledTool(Tool[Titled, Branch]):
    """Has awkward names."""

    name = "titled"
    source = "none"


def test_fields_called_title_or_unit_survive() -> None:
    with pytest.raises(TypeError, match="Branch refers to itself"):
        definition(TitledTool)

    class Simple(Tool[Titled, Titled]):
        """Has awkward names."""

        name = "simple"

    assert set(definition(Simple).input_schema["properties"]) == {"title", "unit"}
