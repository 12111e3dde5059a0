"""What is compared: ways to answer a question with a language model, all through the same gateway."""

from experiments.systems.teams import SYSTEMS, System

__all__ = ["SYSTEMS", "System"]
