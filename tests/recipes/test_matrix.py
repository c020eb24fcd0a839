"""The same story at the same hosts, on servers in processes of their own."""

from __future__ import annotations

import time

import pytest

from tests.recipes.hosts import HOSTS, Host
from tests.recipes.place import SURROUNDINGS
from tests.recipes.story import tell
from tests.third_party.test_behind_door import APPS
from tests.web.serving import spawned

pytestmark = [pytest.mark.matrix, pytest.mark.long]

SERVERS = {
    "uvicorn": ["uvicorn", "--port", "{port}", "--no-proxy-headers"],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}"],
}
PLACES = [("example_app.recipes", host) for host in HOSTS] + [("tests.third_party", host) for host in APPS]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("folder", "host"), PLACES, ids=lambda value: getattr(value, "module", ""))
def test_on_server(folder: str, host: Host, server: str, free_port: int) -> None:
    """The host keeps its promises on this server."""
    origin = f"http://localhost:{free_port}"
    surroundings = {**SURROUNDINGS, "APP_ORIGIN": origin}
    with spawned(f"{folder}.{host.module}:app", SERVERS[server], port=free_port, **surroundings):
        tell(host, origin, "", time.time, lambda: time.time() + 30)
