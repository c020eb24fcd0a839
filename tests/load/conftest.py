"""The stores of ``tests/servers``."""

from __future__ import annotations

from tests.servers.conftest import mortal_server, redis_server, shared_url

__all__ = ["mortal_server", "redis_server", "shared_url"]
