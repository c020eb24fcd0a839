"""The stores of ``tests/servers``."""

from __future__ import annotations

from tests.servers.conftest import redis_server, shared_url

__all__ = ["redis_server", "shared_url"]
