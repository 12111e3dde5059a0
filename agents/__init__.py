"""The engine: teams of agents that run forward and learn backward."""

import backprose as _house  # says clearly when another distribution shadows this package
from agents.act import function
from agents.answer import Answer, Evidence, Quantity
from agents.models.ledger import Budget
from agents.network import Network
from agents.prompt import Brief
from agents.run import Runner, RunOptions, RunResult
from agents.spec import AgentSpec, AnswerField, Example, GraphSpec, LayerSpec, SpecError, TeamSpec, agent, graph, layer

__all__ = [
    "AgentSpec",
    "Answer",
    "AnswerField",
    "Brief",
    "Budget",
    "Evidence",
    "Example",
    "GraphSpec",
    "LayerSpec",
    "Network",
    "Quantity",
    "RunOptions",
    "RunResult",
    "Runner",
    "SpecError",
    "TeamSpec",
    "agent",
    "function",
    "graph",
    "layer",
]
