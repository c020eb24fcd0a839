"""Operators' files belong to them alone, as the README asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.stores.patience import patient_store


@pytest.fixture(autouse=True)
def patient_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the stores' own tests: a busy machine is no fault of the store's."""
    monkeypatch.setattr("mfa_gate.cli.context.store_from_url", patient_store)


@pytest.fixture(autouse=True)
def own_files() -> Iterator[None]:
    """Let no other user read a file that a test writes.

    A command prints a warning that names a keys file that everybody may read.
    """
    before = os.umask(0o077)
    yield
    os.umask(before)
