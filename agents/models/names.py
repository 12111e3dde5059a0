"""From a model's name to whoever answers for it."""

from agents.models.contract import Provider, UnknownModel


def resolve(name: str) -> Provider:
    raise UnknownModel(name)
