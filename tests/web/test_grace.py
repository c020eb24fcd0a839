"""An outage refuses, unless the policy gives a little grace (decisions 14).

The grace is for sessions that were proven before it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Route

from mfa_gate import Subject
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from mfa_gate.errors import StoreUnavailable
from mfa_gate.identity import SessionUser
from tests.harness import FETCH, SECRET, World, make_world, routes, secret, with_rules

GRACE = Seconds(600)


def make(grace: Seconds) -> World:
    """A world whose policy gives this much."""
    return make_world(policy=with_rules(lambda r: replace(r, freshness=replace(r.freshness, outage_grace=grace))))


@pytest.mark.parametrize(
    ("grace", "after", "status"),
    [(Seconds(0), 0, 503), (GRACE, 0, 200), (GRACE, 599, 200), (GRACE, 600, 503)],
)
async def test_grace(grace: Seconds, after: int, status: int) -> None:
    """A proven session passes for the grace of the policy, and not longer.

    It counts from the moment in which the outage was noticed.
    """
    world = make(grace)
    browser = await world.enrolled()
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.aclose()
    await browser.ask("GET", "/records")
    world.clock.advance(after)
    assert (await browser.ask("GET", "/records")).status == status


async def test_grace_for_a_host_that_identifies_in_its_own_way() -> None:
    """A plain async ``identify`` has the grace, too.

    Nothing else looks at the store before a browser that was judged passes.
    """
    known = SessionUser("user_id", tenant="org", groups="groups", session="sid")

    async def identify(connection: HTTPConnection) -> Subject | None:
        return await known(connection)

    policy = with_rules(lambda r: replace(r, freshness=replace(r.freshness, outage_grace=GRACE)))
    world = make_world(identify=identify, policy=policy)
    browser = await world.enrolled()
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.aclose()
    began = world.clock.at
    assert (await browser.ask("GET", "/records")).status == 200
    assert world.engine.away_since == began
    world.clock.advance(599)
    assert (await browser.ask("GET", "/records")).status == 200
    world.clock.advance(1)
    assert (await browser.ask("GET", "/records")).status == 503
    await world.store.open()
    assert (await browser.ask("GET", "/records")).status == 200
    assert world.engine.away_since is None


async def test_nothing_new() -> None:
    """Grace is only for browsers that had passed.

    Another browser of the same person, another address, and an ended proof are refused.
    """
    world = make(GRACE)
    browser = await world.enrolled()
    stranger = await world.browser()
    await browser.ask("GET", "/records")
    world.clock.advance(7 * 86_400 - 300)
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.aclose()
    assert (await browser.ask("GET", "/records")).status == 200
    assert (await stranger.ask("GET", "/records")).status == 503
    home, browser.address = browser.address, "203.0.113.99"
    assert (await browser.ask("GET", "/records")).status == 503
    browser.address = home
    world.clock.advance(300)
    assert (await browser.ask("GET", "/records")).status == 503


async def test_back_again() -> None:
    """Everything is judged anew at once after the store is back."""
    world = make(GRACE)
    browser = await world.enrolled()
    await browser.ask("GET", "/records")
    await world.store.aclose()
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.open()
    account = await world.account()
    assert await world.store.swap(replace(account, browsers=()))
    assert (await browser.ask("GET", "/records")).status in (303, 403)


@pytest.mark.parametrize(("path", "status"), [("/records", 200), ("/vault", 503), ("/elsewhere", 200)])
async def test_no_grace_where_a_rule_asks_for_more(path: str, status: int) -> None:
    """A step-up rule is met by nobody during an outage, however young the proof is."""
    rule = StepUpRule(name="vault", paths=(PathRule(text="/vault/**"), PathRule(text="=/vault")), max_age=Seconds(300))

    def rules(old: Rules) -> Rules:
        return replace(old, freshness=replace(old.freshness, outage_grace=GRACE), step_up=(rule,))

    app = Starlette(routes=[*routes(), Route("/vault", secret), Route("/elsewhere", secret)])
    world = make_world(policy=with_rules(rules), app=app)
    browser = await world.enrolled()
    for known in ("/records", path):
        assert (await browser.ask("GET", known)).status == 200
    await world.store.aclose()
    assert (await browser.ask("GET", "/records")).status == 200
    reply = await browser.ask("GET", path, headers=FETCH)
    assert reply.status == status
    assert (SECRET in reply.body) == (status == 200)


async def test_no_grace_for_somebody_who_cannot_be_told() -> None:
    """A host that cannot say who is signed in gets no grace: the app is not reached."""
    known = SessionUser("user_id", tenant="org", groups="groups", session="sid")
    fails: list[Exception] = []

    async def identify(connection: HTTPConnection) -> Subject | None:
        if fails:
            raise fails[0]
        return await known(connection)

    policy = with_rules(lambda r: replace(r, freshness=replace(r.freshness, outage_grace=GRACE)))
    world = make_world(identify=identify, policy=policy)
    browser = await world.enrolled()
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.aclose()
    assert (await browser.ask("GET", "/records")).status == 200
    world.reached.clear()
    for fault in (StoreUnavailable("sessions are away"), RuntimeError("a fault of the host")):
        fails[:] = [fault]
        assert (await browser.ask("GET", "/records")).status == 503
    assert world.reached == []
