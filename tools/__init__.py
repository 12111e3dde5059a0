"""The agents' hands: published methods really implemented, called with checked arguments, returning numbers with units."""

import backprose as _house  # says clearly when another distribution shadows this package
from tools.contract import Artifact, BadInput, Frozen, NoAnswer, Tool, ToolError, quantity
from tools.executor import Executor
from tools.registry import all_tools, get_tool

__all__ = ["Artifact", "BadInput", "Executor", "Frozen", "NoAnswer", "Tool", "ToolError", "all_tools", "get_tool", "quantity"]
