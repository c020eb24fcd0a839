"""A client that speaks to a real server and keeps the time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.harness import FETCH, JSON, ORIGIN

PATIENCE = 30.0
"""Seconds after which a test fails, where it would hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, and the seconds that it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def reason(self) -> str:
        """The reason of a problem document, or ""."""
        found = json.loads(self.body) if "json" in self.headers.get("content-type", "") else {}
        return str(found.get("reason") or "")


async def ask(
    url: str,
    method: str,
    path: str,
    *,
    cookies: str = "",
    headers: Iterable[tuple[str, str]] = FETCH,
    body: bytes = b"",
) -> Answer:
    """One request on a connection of its own."""
    place = urlsplit(url)
    lines = [f"{method} {path} HTTP/1.1", f"host: {place.netloc}", "connection: close", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if cookies:
        lines.append(f"cookie: {cookies}")
    started = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        try:
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            whole = await reader.read()
        finally:
            writer.close()
    head, _, rest = whole.partition(b"\r\n\r\n")
    first, *others = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in others)
    return Answer(
        status=int(first.split()[1]),
        headers={name.lower(): value for name, _, value in pairs},
        body=rest,
        seconds=time.monotonic() - started,
    )


async def api(url: str, method: str, call: str, what: Any = None, *, cookies: str) -> Answer:
    """A call of the JSON API, as a page of ours makes it."""
    sent = [*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), JSON]
    data = b"" if what is None else json.dumps(what).encode()
    return await ask(url, method, f"/mfa/api/{call}", cookies=cookies, headers=sent, body=data)
