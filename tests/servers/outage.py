"""A host under a store whose server a test breaks, and the demands on every outage.

Requests are refused in time, nothing is compared, and service comes back by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.factors.totp import Totp
from tests.harness import make_world, running
from tests.servers.asking import Answer, api, ask
from tests.web.serving import served

IN_TIME = 1.0
BUSY = 0.5
"""Seconds that a busy machine may add to what is promised."""
BACK_WITHIN = 5.0


@dataclass(slots=True)
class Running:
    """A host under uvicorn, on a store that the test breaks.

    One browser has proven a factor, and one has not.
    """

    url: str
    store: str
    proven: str
    pending: str
    authenticator: str
    compared: list[object]

    async def home(self) -> Answer:
        """A protected page, from the browser that has proven a factor."""
        return await ask(self.url, "GET", "/records", cookies=self.proven)

    async def guess(self) -> Answer:
        """A wrong code, from the other browser."""
        answer = {"authenticator": self.authenticator, "response": "000000"}
        return await api(self.url, "POST", "verify", answer, cookies=self.pending)

    async def stranger(self) -> Answer:
        """A page for somebody who is not signed in."""
        return await ask(self.url, "GET", "/records")


@asynccontextmanager
async def app_on(store: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """Serve a host, and warm it."""
    compared: list[object] = []
    inner: Callable[..., Any] = Totp.verify

    def counted(*arguments: Any, **named: Any) -> Any:
        compared.append(named["response"])
        return inner(*arguments, **named)

    monkeypatch.setattr(Totp, "verify", counted)
    async with running(make_world(store=store)) as world:
        ann = await world.enrolled(address="127.0.0.1")
        other = await world.browser(address="127.0.0.1")
        await other.state()
        id = await ann.authenticator("totp")
        cookies = ann.cookie_header(), other.cookie_header()
        clock = world.clock
    compared.clear()
    with served(make_world(store=store, clock=clock).app, ws="none") as url:
        made = Running(url, store, *cookies, id, compared)
        assert [(await made.home()).status for _ in range(3)] == [200] * 3
        assert (await made.guess()).reason == "wrong_code"
        yield made


async def refused(app: Running, call: Callable[[], Any]) -> None:
    """Check that ten calls at once are refused in time, from a second after the fault on.

    Each answer says when to come again.
    """
    for answer in await asyncio.gather(*(call() for _ in range(10))):
        assert (answer.status, answer.reason) == (503, "store_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.seconds < IN_TIME + BUSY


async def strangers_pass(app: Running) -> None:
    """Check that a person who is not signed in notices nothing."""
    for answer in await asyncio.gather(*(app.stranger() for _ in range(5))):
        assert answer.status == 200
        assert answer.seconds < BUSY


async def back(app: Running) -> None:
    """Service comes by itself: the same browser is in, and an attempt is charged again."""
    until = time.monotonic() + BACK_WITHIN + BUSY
    while (answer := await app.home()).status != 200:
        assert answer.status == 503
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    while (answer := await app.guess()).reason != "wrong_code":
        assert answer.status == 503
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    async with running(make_world(store=app.store)) as world:
        account = await world.store.load(SubjectKey("alpha", "ann"))
    assert 1 <= len(app.compared) <= account.attempts.used, "each comparison was charged before"
