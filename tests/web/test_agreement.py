"""The agreement comes after the second factor, before the app.

It is accepted in a version, and declined with an explanation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.rules import Policy
from tests.harness import AGREEMENT, FETCH, HOME, PAGE, Browser, World, make_world, running, with_rules


def asking(**changes: object) -> Policy:
    """Everywhere this agreement is asked for."""
    return with_rules(lambda rules: replace(rules, agreement=replace(AGREEMENT, **changes)))  # type: ignore[arg-type]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world that asks for it."""
    async with running(make_world(policy=asking())) as made:
        yield made


async def accept(browser: Browser, version: str = "1", **more: str) -> int:
    """Tick and confirm on the page; the answer's status."""
    fields = {"action": "accept", "accept": "yes", "version": version, **more}
    return (await browser.form("/mfa/agreement", fields)).status


async def test_between_the_second_factor_and_the_app(world: World) -> None:
    """The agreement is not shown before the proof, and the app not before the agreement.

    This holds for page loads, fetches, and the JSON state.
    """
    ann = await world.browser()
    assert (await ann.page("/mfa/agreement")).location == "/mfa/enroll"
    assert (await ann.api("GET", "agreement")).status == 403
    assert (await ann.api("POST", "agreement", {"version": "1"})).status == 403
    await ann.enroll()
    assert (await ann.state())["state"] == "agreement"
    load = await ann.ask("GET", "/records", headers=PAGE)
    assert (load.status, load.location) == (303, "/mfa/agreement")
    fetch = await ann.ask("GET", "/records", headers=FETCH)
    assert (fetch.status, fetch.reason) == (403, "agreement_required")
    assert world.reached == []

    elsewhere = await world.browser(address="203.0.113.66")
    assert (await elsewhere.page("/mfa/agreement")).location == "/mfa/challenge"
    assert (await elsewhere.api("POST", "agreement", {"version": "1"})).reason == "proof_required"
    assert (await world.account()).acceptances == ()


async def test_the_page(world: World) -> None:
    """The page has the whole text, its version, and a box that is not ticked.

    It has "I accept", then "Confirm", and a way to decline. Requirement U-38.
    """
    ann = await world.enrolled()
    text = (await ann.page("/mfa/agreement")).text
    assert "Be kind." in text
    assert "Version 1" in text
    box = text.split('id="accept"')[1].split(">")[0]
    assert "checked" not in box
    assert all(word in text for word in ("I accept", ">Confirm<", "Decline and sign out"))


async def test_accepting_on_the_page(world: World) -> None:
    """Accepting needs the tick, and is recorded with version, digest, time and network.

    Without the tick it is asked again. With it, it leads on.
    """
    ann = await world.enrolled()
    assert (await ann.ask("GET", "/records?year=7", headers=PAGE)).location == "/mfa/agreement"
    refused = await ann.form("/mfa/agreement", {"action": "accept", "version": "1"})
    assert (refused.status, "Tick the box to accept, or decline." in refused.text) == (422, True)
    assert not await ann.is_in()
    done = await ann.form("/mfa/agreement", {"action": "accept", "accept": "yes", "version": "1"})
    assert (done.status, done.location) == (303, "/records?year=7#")
    assert await ann.is_in()
    (kept,) = (await world.account()).acceptances
    assert (kept.agreement, kept.version, kept.digest, kept.at) == ("terms", "1", "d" * 64, int(world.clock.at))
    assert kept.network.startswith(HOME)
    (event,) = world.kinds("agreement.accepted")
    assert event.detail == {"agreement": "terms", "version": "1", "digest": "d" * 16}


async def test_json_clients(world: World) -> None:
    """A JSON client shows the agreement by itself and accepts only the version in force."""
    ann = await world.enrolled()
    shown = (await ann.api("GET", "agreement")).json()
    assert shown == {"id": "terms", "version": "1", "title": "Terms", "text": "Be kind.", "digest": "d" * 64}
    for body in ({}, {"version": 1}, {"version": "1", "accept": True}):
        assert (await ann.api("POST", "agreement", body)).reason == "malformed"
    assert (await ann.api("POST", "agreement", {"version": "0"})).reason == "malformed"
    assert not await ann.is_in()
    assert (await ann.api("POST", "agreement", {"version": "1"})).json()["state"] == "verified"
    assert await ann.is_in()


async def test_declining(world: World) -> None:
    """Declining is explained, with the host's sign-out, and ends this browser's proof.

    The old cookie is dead. Requirement U-38.
    """
    ann = await world.enrolled()
    stolen = dict(ann.cookies)
    reply = await ann.form("/mfa/agreement", {"action": "decline", "version": "1"})
    assert reply.status == 303
    assert "no-store" in reply.header("cache-control")
    assert ann.handle == ""
    page = await ann.page(reply.location.partition("#")[0])
    assert "You declined" in page.text
    assert "can’t use the app" in page.text
    assert 'href="/logout"' in page.text
    assert "no-store" in page.header("cache-control")
    assert (await world.account()).browsers == ()
    assert [event.account for event in world.kinds("agreement.declined")] == ["ann"]
    assert (await ann.state())["state"] == "challenge"
    replayed = await world.browser(cookies=stolen)
    assert (await replayed.state())["state"] == "challenge"
    await ann.prove()
    assert (await ann.state())["state"] == "agreement"
    assert await accept(ann) == 303
    assert await ann.is_in()


async def test_a_get_declines_and_accepts_nothing(world: World) -> None:
    """S-97: a link cannot accept or decline."""
    ann = await world.enrolled()
    for query in ("action=decline", "action=accept&accept=yes&version=1"):
        assert (await ann.page(f"/mfa/agreement?{query}")).status == 200
    assert (await ann.state())["state"] == "agreement"


async def test_a_new_version_asks_again(world: World) -> None:
    """A new version says that it is one, and an older version cannot be accepted any more."""
    ann = await world.enrolled()
    await accept(ann)
    assert await ann.is_in()
    world.engine.use_policy(asking(version="2", text="Be kinder."))
    assert not await ann.is_in()
    text = (await ann.page("/mfa/agreement")).text
    assert "You accepted version 1. This is a newer one." in text
    assert "Be kinder." in text
    assert await accept(ann, "1") == 422
    assert not await ann.is_in()
    assert await accept(ann, "2") == 303
    assert await ann.is_in()


async def test_another_text_under_the_same_version_asks_again(world: World) -> None:
    """Another digest asks again: a person accepts a text, not its label."""
    ann = await world.enrolled()
    await accept(ann)
    world.engine.use_policy(asking(digest="e" * 64))
    assert not await ann.is_in()


async def test_at_each_sign_in() -> None:
    """With ``again = "each-sign-in"`` each sign-in session of the host accepts once.

    It does not matter how long the proof is good.
    """
    async with running(make_world(policy=asking(again="each-sign-in"))) as world:
        ann = await world.enrolled(sid="monday")
        await accept(ann)
        assert await ann.is_in()
        tuesday = await world.browser(sid="tuesday", cookies=ann.cookies)
        assert (await tuesday.state())["state"] == "agreement"
        assert not await tuesday.is_in()
        assert await accept(tuesday) == 303
        assert await tuesday.is_in()


async def test_where_it_is_optional_and_skipped() -> None:
    """A person who skips an optional second step still accepts before the app opens."""
    optional = asking()
    tenants = {
        name: replace(rules, enrollment=replace(rules.enrollment, stage="optional"))
        for name, rules in optional.tenants.items()
    }
    async with running(make_world(policy=replace(optional, tenants=tenants))) as world:
        ann = await world.browser()
        assert (await ann.api("POST", "enroll/skip", {})).status == 200
        assert (await ann.state())["state"] == "agreement"
        assert not await ann.is_in()
        assert await accept(ann) == 303
        assert await ann.is_in()
