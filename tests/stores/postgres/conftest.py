"""A store of each test's own. A file says by its ``url`` which one it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfa_gate.stores.postgres import PostgresStore

from ..patience import POSTGRES


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    """An open store at ``url``, with the longer limits."""
    store = PostgresStore(url, timing=POSTGRES)
    await store.open()
    yield store
    await store.aclose()
