"""The bounds of hearing a refused request to its end (V-43)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mfa_gate.web import unheard
from tests.harness import Headers, http_scope, socket_scope


class Client:
    """A client that sends pieces, and then nothing more, or goes on for ever."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.pieces = [*pieces]
        self.ends = ends
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        """Send the next piece."""
        self.asked += 1
        if not self.pieces:
            await asyncio.sleep(60)
        body = self.pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.pieces) or not self.ends}


async def heard(client: Client, headers: Headers = (), method: str = "POST") -> int:
    """Hear a request out, and tell how often the client was asked."""
    await unheard.hear_out(http_scope(method, "/", headers=headers), client.receive)
    return client.asked


async def test_it_reads_to_the_end_and_no_further() -> None:
    """A receive behind the end would wait until the client goes."""
    assert await heard(Client(b"a", b"b", b"c")) == 3
    assert await heard(Client(b"")) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_what_has_no_body_is_not_read(method: str) -> None:
    """Nothing is asked of a page load, nor of a websocket."""
    client = Client(b"a")
    assert await heard(client, method=method) == 0
    await unheard.hear_out(socket_scope("/"), client.receive)
    assert client.asked == 0


@pytest.mark.parametrize(
    "headers",
    [
        [("expect", "100-continue")],
        [("content-length", str(unheard.MOST + 1))],
        [("content-length", "9" * 20)],
        [("content-length", "1024")],
    ],
)
async def test_what_is_answered_at_once(headers: Headers) -> None:
    """A client that waits, a body that is there already, and one too large to be heard."""
    assert await heard(Client(b"a"), headers) == 0


async def test_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops, or never ends, does not hold the answer up."""
    monkeypatch.setattr(unheard, "IDLE", 0.01)
    assert await asyncio.wait_for(heard(Client(b"a", ends=False)), 5) == 2
    monkeypatch.setattr(unheard, "MOST", 100)
    assert await heard(Client(*[b"x" * 60] * 9, ends=False)) == 2
    monkeypatch.setattr(unheard, "MOST", 10**9)
    monkeypatch.setattr(unheard, "IDLE", 60.0)
    monkeypatch.setattr(unheard, "WITHIN", 0.05)

    async def drips() -> dict[str, Any]:
        await asyncio.sleep(0.005)
        return {"type": "http.request", "body": b"x", "more_body": True}

    await asyncio.wait_for(unheard.hear_out(http_scope("POST", "/"), drips), 5)


async def test_a_client_that_goes() -> None:
    """A client that has gone is not waited for."""

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    await asyncio.wait_for(unheard.hear_out(http_scope("POST", "/"), gone), 1)
