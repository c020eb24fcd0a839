"""Stores that several processes can share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import postgres_servers, servers


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[servers.Server]:
    """A server that writes each change to disk at once."""
    with servers.single(tmp_path) as server:
        yield server


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store for several processes."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mfa.db'}"
    if request.param == "postgres":
        return postgres_servers.shared().schema()
    server: servers.Server = request.getfixturevalue("redis_server")
    return f"redis://127.0.0.1:{server.port}"
