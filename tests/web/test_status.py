"""``gate.status``: an app is told the state of its request, and asking changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from mfa_gate.web.status import Status
from tests.harness import FETCH, Browser, World, make_world, routes, running


@pytest.fixture
async def told() -> list[Status]:
    """The states that the app was told, newest last."""
    return []


@pytest.fixture
async def world(told: list[Status]) -> AsyncIterator[World]:
    """A host whose free page asks for the state that the request would have at a guarded page."""

    async def door(request: Request) -> Response:
        fresh = {name: value for name, value in request.scope.items() if name != "mfa_gate"}
        told.append(await made.gate.status(HTTPConnection({**fresh, "path": "/records"})))
        told.append(await made.gate.status(request))
        return Response()

    app = Starlette(routes=routes())
    app.add_route("/open/status", door)
    made = make_world(app=app)
    async with running(made):
        yield made


async def nobody(world: World) -> Browser:
    """A stranger."""
    return Browser(world)


async def newcomer(world: World) -> Browser:
    """A person who has nothing set up."""
    return await world.browser("new")


async def owing(world: World) -> Browser:
    """A person with an app and codes by mail, in a browser without a proof."""
    await (await world.enrolled()).enroll_email()
    return await world.browser(sid="other")


async def proven(world: World) -> Browser:
    """A person who confirmed by the app a minute ago."""
    ann = await world.enrolled()
    world.clock.advance(60)
    return ann


async def optional(world: World) -> Browser:
    """A person of whom nothing is demanded yet, and who has put it off."""
    may = await world.browser("may", "optional")
    assert (await may.api("POST", "enroll/skip", {})).status == 200
    return may


async def locked(world: World) -> Browser:
    """A person whose account is locked."""
    browser = await owing(world)
    await browser.lock()
    return browser


WEEK = 7 * 86_400
NOTHING = Status(state="anonymous", requirement="", age=None, ends_at=0, factors=())
STATES: list[tuple[Callable[[World], Awaitable[Browser]], Status]] = [
    (nobody, NOTHING),
    (newcomer, replace(NOTHING, state="enroll", requirement="enrollment")),
    (owing, replace(NOTHING, state="challenge", requirement="freshness", factors=("totp", "backup-code", "email"))),
    (
        proven,
        replace(
            NOTHING,
            state="verified",
            requirement="proof",
            age=60,
            ends_at=WEEK - 60,
            factors=("totp", "backup-code"),
            factor="totp",
        ),
    ),
    (optional, replace(NOTHING, state="verified", requirement="skipped")),
    (locked, replace(NOTHING, state="locked", requirement="attempts", factors=("totp", "backup-code", "email"))),
]


@pytest.mark.parametrize(("make", "want"), STATES, ids=lambda one: getattr(one, "__name__", ""))
async def test_the_state(
    world: World, told: list[Status], make: Callable[[World], Awaitable[Browser]], want: Status
) -> None:
    """State, rule, proof and factors are those of the person of the request."""
    browser = await make(world)
    before = await world.account(browser.id) if browser.id else None
    assert (await browser.ask("GET", "/open/status", headers=FETCH)).status == 200
    found, here = told
    assert here == (replace(NOTHING, state="exempt", requirement="free") if browser.id else NOTHING)
    ends_in = found.ends_at - int(world.clock.at) if found.ends_at else 0
    assert replace(found, ends_at=ends_in) == want
    assert (await world.account(browser.id) if browser.id else None) == before
