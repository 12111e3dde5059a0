"""What a model's reply contains: its last program, its last boxed term, its last number."""

import re

_BLOCK = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-z])")
_NUMBER = re.compile(
    r"(?<![\w.])(?:\$\s?)?[-−+]?(?:\$\s?)?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?!\d)|(?<![\w.])[-−+]?\$?\.\d+"
)


def code_blocks(text: str) -> list[str]:
    """The fenced blocks that hold Python or say nothing about what they hold. A fence that is left open ends with the text."""
    return [code for language, code in _BLOCK.findall(text) if language.lower() in ("", "python", "python3", "py")]


def last_boxed(text: str) -> str | None:
    r"""What the last `\boxed{...}` or `\fbox{...}` holds, with balanced braces; also `\boxed 7`."""
    *_, last = [None, *_BOX.finditer(text)]
    if last is None:
        return None
    rest = text[last.end() :].lstrip()
    if not rest.startswith("{"):
        return rest.split()[0].rstrip("$.") if rest.split() else None
    depth = 0
    for i, letter in enumerate(rest):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return rest[1:i]
    return None


def last_number(text: str) -> str | None:
    """The last number as plain digits: without `$`, blanks and thousands separators."""
    found = [match[0] for match in _NUMBER.finditer(text)]
    return re.sub(r"[\s$,+]", "", found[-1]).replace("−", "-") if found else None
