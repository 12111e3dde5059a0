"""Secrets never reach the log: whatever an error says passes through here first."""

import os
import re

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
_SECRET_SHAPES = (
    re.compile(r"(?i)(\bauthorization['\"]?\s*[:=]\s*['\"]?)(?:bearer |basic )?[^\s'\",}]+"),
    re.compile(r"(?i)(\bbearer\s+)[\w.~+/=-]{6,}"),
    re.compile(r"(?i)(\b(?:x-)?api[-_ ]?key['\"]?(?:\s*(?:provided)?\s*[:=])\s*['\"]?)[^\s'\",}]+"),
    re.compile(r"(?i)([?&](?:key|token|api_key|access_token)=)[^&\s'\"]+"),
    re.compile(r"(://[^/\s:@]+:)[^/\s@]+(?=@)"),
    re.compile(r"()\b(?:sk|pk|gsk|hf|xai|ghp|AIza)[-_]?[\w*-]{16,}"),
)


def scrub(text: str) -> str:
    """The text without the values of this process's secret variables and without anything that looks like a key."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    for shape in _SECRET_SHAPES:
        text = shape.sub(r"\1***", text)
    return text
