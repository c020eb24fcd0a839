"""A burst of answers over every way in at once.

Bursts over several processes are in ``tests/load/test_many_workers.py``.
"""

from __future__ import annotations

import asyncio

from tests.harness import World


async def test_a_burst_over_every_door(world: World) -> None:
    """A burst over pages, JSON, enrollment and contact at once shares the seven attempts.

    It runs in one process. Requirements S-31, S-32.
    """
    ann = await world.enrolled()
    id = await ann.authenticator("totp")
    draft = (await ann.api("POST", "enroll", {"factor": "email"})).json()["enrollment"]
    browsers = [await world.browser() for _ in range(10)]
    tokens = [await browser.token() for browser in browsers]
    world.events.clear()

    async def one(number: int) -> int:
        browser = browsers[number % 10]
        browser.secret = ann.secret
        code = ann.wrong(number * 100)
        match number % 3:
            case 0:
                reply = await browser.api("POST", "verify", {"authenticator": id, "response": code})
            case 1:
                reply = await browser.form(f"/mfa/challenge/{id}", {"code": code}, token=tokens[number % 10])
            case _:
                reply = await ann.api("POST", "enroll/confirm", {"enrollment": draft, "response": code})
        return reply.status

    statuses = await asyncio.gather(*(one(number) for number in range(150)))
    assert set(statuses) <= {303, 403, 404, 422}  # 303 leads to the page of the lock
    assert len(world.kinds("attempt.failed")) == 7
    assert len(world.kinds("account.locked")) == 1
    assert world.kinds("proof.granted") == []
