"""The example app over a fresh data directory, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from example_app import accounts, data
from example_app.app import create
from example_app.parts import Parts
from example_app.settings import Settings

Visit = Callable[..., TestClient]

accounts.COST = 2**4  # hundreds of sign-ins with a password that is published: to make it dear was most of their time


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A prepared data directory."""
    made = Settings(data=tmp_path / "data")
    data.prepare(made.data)
    return made


@pytest.fixture
def app(settings: Settings) -> Iterator[Starlette]:
    """The app."""
    made = create(settings)
    yield made
    made.state.parts.database.close()


@pytest.fixture
def parts(app: Starlette) -> Parts:
    """The app's parts."""
    made: Parts = app.state.parts
    return made


@pytest.fixture
def visit(app: Starlette) -> Visit:
    """Makes a client that comes from ``peer`` and asks for ``host``.

    It does not follow redirects.
    """

    def make(peer: str = "127.0.0.1", host: str = "localhost:8000") -> TestClient:
        return TestClient(app, base_url=f"http://{host}", client=(peer, 50_000), follow_redirects=False)

    return make


def sign_in(client: TestClient, username: str, password: str = "demo-password", following: str = "") -> str:
    """Sign in, and return where it leads; "" where it was refused."""
    answer = client.post("/login", data={"username": username, "password": password, "next": following})
    return answer.headers.get("location", "") if answer.status_code == 303 else ""
