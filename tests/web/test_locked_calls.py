"""A locked account is told so by every call, whatever else the call would be refused for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import make_world, running


async def test_a_lock_in_the_first_enrollment_comes_before_the_unknown_draft() -> None:
    """The lock drops the draft, and a right code for it is not "unknown"."""
    world = make_world()
    async with running(world):
        browser = await world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "totp"})).json()
        browser.secret = begun["secret"]
        for number in range(7):
            wrong = {"enrollment": begun["enrollment"], "response": browser.wrong(1000 * number)}
            await browser.api("POST", "enroll/confirm", wrong)
        lock = (await world.account()).lock
        assert lock is not None
        right = {"enrollment": begun["enrollment"], "response": browser.totp()}
        told = await browser.api("POST", "enroll/confirm", right)
        assert (told.status, told.reason, told.json()["ref"]) == (403, "locked", lock.ref)


@pytest.mark.parametrize(
    ("method", "call", "body"),
    [
        ("POST", "verify", {"challenge": "unknown", "response": "123456"}),
        ("POST", "enroll/confirm", {"enrollment": "unknown", "response": "123456"}),
        ("POST", "enroll", {"factor": "email"}),
        ("POST", "backup-codes", {}),
        ("DELETE", "authenticators/unknown", None),
        ("GET", "browsers", None),
        ("DELETE", "browsers/unknown", None),
    ],
)
async def test_locked(method: str, call: str, body: Any) -> None:
    """A browser without a proof hears of the lock, and not of a proof that it could not give."""
    world = make_world()
    async with running(world):
        await (await world.enrolled()).lock()
        stranger = await world.browser(address="198.51.100.9")
        assert (await stranger.api(method, call, body)).reason == "locked"
