"""Crowds of slow clients and of open sockets, and a provider that hangs, on a real host.

People beside them are served, nothing grows, and all is as before when the crowd is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from mfa_gate.core.changes.admin import lock
from mfa_gate.core.model import SubjectKey
from tests.harness import FETCH, JSON, ORIGIN, SECRET, Browser
from tests.servers.asking import api
from tests.servers.crowd import IN_TIME, Host, host

pytestmark = [pytest.mark.long, pytest.mark.waits]

SLOW_CLIENTS = 1000
SOCKETS = 300
PEOPLE = 30


async def slow_client(host: Host, browser: Browser, number: int) -> asyncio.StreamWriter:
    """Begin a request and go on with it byte by byte, as long as the server allows.

    Some are in the midst of their headers, some in the midst of an answer to a challenge.
    """
    _, writer = await asyncio.open_connection("127.0.0.1", host.port)
    lines = ["POST /mfa/api/verify HTTP/1.1", f"host: localhost:{host.port}", f"cookie: {browser.cookie_header()}"]
    lines += [f"{name}: {value}" for name, value in (*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), JSON)]
    head = "\r\n".join(lines)
    writer.write(head.encode() if number % 2 else f"{head}\r\ncontent-length: 60000\r\n\r\n".encode())
    return writer


async def dribble(writers: list[asyncio.StreamWriter]) -> None:
    """Send one more byte on each connection, again and again."""
    while True:
        for writer in writers:
            writer.write(b"x")
        await asyncio.sleep(1)


async def test_a_thousand_slow_clients(tmp_path: Path) -> None:
    """A thousand requests that never end take nothing from the people beside them.

    S-31, F-30. No attempt is charged for a request that has not arrived.
    """
    async with host(tmp_path) as served:
        ann = await served.world.enrolled("ann", address="127.0.0.1")
        slow = await served.world.browser("ben", address="127.0.0.1")
        assert (await served.page(ann)).status == 200
        for wave in range(3):
            if wave == 1:
                before = await served.process()
            writers = [await slow_client(served, slow, number) for number in range(SLOW_CLIENTS)]
            dribbling = asyncio.create_task(dribble(writers))
            for _ in range(20):
                answer = await served.page(ann)
                assert (answer.status, answer.seconds < IN_TIME) == (200, True), answer
                await asyncio.sleep(0.1)
            assert (await served.process())["files"] > SLOW_CLIENTS
            dribbling.cancel()
            for writer in writers:
                writer.transport.abort()
            if wave:
                await served.as_before(before)
        assert (await served.page(ann)).status == 200
        assert (await served.world.account("ben")).attempts.used == 0


async def sockets_of(served: Host, people: list[Browser], stack: AsyncExitStack) -> AsyncIterator[ClientConnection]:
    """Open the sockets, ten of each person."""
    url = f"ws://localhost:{served.port}/chat"
    for number in range(SOCKETS):
        headers = {"Cookie": people[number % len(people)].cookie_header()}
        socket = await stack.enter_async_context(connect(url, additional_headers=headers))
        assert await socket.recv() == SECRET.decode()
        yield socket


async def test_three_hundred_sockets(tmp_path: Path) -> None:
    """Of three hundred open sockets exactly those of the locked people are closed, in time.

    S-15, S-26. The others go on, and the end of all of them leaves nothing behind.
    """
    async with host(tmp_path, "--ws", "websockets-sansio") as served:
        people = [await served.world.enrolled(f"p{number}", address="127.0.0.1") for number in range(PEOPLE)]
        assert (await served.page(people[0])).status == 200
        before = await served.process()
        async with AsyncExitStack() as stack:
            sockets = [socket async for socket in sockets_of(served, people, stack)]
            await asyncio.sleep(1.3)
            moment = served.world.engine.moment(actor="boss")
            for number in range(PEOPLE // 3):
                key = SubjectKey("alpha", f"p{number}")
                await served.world.engine.change(key, lambda account: lock(account, moment, reason="lost laptop"))
            locked_at = time.monotonic()
            for number, socket in enumerate(sockets):
                if number % PEOPLE < PEOPLE // 3:
                    with pytest.raises(ConnectionClosed) as closed:
                        await asyncio.wait_for(socket.recv(), IN_TIME)
                    assert closed.value.rcvd is not None
                    assert closed.value.rcvd.code == 4401
            assert time.monotonic() - locked_at < IN_TIME
            rest = [socket for number, socket in enumerate(sockets) if number % PEOPLE >= PEOPLE // 3]
            for socket in rest:
                await socket.send("still here")
            assert {await asyncio.wait_for(socket.recv(), IN_TIME) for socket in rest} == {"still here"}
        await served.as_before(before)


async def test_a_provider_that_hangs(tmp_path: Path) -> None:
    """A mail server that says nothing delays those only who wait for a mail.

    F-21. Each is told in time that the mail may not arrive, and the code of an app goes on to work.
    """
    held: list[asyncio.StreamWriter] = []
    hanging = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = hanging.sockets[0].getsockname()[1]
    async with host(tmp_path, provider=port) as served:
        ann = await served.world.enrolled("ann", address="127.0.0.1")
        waiting = []
        for number in range(40):
            browser = await served.world.browser(f"w{number}", address="127.0.0.1")
            await browser.enroll_email()
            waiting.append(browser)
        assert (await served.page(ann)).status == 200
        before = await served.process()

        async def ask_for_a_mail(browser: Browser) -> float:
            authenticator = {"authenticator": await browser.authenticator("email")}
            answer = await api(served.url, "POST", "challenge", authenticator, cookies=browser.cookie_header())
            assert answer.status in (201, 422, 429, 503), answer
            return answer.seconds

        mails = [asyncio.create_task(ask_for_a_mail(browser)) for browser in waiting]
        for _ in range(20):
            answer = await served.page(ann)
            assert (answer.status, answer.seconds < IN_TIME) == (200, True), answer
            await asyncio.sleep(0.1)
        assert max(await asyncio.gather(*mails)) < 3 + IN_TIME
        for writer in held:
            writer.close()
        await served.as_before(before)
    hanging.close()
