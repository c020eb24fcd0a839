"""Several applications on one store: one budget, one list of browsers, one lock.

The stricter policy wins. The trail names the application.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import CodeRules, Policy
from mfa_gate.factors.email import EmailRules
from mfa_gate.stores.memory import MemoryStore
from tests.harness import Browser, World, make_world, running, with_rules


def living(minutes: int) -> Policy:
    """The policy of the tests with another life of codes by e-mail."""
    ttl = Seconds(minutes * 60)
    return with_rules(
        lambda rules: replace(
            rules, factors=replace(rules.factors, options={"email": EmailRules(code=CodeRules(ttl=ttl))})
        )
    )


@pytest.fixture
async def two() -> AsyncIterator[tuple[World, World]]:
    """Two applications on one store, by one clock: ``web`` and ``desktop``.

    Codes of ``web`` live for 15 minutes, and codes of ``desktop`` for 10.
    """
    store = MemoryStore()
    web = make_world(policy=living(15), store=store)
    desktop = make_world(policy=living(10), store=store.another(), clock=web.clock)
    async with AsyncExitStack() as stack:
        for world, name in ((web, "web"), (desktop, "desktop")):
            world.engine.wiring = replace(world.engine.wiring, app=name)
            await stack.enter_async_context(running(world))
        yield web, desktop


def over_there(browser: Browser, world: World) -> Browser:
    """The same browser, cookies and all, at another application of the host."""
    there = Browser(world, cookies=browser.cookies)
    there.id, there.tenant, there.secret = browser.id, browser.tenant, browser.secret
    return there


@pytest.mark.parametrize(
    ("after", "answered_at", "status"),
    [(599, "desktop", 200), (600, "desktop", 422), (600, "web", 200), (899, "web", 200), (900, "web", 422)],
)
async def test_strictest_life_of_a_code(two: tuple[World, World], after: int, answered_at: str, status: int) -> None:
    """A code that was sent for 15 minutes is dead after 10 where the policy says 10.

    F-39. Another application sent it. It costs nothing.
    """
    web, desktop = two
    ann = await web.browser()
    id = await ann.enroll_email()
    web.clock.advance(7 * 86_400)
    assert (await ann.api("POST", "challenge", {"authenticator": id})).status == 201
    code = web.email.codes[-1]
    web.clock.advance(after)
    there = ann if answered_at == "web" else over_there(ann, desktop)
    reply = await there.api("POST", "verify", {"authenticator": id, "response": code})
    assert reply.status == status, reply.text
    if status == 422:
        assert reply.reason == "code_expired"
        assert (await web.account()).attempts.used == 0


async def test_shorter_code_where_it_was_sent(two: tuple[World, World]) -> None:
    """A code that was sent for 10 minutes is dead after 10, also where 15 are allowed.

    F-39.
    """
    web, desktop = two
    ann = await web.browser()
    id = await ann.enroll_email()
    web.clock.advance(7 * 86_400)
    there = over_there(ann, desktop)
    assert (await there.api("POST", "challenge", {"authenticator": id})).status == 201
    web.clock.advance(600)
    reply = await ann.api("POST", "verify", {"authenticator": id, "response": desktop.email.codes[-1]})
    assert reply.reason == "code_expired"


async def test_one_budget_one_list_one_lock(two: tuple[World, World]) -> None:
    """Attempts at two applications add up to one lock, and a proof counts in both.

    S-32, S-26. Each event names its own application.
    """
    web, desktop = two
    ann = await web.enrolled()
    there = over_there(ann, desktop)
    assert await there.is_in()
    stranger, elsewhere = await web.browser(), await desktop.browser()
    for number in range(7):
        guessing = stranger if number % 2 else elsewhere
        guessing.secret = ann.secret
        assert (await guessing.guess(number * 100)).reason in ("wrong_code", "locked")
    assert (await web.account()).lock is not None
    assert (await elsewhere.guess(5000)).reason == "locked"
    assert (await stranger.guess(6000)).reason == "locked"
    events = (await web.store.events("alpha", account="ann", kind="attempt.failed")).items
    assert [event.app for event in reversed(events)] == ["desktop", "web"] * 3 + ["desktop"]
    assert len((await web.store.events("alpha", kind="account.locked")).items) == 1


async def test_the_page_says_where(two: tuple[World, World]) -> None:
    """The person's own page names the application that each thing happened in."""
    web, desktop = two
    ann = await web.enrolled()
    page = (await over_there(ann, desktop).page("/mfa")).text
    assert '<bdi class="whole">web</bdi>' in page
    assert "<bdi>desktop</bdi>" not in page


@asynccontextmanager
async def three_wrong_beside_a_limit_of_three(**rules: Any) -> AsyncIterator[tuple[World, World, Browser]]:
    """Give three wrong answers where seven count, beside an application of three.

    ``rules`` are further rules of that other one.
    """
    store = MemoryStore()
    three = with_rules(lambda usual: replace(usual, **rules, attempts=replace(usual.attempts, max=3)))
    web = make_world(store=store, name="web")
    other = make_world(store=store.another(), policy=three, clock=web.clock, name="other")
    async with running(web), running(other):
        browser = await web.enrolled()
        web.clock.advance(8 * 86_400)
        for number in range(3):
            assert (await browser.guess(number)).reason == "wrong_code"
        yield web, other, browser


@pytest.mark.parametrize(("waited", "locks"), [(29, False), (30, True)])
async def test_the_stricter_limit_locks_where_it_refuses(waited: int, locks: bool) -> None:
    """F-39: three wrong answers where seven are allowed are the end where three are.

    The first request there writes the lock, so that the person and the administrators are told. A moment after the last
    answer another one may be under way.
    """
    async with three_wrong_beside_a_limit_of_three() as (web, other, browser):
        web.clock.advance(waited)
        assert not await over_there(browser, other).is_in()
        await other.engine.effects.idle()
        account = await web.account()
        assert (account.lock is not None) is locks
        assert len(other.kinds("account.locked")) == locks
        assert not web.kinds("account.locked")


async def test_a_stricter_limit_that_is_only_reported_locks_nobody() -> None:
    """An application that only reports changes nothing for anybody (decision 44)."""
    async with three_wrong_beside_a_limit_of_three(mode="report-only") as (web, other, browser):
        web.clock.advance(60)
        assert await over_there(browser, other).is_in()
        await other.engine.effects.idle()
        assert (await web.account()).lock is None
