"""The store of tests that need no gate."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfa_gate.stores.memory import MemoryStore


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    """An open store that holds nothing."""
    made = MemoryStore()
    await made.open()
    yield made
    await made.aclose()
