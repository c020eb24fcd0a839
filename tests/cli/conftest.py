"""Operators' files belong to them alone, as the README asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

import pytest

from tests.stores.patience import patient_store


@pytest.fixture(autouse=True)
def patient_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the stores' own tests: a busy machine is no fault of the store's."""
    monkeypatch.setattr("mfa_gate.cli.context.store_from_url", patient_store)


ENTRY_POINTS = cache(entry_points)


@pytest.fixture(autouse=True)
def one_look_at_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for factors of other packages once a process.

    Hundreds of packages are installed with the tests, and each command would read all of them.
    """
    monkeypatch.setattr("mfa_gate.cli.factors.entry_points", ENTRY_POINTS)


@pytest.fixture(autouse=True)
def own_files() -> Iterator[None]:
    """Let no other user read a file that a test writes.

    A command prints a warning that names a keys file that everybody may read.
    """
    before = os.umask(0o077)
    yield
    os.umask(before)
