"""Async tests run in an event loop of their own; tests on a real model are skipped where its weights are missing."""

import asyncio
from inspect import iscoroutinefunction

import pytest

from agents.models import WEIGHTS


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def _weighed(name: str) -> str:
    if not WEIGHTS[name].ready():
        pytest.skip(f"the weights of local/{name} are missing: run `backprose model fetch {name}`")
    return f"local/{name}"


@pytest.fixture
def tiny() -> str:
    """The smallest local model: it follows a grammar and little else."""
    return _weighed("smollm2-135m")


@pytest.fixture
def small() -> str:
    """The smallest local model that can be talked to."""
    return _weighed("qwen2.5-coder-0.5b")
