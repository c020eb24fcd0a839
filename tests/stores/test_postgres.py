"""The PostgreSQL store keeps the contract of all stores."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.testing.store_suite import StoreSuite

from . import postgres_servers
from .patience import POSTGRES


async def opened(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, timing=POSTGRES)
    await store.open()
    yield store
    await store.aclose()


@pytest.fixture
def url() -> str:
    """The URL of a schema of its own."""
    return postgres_servers.shared().schema()


class TestPostgresStore(StoreSuite):
    """The shared suite."""

    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[PostgresStore]:
        async for store in opened(url):
            yield store

    @pytest.fixture
    async def other(self, store: PostgresStore, url: str) -> AsyncIterator[PostgresStore]:
        async for other in opened(url):
            yield other

    @pytest.fixture
    async def missing(self, url: str) -> AsyncIterator[PostgresStore]:
        store = PostgresStore(url)
        yield store
        await store.aclose()
