"""A worker that has not heard yet of another worker's write looks once more.

It does so before it refuses.
"""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.storage import Changed
from mfa_gate.stores.memory import MemoryStore
from tests.harness import Browser, World, make_world, running

from .phones import begin, enrolled, push_policy
from .test_changing_keys import at


class Deaf(MemoryStore):
    """A store whose notices of changes are still under way."""

    deaf = False
    loads = 0

    def changed(self, reader: Any, /) -> Changed:
        """Tell no changes yet."""
        return frozenset() if self.deaf else super().changed(reader)

    async def load(self, key: Any, /) -> Any:
        """Load, and count it."""
        self.loads += 1
        return await super().load(key)


def workers() -> tuple[World, World, Deaf]:
    """Two workers over the same accounts, and the store of the second."""
    one, two = MemoryStore(), Deaf()
    two._contents = one._contents
    policy = push_policy()
    return make_world(policy=policy, store=one), make_world(policy=policy, store=two), two


async def owing(world: World, proven: Browser) -> Browser:
    """Return the same person with the password alone, in another browser."""
    browser = await world.browser(proven.id)
    browser.secret = proven.secret
    return browser


async def test_a_challenge_of_another_worker_is_found_by_its_id() -> None:
    """A challenge of another worker is found by its id, with one load of the account.

    JSON names the challenge alone.
    """
    one, two, store = workers()
    async with running(one), running(two):
        ann_at_home = await one.enrolled()
        id = await ann_at_home.enroll_email()
        ann = await owing(one, ann_at_home)
        one.clock.advance(600)
        two.clock.at = one.clock.at
        there = at(two, ann)
        assert (await there.state())["state"] == "challenge"
        store.deaf = True
        issued = (await ann.api("POST", "challenge", {"authenticator": id})).json()
        store.loads = 0
        body = {"challenge": issued["challenge"], "response": one.email.codes[-1]}
        done = await there.api("POST", "verify", body)
        assert done.status == 200, done.text
        assert store.loads == 1


async def test_an_unknown_challenge_is_refused_after_one_look() -> None:
    """One that is nowhere is refused as before, and costs no attempt."""
    one, two, store = workers()
    async with running(one), running(two):
        there = at(two, await owing(one, await one.enrolled()))
        await there.state()
        store.loads = 0
        answer = await there.api("POST", "verify", {"challenge": "nobody", "response": "123456"})
        assert (answer.status, answer.reason) == (404, "not_found")
        assert store.loads == 1
        assert (await one.account()).attempts.used == 0


@pytest.mark.parametrize("is_approved", [True, False])
async def test_what_another_worker_asked_for_can_be_collected(is_approved: bool) -> None:
    """The result of a request on the phone: pending or approved, and not "nothing was sent"."""
    one, two, store = workers()
    async with running(one), running(two):
        browser, phone, id = await enrolled(one)
        two.clock.at = one.clock.at
        there = at(two, browser)
        assert (await there.state())["state"] == "challenge"
        store.deaf = True
        asked = await begin(browser, id)
        if is_approved:
            assert (await phone.approve(asked["number"])).status == 200
        body = {"authenticator": id, "challenge": asked["challenge"], "response": ""}
        answer = await there.api("POST", "verify", body)
        if is_approved:
            assert answer.status == 200, answer.text
        else:
            assert answer.reason == "pending"
