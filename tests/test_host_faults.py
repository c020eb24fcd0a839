"""Faults of a function of the host are told apart from the end of a task."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.host_faults import misbehaved
from mfa_gate.identity import SessionUser
from mfa_gate.service.directory import NoDirectory, pieces_of
from mfa_gate.service.effects import HostCall
from mfa_gate.thread_pool import ThreadPool
from tests.harness import contacts_of, make_world, running

Throws = Callable[[], Awaitable[None]]


class Odd(BaseException):
    """A fault of the host's own that is no ``Exception``."""


async def waits_for_a_cancelled_task() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


def throws(error: BaseException) -> Throws:
    async def throw() -> None:
        raise error

    return throw


KINDS: dict[str, Throws] = {
    "a task of its own": waits_for_a_cancelled_task,
    "cancelled": throws(asyncio.CancelledError()),
    "no exception": throws(Odd()),
    "a group": throws(BaseExceptionGroup("several", [asyncio.CancelledError(), ValueError()])),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
async def test_identify(kind: Throws, caplog: pytest.LogCaptureFixture) -> None:
    """The request is refused with 503 and a line in the log.

    The server sees no exception.
    """
    is_bad = False
    session = SessionUser("user_id", tenant="org", groups="groups", session="sid")

    async def identify(connection: Any) -> Subject | None:
        if is_bad:
            await kind()
        return await session(connection)

    async with running(make_world(identify=identify)) as world:
        browser = await world.enrolled("ann")
        is_bad = True
        world.reached.clear()
        for path in ("/secret", "/mfa"):
            reply = await browser.page(path)
            assert (reply.status, "a fault refused a request" in caplog.text) == (503, True), path
            caplog.clear()
        assert world.reached == []
        is_bad = False
        assert await browser.is_in()


@every_kind
async def test_contacts(kind: Throws, caplog: pytest.LogCaptureFixture) -> None:
    """A page that only compares them is shown."""
    is_bad = False

    async def contacts(subject: Subject) -> Contacts:
        if is_bad:
            await kind()
        return await contacts_of(subject)

    async with running(make_world(contacts=contacts)) as world:
        browser = await world.enrolled("ann")
        await browser.enroll_email()
        is_bad = True
        assert (await browser.page("/mfa")).status == 200
        assert "the host's contacts failed" in caplog.text


@every_kind
async def test_a_sender(kind: Throws, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody knows if the message went out.

    The log does not say that the sender took too long.
    """
    async with running(make_world()) as world:
        browser = await world.enrolled("ann")
        await browser.enroll_email()
        world.clock.advance(600)

        async def send(message: object) -> None:
            await kind()

        world.email.send = send  # type: ignore[method-assign]
        reply = await browser.api("POST", "challenge", {"authenticator": await browser.authenticator("email")})
        assert (reply.status, reply.reason) == (502, "send_failed")
        assert [event.reason for event in world.kinds("challenge.send_failed")] == ["timeout"]
        assert "another exception than SendFailed" in caplog.text
        assert "no answer in time" not in caplog.text


async def test_a_sender_that_cancels_its_own_task(caplog: pytest.LogCaptureFixture) -> None:
    """It is told as such at once."""
    async with running(make_world()) as world:
        browser = await world.enrolled("ann")
        await browser.enroll_email()
        world.clock.advance(600)

        async def send(message: object) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

        world.email.send = send  # type: ignore[method-assign]
        reply = await browser.api("POST", "challenge", {"authenticator": await browser.authenticator("email")})
        assert reply.reason == "send_failed"
        assert "the sender ended its own task" in caplog.text


@every_kind
async def test_a_hook(kind: Throws) -> None:
    """It has failed, and whoever called it goes on."""
    call = HostCall("test")
    with pytest.raises(RuntimeError, match="the hook "):
        await call.run(lambda: kind(), within=60)
    call.close()


@every_kind
async def test_a_directory(kind: Throws) -> None:
    """It did not answer."""

    async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
        await kind()
        return []

    with pytest.raises(NoDirectory):
        await anext(pieces_of(directory, "alpha"))


@pytest.mark.parametrize(
    "error", [SystemExit(3), GeneratorExit(), KeyboardInterrupt(), StopIteration(), Odd()], ids=repr
)
async def test_a_thread(error: BaseException) -> None:
    """A plain function that ends its thread ends no server.

    Nobody waits for an answer in vain.
    """

    def call() -> None:
        raise error

    pool = ThreadPool("test", 1)
    with pytest.raises(RuntimeError, match=type(error).__name__):
        await asyncio.wait_for(pool.run(call), 60)
    pool.close()


async def test_a_plain_hook_that_calls_exit() -> None:
    """The event loop goes on, and so does the next call of the hook."""
    call = HostCall("test")
    with pytest.raises(RuntimeError, match="SystemExit"):
        await call.run(sys.exit, 3, within=60)
    assert await call.run(lambda: 7, within=60) == 7
    call.close()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_the_end_of_the_process(error: BaseException) -> None:
    """A signal may have raised it in the midst of the host's function."""
    for thrown in (error, BaseExceptionGroup("several", [ValueError(), error])):
        with pytest.raises(type(thrown)):
            misbehaved("identify", thrown)


async def test_a_cancellation_from_outside() -> None:
    """A time limit around the whole app ends a request that waits in ``identify``."""
    waits = asyncio.Event()
    session = SessionUser("user_id", tenant="org", groups="groups", session="sid")
    is_slow = False

    async def identify(connection: Any) -> Subject | None:
        if is_slow:
            waits.set()
            await asyncio.Event().wait()
        return await session(connection)

    async with running(make_world(identify=identify)) as world:
        browser = await world.enrolled("ann")
        is_slow = True
        request = asyncio.create_task(browser.page("/secret"))
        await waits.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
