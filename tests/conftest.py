"""Fixtures that tests of every room share."""

from __future__ import annotations

import functools
import gc
import sys
import typing
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from mfa_gate.stores.common.siblings import take_name
from tests.chromium import found
from tests.harness import World, make_world, running
from tests.turns import pytest_addoption, pytest_runtestloop
from tests.watch import pytest_configure, pytest_runtest_protocol, watch

__all__ = ["pytest_addoption", "pytest_configure", "pytest_runtest_protocol", "pytest_runtestloop"]

if sys.version_info < (3, 12):
    # Later versions keep the names of a protocol; this one finds them out anew at each "isinstance".
    typing._get_protocol_attrs = functools.cache(typing._get_protocol_attrs)  # type: ignore[attr-defined]

take_name("memory")  # the processes of a test run are no workers of one server, and say nothing


gc.disable()  # while thousands of tests are read: nothing of that is garbage


def pytest_collection_finish() -> None:
    """Leave the tests themselves out of each later search for garbage, and search seldom.

    Each search would walk over all of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Write down what ``--coverage`` measured.

    A process that takes long to end on a busy machine is stopped before it would do so itself.
    """
    watch.stop()
    if measured := "coverage" in sys.modules and sys.modules["coverage"].Coverage.current():
        measured.save()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A fresh host with its gate, in the tests' policy."""
    async with running(make_world()) as made:
        yield made


settings.register_profile("shared", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("long", settings.get_profile("shared"), max_examples=400)
# tests/run.py --long asks for the other one: the same examples every day find nothing new.
settings.load_profile("shared")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; tests/run.py makes sure that there is one."""
    return found()


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    from tests.web import serving  # the process that only hands out the tests need not read the whole gate

    return serving.free_port()
