"""Fixtures that tests of every room share."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

from mfa_gate.stores.common.siblings import take_name
from tests.chromium import found
from tests.web import serving

if "PYTEST_XDIST_WORKER" in os.environ:
    # With --coverage the workers are measured; the many programs that they start would take twice as long.
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

take_name("memory")  # the processes of a test run are no workers of one server, and say nothing


gc.disable()  # while thousands of tests are read: nothing of that is garbage


def pytest_collection_finish() -> None:
    """Leave the tests themselves out of each later search for garbage.

    Each search would walk over all of them.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


settings.register_profile("shared", deadline=None, derandomize=True)
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
    return serving.free_port()
