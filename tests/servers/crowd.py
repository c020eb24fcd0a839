"""A real host in a process of its own, with people who have proven a factor there.

Its memory and its open files are told.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness import Browser, World, make_world, running
from tests.servers.asking import Answer, ask
from tests.web.serving import spawned

GROWTH = 30 * 2**20
IN_TIME = 5.0
"""Seconds for an answer on a busy machine, while a crowd is there; and after it, until all is as before."""


@dataclass(frozen=True, slots=True)
class Host:
    """The running host. ``world`` is a gate of the test's own on the same store."""

    url: str
    port: int
    world: World

    async def page(self, browser: Browser) -> Answer:
        """Ask for a guarded page."""
        return await ask(self.url, "GET", "/records", cookies=browser.cookie_header())

    async def process(self) -> dict[str, int]:
        """Return the bytes in memory, and the number of open files."""
        found: dict[str, int] = json.loads((await ask(self.url, "GET", "/open/process")).body)
        return found

    async def as_before(self, before: dict[str, int]) -> None:
        """Check that the crowd has left nothing behind: no file, and no memory beyond a bound."""
        until = time.monotonic() + IN_TIME
        while (now := await self.process())["files"] > before["files"] + 5:
            assert time.monotonic() < until, (before, now)
            await asyncio.sleep(0.1)
        assert now["resident"] - before["resident"] < GROWTH, (before, now)


@asynccontextmanager
async def host(place: Path, *options: str, provider: int = 1) -> AsyncIterator[Host]:
    """Serve the host under uvicorn, on a store in a file."""
    store = f"sqlite:///{place / 'mfa.db'}"
    server = ["uvicorn", "--port", "{port}", "--log-level", "error", "--no-proxy-headers", *options]
    async with running(make_world(store=store)) as world:
        with spawned("tests.servers.crowd_host:app", server, CROWD_STORE=store, CROWD_PROVIDER=str(provider)) as port:
            yield Host(f"http://localhost:{port}", port, world)
