"""Words for what is measured: durations, money, tokens, sizes, moments, statuses."""

import re
import time

STATUS_WORDS = {
    "answered": "answered",
    "refused": "refused: the question has no answer",
    "failed": "failed",
    "budget_exhausted": "stopped by its budget",
    "cancelled": "cancelled",
    "running": "running",
    "interrupted": "interrupted: it can be resumed",
}


def duration(seconds: float) -> str:
    """`3 ms`, `4.2 s`, `2 min 05 s`, `3 h 07 min`."""
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms" if seconds >= 0.001 else f"{1000 * seconds:.2g} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def money(usd: float) -> str:
    """US dollars, with enough digits to see a small sum; `free` for nothing."""
    if usd == 0:
        return "free"
    return f"${usd:.2f}" if usd >= 0.1 else f"${usd:.2g}" if usd >= 0.0001 else f"${usd:.1e}"


def count(number: int, noun: str) -> str:
    """`1 call`, `1,234 tokens`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def size(number: int) -> str:
    """Bytes, as `512 B`, `98 MB`, `1.1 GB`."""
    if number < 1000:
        return f"{number} B"
    value, units = number / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if value < 9.95 else f"{value:.0f} {units[0]}"


def moment(seconds: float) -> str:
    """A time of the log [s since 1970] as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def ago(seconds: float) -> str:
    """How long ago, roughly: `just now`, `4 min ago`, `2 h ago`, `3 days ago`."""
    if seconds < 45:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            n = int(seconds // size)
            return f"{n} {unit}{'s' if unit == 'day' and n > 1 else ''} ago"
    return "1 min ago"


def rough(number: float) -> str:
    """A number to two digits, in full: `1,200`, `35`."""
    digits = len(str(int(number)))
    return f"{round(number, 2 - digits):,.0f}"


def bill(calls: int, tokens: int, usd: float) -> str:
    """What model calls cost, in one phrase: `3 calls, 1,234 tokens, free`."""
    return f"{count(calls, 'model call')}, {count(tokens, 'token')}, {money(usd)}"


def number(value: object) -> str:
    """A value as people read it: numbers to ten digits, everything else as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def clipped(text: str, width: int) -> str:
    """One line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|$:~&])")
_ADDRESS = re.compile(r"(https?:|www|@)(?=[/.\w])", re.IGNORECASE)
_JOINER = "\u2060"  # takes no room


def markdown(text: str) -> str:
    """Text on one line such that markdown shows it as it is, whatever marks, markup or links a model put into it."""
    line = " ".join(plain(text).split())
    return _MARKS.sub(r"\\\1", _ADDRESS.sub(rf"\1{_JOINER}", line))  # addresses become links whatever is escaped


def plain(text: str) -> str:
    """Text without control characters, which a model or a tool could use to rewrite somebody's terminal."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")
