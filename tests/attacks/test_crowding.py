"""Bounds of one account that other people who have the password could fill.

They do not shut the owner out.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.rules import Rules
from tests.factors.softkey import SoftKey
from tests.harness import ORIGIN, Browser, Reply, World, make_world, running, with_rules

ELSEWHERE = "198.51.100.99"


def passkeys(rules: Rules) -> Rules:
    factors = replace(rules.factors, allowed=("webauthn", "totp", "email"), order=("webauthn", "totp", "email"))
    return replace(rules, factors=factors)


def world_of_passkeys() -> World:
    return make_world(policy=with_rules(passkeys))


async def with_passkey(world: World) -> tuple[Browser, SoftKey, str]:
    """Somebody whose first factor is a passkey, and its id."""
    owner, key = await world.browser("ann"), SoftKey(origin=ORIGIN)
    begun = (await owner.api("POST", "enroll", {"factor": "webauthn"})).json()
    body = {"enrollment": begun["enrollment"], "response": key.create(begun["public_key"])}
    done = await owner.api("POST", "enroll/confirm", body)
    assert done.status == 201, done.text
    return owner, key, done.json()["authenticator"]["id"]


async def asked(browser: Browser, id: str) -> Reply:
    return await browser.api("POST", "challenge", {"authenticator": id})


async def strangers_ask(world: World, id: str, count: int, *, address: str, forget: bool) -> list[int]:
    """Others with the password ask for challenges, with their cookies or without."""
    thief = await world.browser("ann", sid="stolen", address=address)
    cookies, statuses = dict(thief.cookies), []
    for _ in range(count):
        if forget:
            thief.cookies = dict(cookies)
        statuses.append((await asked(thief, id)).status)
        world.clock.advance(0.01)
    return statuses


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("known", [True, False])
async def test_the_owners_challenge_stays(known: bool, forget: bool) -> None:
    """The owner's answer is right after other people asked for 300 challenges.

    Most of theirs are refused, and no attempt is taken.
    """
    async with running(world_of_passkeys()) as world:
        owner, key, id = await with_passkey(world)
        world.clock.advance(8 * 86_400)
        if not known:
            owner = await world.browser("ann", sid="a new one")
        mine = (await asked(owner, id)).json()
        statuses = await strangers_ask(world, id, 300, address=ELSEWHERE, forget=forget)
        assert statuses.count(201) <= 61
        assert set(statuses) <= {201, 429}
        body = {"challenge": mine["challenge"], "response": key.get(mine["public_key"])}
        assert (await owner.api("POST", "verify", body)).status == 200
        assert (await world.account()).attempts.used == 0


async def test_a_known_browser_asks_whatever_others_did() -> None:
    """A browser that has proven something before asks as ever.

    Strangers use up only the strangers' share.
    """
    async with running(world_of_passkeys()) as world:
        owner, key, id = await with_passkey(world)
        world.clock.advance(8 * 86_400)
        for address in ("198.51.100.99", "198.51.100.98", "198.51.100.97", "203.0.113.7"):
            await strangers_ask(world, id, 30, address=address, forget=True)
        mine = await asked(owner, id)
        assert mine.status == 201
        body = {"challenge": mine.json()["challenge"], "response": key.get(mine.json()["public_key"])}
        assert (await owner.api("POST", "verify", body)).status == 200


@pytest.mark.parametrize("address", [ELSEWHERE, "203.0.113.7"])
async def test_the_owners_first_draft_stays(address: str) -> None:
    """Drafts that others begin do not remove the owner's, and are few."""
    async with running(make_world()) as world:
        owner = await world.browser("ann")
        begun = (await owner.api("POST", "enroll", {"factor": "totp"})).json()
        statuses = []
        for n in range(40):
            other = await world.browser("ann", sid=f"stolen {n}", address=address)
            statuses.append((await other.api("POST", "enroll", {"factor": "totp"})).status)
        assert set(statuses) == {201, 429}
        assert statuses.count(201) <= 4
        owner.secret = begun["secret"]
        body = {"enrollment": begun["enrollment"], "response": owner.totp()}
        assert (await owner.api("POST", "enroll/confirm", body)).status == 201


async def test_drafts_of_one_browser_are_bounded_in_time() -> None:
    """One browser begins an enrollment as often as a person would, and not in a loop.

    Later it may begin again.
    """
    async with running(make_world()) as world:
        browser = await world.browser("ann")
        statuses = [(await browser.api("POST", "enroll", {"factor": "totp"})).status for _ in range(60)]
        assert statuses[:10] == [201] * 10
        assert statuses.count(201) <= 31
        assert statuses[-1] == 429
        world.clock.advance(1801)
        assert (await browser.api("POST", "enroll", {"factor": "totp"})).status == 201
