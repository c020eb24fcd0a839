"""The SQLite store keeps the contract of all stores, in a private file."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.testing.store_suite import ALICE, StoreSuite, enrolled

from .patience import SQLITE


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
    await store.open()
    yield store
    await store.aclose()


class TestSQLiteStore(StoreSuite):
    """The shared suite."""

    @pytest.fixture
    async def other(self, store: SQLiteStore, tmp_path: Path) -> AsyncIterator[SQLiteStore]:
        other = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
        await other.open()
        yield other
        await other.aclose()

    @pytest.fixture
    async def missing(self, tmp_path: Path) -> AsyncIterator[SQLiteStore]:
        missing = SQLiteStore(tmp_path / "missing.db")
        yield missing
        await missing.aclose()


async def test_files_are_private(store: SQLiteStore, tmp_path: Path) -> None:
    """S-116: every file of the store can be read by its owner only."""
    await store.swap(enrolled(ALICE))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("mfa.db", "mfa.db-wal", "mfa.db-shm", "mfa.db.created"), 0o600)
