"""A proxy at a unix socket has no address: ``trusted_proxies=["unix"]`` names it."""

from __future__ import annotations

import os
from pathlib import Path

import httpx2
import pytest

from tests.harness import FETCH, PAGE, make_world

from .serving import enroll, spawned_at

SERVERS = {
    "uvicorn": ["uvicorn", "--uds", "{path}"],
    "uvicorn, its own reading off": ["uvicorn", "--uds", "{path}", "--no-proxy-headers"],
    "hypercorn": ["hypercorn", "--bind", "unix:{path}"],
    "granian": ["granian", "--interface", "asgi", "--uds", "{path}"],
    "daphne": ["daphne", "-u", "{path}"],
    "gunicorn": ["gunicorn", "-k", "asgi", "--bind", "unix:{path}", "--no-control-socket"],
    "uvicorn-worker": [
        "gunicorn",
        "-k",
        "uvicorn_worker.UvicornWorker",
        "--bind",
        "unix:{path}",
        "--no-control-socket",
    ],
}
HOMES = ("203.0.113.5:51008", "203.0.113.5", "[2001:db8::1]:443", "[2001:db8::1]", "2001:db8::1")
app = make_world(trusted_proxies=["unix"]).app


@pytest.mark.waits
@pytest.mark.parametrize(
    "name", [name if name == "uvicorn" else pytest.param(name, marks=pytest.mark.long) for name in SERVERS]
)
async def test_a_proxy_at_a_socket(name: str, tmp_path: Path) -> None:
    """People enroll to the end, in each form of an address, and are asked again elsewhere."""
    socket = Path(os.path.relpath(tmp_path / "s"))
    with spawned_at(socket, "tests.web.test_unix_socket:app", SERVERS[name]):
        for number, home in enumerate(HOMES):
            transport = httpx2.AsyncHTTPTransport(uds=str(socket))
            headers = {"x-forwarded-for": home}
            async with httpx2.AsyncClient(
                transport=transport, timeout=20, base_url="http://localhost:8000", headers=headers
            ) as client:
                session = {"user_id": f"ann{number}", "org": "alpha"}
                client.cookies.update((await client.post("/login", json=session, headers=dict(PAGE))).cookies)
                assert (await client.get("/records", headers=dict(FETCH))).status_code == 403
                assert await enroll(client)
                for _ in range(2):
                    assert (await client.get("/records", headers=dict(FETCH))).status_code == 200
                away = await client.get("/records", headers={**dict(FETCH), "x-forwarded-for": "198.51.100.9"})
                assert (away.status_code, away.json()["why"]) == (403, "ip_changed")
                lie = {**dict(FETCH), "x-forwarded-for": f"{home}, 198.51.100.9"}
                assert (await client.get("/records", headers=lie)).status_code == 403
