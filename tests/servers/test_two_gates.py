"""Two gates of one process with one store object.

A lock at one of them reaches the other, each time (S-26).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from mfa_gate.core.model import Lock, SubjectKey
from mfa_gate.storage import Store
from mfa_gate.stores import store_from_url
from tests.harness import FETCH, Browser, make_world, running

pytestmark = pytest.mark.slow

ANN = SubjectKey("alpha", "ann")


async def lock(store: Store, *, on: bool) -> None:
    """Lock the account, or take that back, beside both gates."""
    account = await store.load(ANN)
    cause = Lock(at=100, cause="administrator", ref="R") if on else None
    assert await store.swap(replace(account, lock=cause))


async def becomes(browser: Browser, passes: bool) -> None:
    """Until the gate answers so, for at most a second."""
    until = time.monotonic() + 1
    while ((await browser.ask("GET", "/records", headers=FETCH)).status == 200) is not passes:
        assert time.monotonic() < until
        await asyncio.sleep(0.005)


async def test_in_memory() -> None:
    """As it is with any store."""
    await both_hear_of_a_lock(store_from_url("memory://"))


async def test_on_disk_and_in_redis(shared_url: str) -> None:
    """As it is with any store."""
    await both_hear_of_a_lock(store_from_url(shared_url))


async def both_hear_of_a_lock(store: Store) -> None:
    """Take nothing away from the gate that is asked second."""
    one = make_world(store=store)
    two = make_world(store=store, clock=one.clock)
    async with running(one), running(two):
        here = await one.enrolled()
        there = Browser(two, cookies=here.cookies)
        there.id, there.tenant = here.id, here.tenant
        for browsers in ((here, there), (there, here)) * 3:
            for browser in browsers:
                await becomes(browser, True)
            await lock(store, on=True)
            for browser in browsers:
                await becomes(browser, False)
            await lock(store, on=False)
