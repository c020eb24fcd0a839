"""A credential that cannot be read is refused for every caller (decision 51).

It is never a pass or a fault of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from mfa_gate import Subject
from mfa_gate.identity import Unreadable
from tests.harness import FETCH, PAGE, Browser, World, call, make_world, running, socket_scope
from tests.web.lasting import CLOSE, asked, by_hand, chat, hold, look


class Odd:
    """An adapter that finds Ann, or cannot read who is there.

    It has ``subject_of``, as adapters that need no waiting have it.
    """

    odd = True

    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Look without waiting."""
        if self.odd:
            raise Unreadable("a test")
        return Subject("ann", "alpha")

    async def __call__(self, connection: Any) -> Subject | None:
        """Look in the form that may wait."""
        return self.subject_of(connection.scope)


class Slow:
    """The same without the fast form, as hosts write it themselves."""

    def __init__(self, odd: Odd) -> None:
        self._odd = odd

    async def __call__(self, connection: HTTPConnection) -> Subject | None:
        """Wait, then look."""
        await asyncio.sleep(0)
        return self._odd.subject_of(connection.scope)


ODD = Odd()
BEARER = ("authorization", "Bearer\tx")
every_way = pytest.mark.parametrize("identify", [ODD, Slow(ODD)], ids=["fast", "slow"])


def world_of(identify: Any) -> World:
    """A host whose adapter cannot read anybody."""
    return make_world(identify=identify, session=False)


@every_way
@pytest.mark.parametrize("path", ["/records", "/mfa", "/mfa/challenge", "/mfa/nothing"])
async def test_page_loads_are_sent_to_the_sign_in(identify: Any, path: str) -> None:
    """Page loads of the app and of our own pages are sent to the sign-in.

    Headers that a proxy has added do not matter.
    """
    async with running(world_of(identify)) as world:
        for headers in (PAGE, (*PAGE, BEARER)):
            browser = Browser(world)
            reply = await browser.ask("GET", path, headers=headers)
            assert (reply.status, reply.location) == (303, "/login")
            assert reply.header("cache-control") == "no-store"
        assert world.reached == []
        assert world.kinds("gate.fault") == []


@every_way
@pytest.mark.parametrize("path", ["/records", "/mfa/api/state", "/mfa/api/nothing", "/mfa"])
async def test_others_are_told(identify: Any, path: str) -> None:
    """Callers get 401 with the reason; bearer callers the challenge of RFC 6750."""
    async with running(world_of(identify)) as world:
        for headers in (FETCH, (("x-mfa-gate", "1"),), (BEARER,), (("authorization", "Basic a, Bearer x"),)):
            reply = await Browser(world).ask("GET", path, headers=headers)
            assert (reply.status, reply.reason) == (401, "unreadable")
            shows = any(name == "authorization" for name, _ in headers)
            assert ('error="invalid_request"' in reply.header("www-authenticate")) is shows
        assert world.reached == []


@every_way
@pytest.mark.parametrize("denial", [True, False])
async def test_websockets(identify: Any, denial: bool) -> None:
    """Refused before they are accepted, with the answer where the server can send one."""
    async with running(world_of(identify)) as world:
        reply = await call(world.app, socket_scope("/chat", headers=[BEARER], denial=denial))
        assert reply.status == (401 if denial else 0)
        assert all(message["type"] != "websocket.accept" for message in reply.messages)
        assert not denial or "invalid_request" in reply.header("www-authenticate")
        assert world.reached == []


async def test_the_sign_in_itself_leads_nowhere_in_a_circle() -> None:
    """A sign-in page that is not exempt says the fault and does not lead to itself.

    Requirement F-31.
    """
    async with running(make_world(identify=ODD, session=False, sign_in="/records")) as world:
        reply = await Browser(world).ask("GET", "/records", headers=PAGE)
        assert reply.status == 401
        assert "We couldn’t read your sign-in" in reply.text
        assert reply.header("retry-after") == ""
        assert world.reached == []


async def test_a_sign_in_that_leads_back() -> None:
    """A browser that comes back at once, still unreadable, gets a page.

    It is not sent in a circle. Requirement F-31.
    """
    async with running(world_of(ODD)) as world:
        browser = Browser(world)
        assert (await browser.ask("GET", "/records", headers=PAGE)).status == 303
        reply = await browser.ask("GET", "/records", headers=PAGE)
        assert reply.status == 401
        assert "We couldn’t read your sign-in" in reply.text
        assert reply.header("retry-after") == ""
        assert world.reached == []


async def test_exempt_paths_stay_exempt() -> None:
    """The sign-in page can be reached with a credential that cannot be read."""
    async with running(world_of(ODD)) as world:
        assert (await Browser(world).ask("GET", "/public", headers=PAGE)).status == 200


async def test_an_open_connection_ends() -> None:
    """S-15: judged again, a connection whose credential cannot be read does not go on."""
    odd = Odd()
    odd.odd = False
    world = make_world(identify=odd)
    clock = by_hand(world)
    async with running(world):
        ann = await world.enrolled()
        socket = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
        await look(world)
        assert socket.is_open
        odd.odd = True
        clock.at += 31
        await look(world)
        assert socket.sent[-1] == CLOSE


async def test_the_reason_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """S-122: anybody can send such requests; the log has each reason once as a warning."""
    async with running(world_of(ODD)) as world:
        for _ in range(5):
            await Browser(world).ask("GET", "/records", headers=FETCH)
    told = [record for record in caplog.records if "a test" in record.getMessage() and record.levelname == "WARNING"]
    assert len(told) == 1
