"""The simulated model: agents, critics and editors of the simulated trade behind one door."""

from agents.models import ModelRequest
from experiments.suites.planted_faults.reviewer import review
from experiments.suites.planted_faults.worker import work


def simulated(request: ModelRequest) -> str:
    """The reply to any request of an agent, a critic, an editor, or of GEPA's reflection."""
    return review(request) or work(request)
