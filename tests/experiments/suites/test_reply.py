"""What is read from a model's reply."""

import pytest

from experiments.suites.reply import code_blocks, last_boxed, last_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It costs $1,080.50 in all.", "1080.50"),
        ("3 + 4 = 7.", "7"),
        ("from 5 to -3", "-3"),
        ("−12 degrees", "-12"),
        ("so 16-3=13", "13"),
        ("the answer is:\n- 8 apples", "8"),
        ("-$5, or $-6", "-6"),
        ("x2 and no other", None),
        ("about .5 of it", ".5"),
        ("2,5 and 7,10", "10"),
        ("**42**", "42"),
        ("72.0", "72.0"),
        ("", None),
    ],
)
def test_the_last_number_is_read_as_people_write_it(text: str, number: str | None) -> None:
    assert last_number(text) == number


@pytest.mark.parametrize(
    ("text", "boxed"),
    [
        (r"\boxed{1} then \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\fbox{7}", "7"),
        (r"\boxed 7.", "7"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{", None),
        (r"\boxed", None),
        ("none", None),
    ],
)
def test_the_last_box_is_read_with_balanced_braces(text: str, boxed: str | None) -> None:
    assert last_boxed(text) == boxed


def test_blocks_of_python_are_read_and_others_are_not() -> None:
    text = "```python\na\n```\n```\nb\n```\n```bash\nls\n```\n```py\nc"
    assert code_blocks(text) == ["a\n", "b\n", "c"]
