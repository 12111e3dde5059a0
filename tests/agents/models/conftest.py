"""Async tests run in an event loop of their own. Two of the real local models are at hand."""

import asyncio
from inspect import iscoroutinefunction

import pytest

from tests.needs import DEFAULT, TINY, local_model


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def tiny() -> str:
    """The smallest local model: it follows a grammar and little else."""
    return local_model(TINY)


@pytest.fixture
def small() -> str:
    """The default local model: small, but it can be talked to."""
    return local_model(DEFAULT)
