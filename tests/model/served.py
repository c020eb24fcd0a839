"""The same host with workers on real servers: Redis and PostgreSQL.

Workers hear of each other's changes a moment later there, so the model waits a moment before each deed.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from mfa_gate.storage import Store
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.redis import RedisStore
from tests.stores import postgres_servers, servers
from tests.stores.patience import POSTGRES, REDIS

from .stage import Stage

MOMENT = 0.02
"""Seconds in which a notice must have come."""


class OnRedis(Stage):
    """Workers on one Redis server, which is emptied before each life."""

    server: ClassVar[servers.Server]

    def make_store(self) -> Store:
        """Connect one worker."""
        if not hasattr(self, "is_empty"):
            self.server.say("FLUSHALL")
            self.is_empty = True
        return RedisStore(f"redis://127.0.0.1:{self.server.port}?durable=false", timing=REDIS)

    def settle(self) -> None:
        """Wait until notices have come."""
        self.run(asyncio.sleep(MOMENT))


class OnPostgres(Stage):
    """Workers on one PostgreSQL server, with a schema for each life."""

    def make_store(self) -> Store:
        """Connect one worker."""
        if not hasattr(self, "url"):
            self.url = postgres_servers.shared().schema()
        return PostgresStore(self.url, timing=POSTGRES)

    def settle(self) -> None:
        """Wait until notices have come."""
        self.run(asyncio.sleep(MOMENT))
