"""Requests that are cancelled at any moment under load.

Nobody sees another person's record, and service goes on.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from tests.harness import FETCH, Browser, make_world, running

pytestmark = pytest.mark.slow

PEOPLE = 12
AT_ONCE = 24


@dataclass(slots=True)
class Person:
    """A person with a browser, and the authenticator that only this person's state holds."""

    browser: Browser
    authenticator: str


async def look(person: Person) -> bool:
    """Ask for one's own state, and check that it is one's own.

    Return False if the store was too slow.
    """
    reply = await person.browser.api("GET", "state")
    if reply.status == 503:
        return False
    found = [a["id"] for a in reply.json()["authenticators"] if a["factor"] == "totp"]
    assert found == [person.authenticator]
    return True


async def act(person: Person, dice: random.Random) -> bool:
    """One of the requests that read and write."""
    match dice.randrange(4):
        case 0:
            reply = await person.browser.ask("GET", "/records", headers=FETCH)
            assert reply.status in (200, 503)
            return reply.status == 200
        case 1:
            reply = await person.browser.api("PATCH", f"authenticators/{person.authenticator}", {"label": "My phone"})
            assert reply.status in (200, 503), reply.text
            return reply.status == 200
        case _:
            return await look(person)


@pytest.mark.parametrize("times", [240, pytest.param(10_000, marks=pytest.mark.long)])
async def test_cancelled_requests(shared_url: str, times: int) -> None:
    """Every answer is the asker's own while requests of many people are cancelled.

    S-117, F-12. They are cancelled at random awaits. Afterwards everybody is served.
    """
    dice = random.Random(7)
    async with running(make_world(store=shared_url)) as world:
        people = []
        for number in range(PEOPLE):
            browser = await world.enrolled(f"person{number}")
            people.append(Person(browser, await browser.authenticator("totp")))
        cancelled = answered = 0
        while cancelled < times:
            world.engine.forget_all()  # so that reads go to the store as well
            tasks = [asyncio.create_task(act(dice.choice(people), dice)) for _ in range(AT_ONCE)]
            victims = dice.sample(tasks, AT_ONCE // 2)
            for victim in victims:
                for _ in range(dice.randrange(6)):
                    await asyncio.sleep(0)
                if dice.random() < 0.5:
                    await asyncio.sleep(dice.random() * 0.004)
                victim.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            cancelled += sum(isinstance(one, asyncio.CancelledError) for one in done)
            answered += sum(one is True for one in done)
            faults = [one for one in done if isinstance(one, Exception)]
            assert not faults
        assert answered > times / 4
        for person in people:
            assert await look(person)
            assert (await person.browser.ask("GET", "/records", headers=FETCH)).status == 200
