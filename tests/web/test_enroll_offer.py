"""The offer of a passkey after a code: on devices that can make one, once in a while."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.rules import DAY, Rules
from mfa_gate.errors import StoreContention
from tests.harness import Browser, Reply, World, make_world, running, with_rules


def with_passkeys(rules: Rules) -> Rules:
    """Allow passkeys beside the codes."""
    factors = replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn"), order=())
    return replace(rules, factors=factors)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world(policy=with_rules(with_passkeys))) as made:
        yield made


async def owing(world: World, ann: Browser | None = None) -> Browser:
    """Let the proof of an enrolled person end, and ask for a page."""
    ann = ann or await world.enrolled()
    world.clock.advance(8 * DAY)
    asked = await ann.page("/records/7")
    assert asked.status == 303
    return ann


async def prove(ann: Browser, **more: str) -> Reply:
    """Answer the challenge by its form, with what the script adds (``more``)."""
    id = await ann.authenticator("totp")
    ann.world.clock.advance(30)
    return await ann.form(f"/mfa/challenge/{id}", {"code": ann.totp(), "remember": "1", **more})


async def test_the_offer(world: World) -> None:
    """After a code the offer comes, with a way on that leads to the wanted page."""
    ann = await owing(world)
    reply = await prove(ann, passkeys="1")
    assert (reply.status, reply.location) == (303, "/mfa/enroll/offer#")
    page = await ann.page("/mfa/enroll/offer")
    assert page.status == 200
    assert "Use your face or fingerprint next time?" in page.text
    assert 'data-passkey="create"' in page.text
    assert await ann.is_in()
    (event,) = world.kinds("enrollment.offered")
    assert (event.factor, event.detail["count"]) == ("webauthn", 1)
    assert re.search(r'<a [^>]*href="/records/7" data-onward>Not now</a>', page.text)


async def test_without_a_word_of_the_device_there_is_no_offer(world: World) -> None:
    """A browser without a script, or a device that makes no passkeys, is led on at once."""
    ann = await owing(world)
    reply = await prove(ann)
    assert (reply.status, reply.location) == (303, "/records/7#")
    assert world.kinds("enrollment.offered") == []


async def test_once_in_a_while(world: World) -> None:
    """The offer comes again after thirty days, three times in all."""
    ann, places = await world.enrolled(), []
    for _ in range(18):
        await owing(world, ann)
        places.append((await prove(ann, passkeys="1")).location)
    offers = [number for number, place in enumerate(places) if place == "/mfa/enroll/offer#"]
    assert offers == [0, 4, 8]
    assert (await world.account()).nudges == 3


async def test_the_page_leads_on_where_there_is_nothing_to_offer() -> None:
    """Without passkeys in the policy the address leads on; nobody reaches it unproven."""
    async with running(make_world()) as world:
        ann = await owing(world)
        unproven = await ann.page("/mfa/enroll/offer")
        assert unproven.location.startswith("/mfa/challenge")
        assert (await prove(ann, passkeys="1")).location == "/records/7#"
        assert (await ann.page("/mfa/enroll/offer")).location == "/"


async def test_an_offer_never_comes_in_the_way_of_a_step_up_that_is_owed(world: World) -> None:
    """An offer goes with a right answer only: a wrong code shows its page."""
    ann = await owing(world)
    id = await ann.authenticator("totp")
    reply = await ann.form(f"/mfa/challenge/{id}", {"code": ann.wrong(), "passkeys": "1"})
    assert reply.status == 422
    assert world.kinds("enrollment.offered") == []


async def test_an_offer_that_cannot_be_counted_costs_nobody_the_sign_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof is made, and the old handle is dead: the answer must bring the new one."""
    ann = await owing(world)

    async def fail(*_: object) -> bool:
        raise StoreContention("busy")

    with monkeypatch.context() as busy:
        busy.setattr("mfa_gate.service.adoption.Adoption._count", fail)
        reply = await prove(ann, passkeys="1")
    assert (reply.status, reply.location) == (303, "/records/7#")
    assert await ann.is_in()
