"""Redis is away, hangs, is read-only, full or emptied under a running app.

Requests are refused in time, nothing is compared, and service comes back by itself.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.factors.totp import Totp
from tests.harness import make_world, running
from tests.servers.asking import Answer, api, ask
from tests.stores.servers import Server
from tests.web.serving import served

pytestmark = pytest.mark.waits

IN_TIME = 1.0
BUSY = 0.5
"""Seconds that a busy machine may add to what is promised."""
BACK_WITHIN = 5.0


@dataclass(slots=True)
class Running:
    """A host under uvicorn, on a Redis that the test breaks.

    One browser has proven a factor, and one has not.
    """

    url: str
    redis: Server
    proven: str
    pending: str
    authenticator: str
    compared: list[object]
    kept: dict[bytes, bytes]

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


@pytest.fixture
async def app(redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """Served, and warm."""
    compared: list[object] = []
    inner: Callable[..., Any] = Totp.verify

    def counted(*arguments: Any, **named: Any) -> Any:
        compared.append(named["response"])
        return inner(*arguments, **named)

    monkeypatch.setattr(Totp, "verify", counted)
    store = f"redis://127.0.0.1:{redis_server.port}"
    async with running(make_world(store=store)) as world:
        ann = await world.enrolled(address="127.0.0.1")
        other = await world.browser(address="127.0.0.1")
        await other.state()
        id = await ann.authenticator("totp")
        cookies = ann.cookie_header(), other.cookie_header()
        clock = world.clock
    compared.clear()
    with redis_server.client() as client:
        kept = {name: client.dump(name) for name in client.keys("*")}
    with served(make_world(store=store, clock=clock).app, ws="none") as url:
        made = Running(url, redis_server, *cookies, id, compared, kept)
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
    async with running(make_world(store=f"redis://127.0.0.1:{app.redis.port}")) as world:
        account = await world.store.load(SubjectKey("alpha", "ann"))
    assert 1 <= len(app.compared) <= account.attempts.used, "each comparison was charged before"


async def test_killed(app: Running) -> None:
    """A signed-in person gets 503 in time while Redis is gone, and no answer is compared.

    F-1. With Redis back, all goes on.
    """
    app.redis.stop()
    await asyncio.sleep(IN_TIME)
    await asyncio.gather(refused(app, app.home), strangers_pass(app))
    await refused(app, app.guess)
    assert len(app.compared) == 1
    app.redis.start()
    await back(app)


async def test_hanging(app: Running) -> None:
    """A Redis that takes connections and says nothing is an outage as well.

    F-1. It is noticed within a second.
    """
    assert app.redis.process is not None
    app.redis.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(IN_TIME)
        await asyncio.gather(refused(app, app.home), strangers_pass(app))
        await refused(app, app.guess)
        assert len(app.compared) == 1
    finally:
        app.redis.process.send_signal(signal.SIGCONT)
    await back(app)


async def test_read_only(app: Running) -> None:
    """A primary that became a replica decides nothing.

    F-2, F-4, S-113. No attempt is taken, so nothing is compared.
    """
    app.redis.say("REPLICAOF", "127.0.0.1", 1)
    await asyncio.sleep(IN_TIME)
    await refused(app, app.guess)
    await strangers_pass(app)
    assert len(app.compared) == 1
    app.redis.say("REPLICAOF", "NO", "ONE")
    await back(app)


async def test_full(app: Running) -> None:
    """A full Redis takes no attempt, so nothing is compared.

    F-2, S-112. A person who has proven a factor before goes on.
    """
    app.redis.say("CONFIG", "SET", "maxmemory", 1)
    await refused(app, app.guess)
    assert {(await app.home()).status for _ in range(5)} == {200}
    await strangers_pass(app)
    assert len(app.compared) == 1
    app.redis.say("CONFIG", "SET", "maxmemory", 0)
    await back(app)


async def test_flushed(app: Running) -> None:
    """An emptied Redis is an outage, and nobody counts as a person without a factor.

    F-6. A restored copy ends the outage.
    """
    app.redis.say("FLUSHALL")
    await asyncio.sleep(IN_TIME)
    await asyncio.gather(refused(app, app.home), strangers_pass(app))
    await refused(app, app.guess)
    assert len(app.compared) == 1
    with app.redis.client() as client:
        for name, value in app.kept.items():
            client.restore(name, 0, value)
    app.compared.clear()  # and the attempts are those of that moment
    await back(app)
