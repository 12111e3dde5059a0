"""What is compared: ways to answer a question with a language model, all through the same gateway."""

from experiments.systems.find import SYSTEMS, UnknownSystem, find_system
from experiments.systems.teams import System

__all__ = ["SYSTEMS", "System", "UnknownSystem", "find_system"]
