"""Stores that several processes can share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stores import postgres_servers, servers


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[servers.Server]:
    """A server that writes each change to disk at once."""
    with servers.single(tmp_path) as server:
        yield server


@dataclass(frozen=True)
class Mortal:
    """A server of a store that a test kills (``kill -9``) and starts again. It writes each change to disk at once."""

    url: str
    kill: Callable[[], object]
    start: Callable[[], object]


@pytest.fixture(params=["redis", "postgres"])
def mortal_server(request: pytest.FixtureRequest) -> Iterator[Mortal]:
    """A server of each kind."""
    if request.param == "redis":
        redis: servers.Server = request.getfixturevalue("redis_server")
        yield Mortal(f"redis://127.0.0.1:{redis.port}", redis.stop, redis.start)
        return
    with postgres_servers.server(*postgres_servers.SAFE) as postgres:
        yield Mortal(postgres.url, postgres.kill, postgres.start)


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store for several processes."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mfa.db'}"
    if request.param == "postgres":
        return postgres_servers.shared().schema()
    server: servers.Server = request.getfixturevalue("redis_server")
    return f"redis://127.0.0.1:{server.port}"
