"""Short ways to ask a model in tests."""

from typing import Any

from agents.models import Message, ModelRequest


def ask(words: str, model: str = "scripted", **fields: Any) -> ModelRequest:
    return ModelRequest(model=model, messages=(Message(role="user", content=words),), **fields)
