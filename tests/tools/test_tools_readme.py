import re
import textwrap
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "tools" / "README.md"
EXAMPLES = [
    textwrap.dedent(block)
    for block in re.findall(r"^ *```python\n(.*?)^ *```", README.read_text(), re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_readme_examples_work(example: str) -> None:
    exec(compile(example, README, "exec"), {"__name__": "example"})


def test_the_readme_names_every_module() -> None:
    modules = {path.name for path in README.parent.glob("*.py")} - {"__init__.py", "suggest.py"}
    assert {name for name in modules if f"`{name}`" not in README.read_text()} == set()
