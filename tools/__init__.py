"""The agents' hands: published methods really implemented, called with checked arguments, returning numbers with units."""

import backprose as _house  # says clearly when another distribution shadows this package
from tools.contract import Artifact, BadInput, Frozen, NoAnswer, Tool, ToolError, quantity
from tools.executor import Executor, run_tool
from tools.perform import ToolResult
from tools.registry import Definition, all_tools, definition, get_tool, hints
from tools.retrieve import retrieve

__all__ = [
    "Artifact",
    "BadInput",
    "Definition",
    "Executor",
    "Frozen",
    "NoAnswer",
    "Tool",
    "ToolError",
    "ToolResult",
    "all_tools",
    "definition",
    "get_tool",
    "hints",
    "quantity",
    "retrieve",
    "run_tool",
]
