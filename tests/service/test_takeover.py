"""A takeover is seen: the person and the administrators are told of it.

The trail finds it by address, and the evidence stands.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from mfa_gate import Subject
from mfa_gate.cli.audit.export import _document
from mfa_gate.core.events import WRONG, place_of
from mfa_gate.core.trail_search import search_of
from mfa_gate.service.export_verification import ExportCheck
from mfa_gate.service.trail_export import Tally
from mfa_gate.web.api.admin import event_json, head_json
from tests.harness import FETCH, HOME, ORIGIN, POLICY, RULES, Browser, World, make_world, running

OWNER = "security@example.org"
RULED = replace(POLICY, tenants={"alpha": replace(RULES, owner=OWNER)})
THIEF = "192.0.2.66"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world(policy=RULED)) as made:
        yield made


async def stranger(world: World, ann: Browser, *, address: str = THIEF) -> Browser:
    """A browser that knows the password, and has the code from the person."""
    browser = await world.browser(address=address)
    browser.secret = ann.secret
    return browser


async def mails(world: World) -> list[tuple[str, str]]:
    """Receiver and subject of the mails so far, which are forgotten."""
    await world.gate.service.engine.effects.idle()
    found = [(message.to, message.subject) for message in world.email.messages]
    world.email.messages.clear()
    return found


async def test_a_rehearsed_takeover(world: World) -> None:
    """S-39, S-124: mail and alarm come at once, and the evidence can be checked.

    One search by address finds all of it.
    """
    ann = await world.enrolled()
    await mails(world)
    thief = await stranger(world, ann)
    for number in range(3):
        await thief.guess(number)
    assert (await thief.prove()).status == 200
    told = await mails(world)
    assert ("ann@alpha.example", "Example: A new browser was confirmed") in told
    assert (OWNER, "Example: An account may have been taken over") in told
    (granted,) = world.kinds("proof.granted")[-1:]
    assert granted.detail[WRONG] == 3
    (alarm,) = world.kinds("browser.takeover")
    assert alarm.detail["causes"] == "wrong_answers new_network"
    # One search by the address finds all of it, and the browser is the same before and after the proof.
    boss = await world.enrolled("boss", groups=["admin"])
    found = (await boss.api("GET", f"admin/events?address={THIEF}/32&limit=200")).json()["events"]
    kinds = [event["kind"] for event in found]
    assert kinds.count("attempt.failed") == 3
    assert {"proof.granted", "browser.new", "browser.takeover"} <= set(kinds)
    assert {event["address"] for event in found} == {THIEF}
    assert len({event["browser"] for event in found if event["browser"]}) == 1
    listed = {browser.id for browser in (await world.account()).browsers}
    assert {event["browser"] for event in found if event["browser"]} <= listed
    # One action ends it in every browser, within a second by the gate's clock.
    assert await thief.is_in()
    ended = await boss.api("POST", "admin/accounts/ann/end-sessions", {"reason": "taken over"})
    assert ended.status == 200
    assert not await thief.is_in()
    assert not await ann.is_in()
    # The evidence is exported, and verified with the verification key alone.
    service = world.gate.service
    parts = [p async for p in service.trail_reader.export("alpha", search_of({"address": THIEF}), Tally())]
    lines = [json.dumps(_document(part, service)) for part in parts]
    public = service.engine.trail_keys.verify_key()
    (proven,) = ExportCheck(lambda id: public, event_json, head_json).run(lines)
    assert proven.readable == len(found)


async def test_the_signs_of_a_takeover_are_in_words(world: World) -> None:
    """Mail and desk say what speaks for it, and show no word of the program."""
    thief = await stranger(world, await world.enrolled())
    await thief.guess(1)
    assert (await thief.prove()).status == 200
    await world.gate.service.engine.effects.idle()
    (mail,) = [one for one in world.email.messages if one.to == OWNER and "taken over" in one.subject]
    assert "Signs: wrong codes came first; a network that wasn’t used before" in " ".join(mail.text.split())
    boss = await world.enrolled("boss", groups=["admin"])
    for page in ("accounts/ann", "audit"):
        text = (await boss.page(f"/mfa/admin/{page}")).text
        assert "wrong codes came first" in text
        assert "wrong_answers" not in text


async def test_a_known_browser_is_no_news(world: World) -> None:
    """Neither the first browser of a person nor one that proves again is told of."""
    ann = await world.enrolled()
    world.clock.advance(8 * 86_400)
    await ann.prove()
    assert not world.kinds("browser.new")
    assert not world.kinds("browser.takeover")


async def test_a_new_browser_at_home_is_a_mail_and_no_alarm(world: World) -> None:
    """Nothing speaks for a takeover where the network is known and no answer was wrong."""
    ann = await world.enrolled()
    world.clock.advance(2 * 86_400)
    await mails(world)
    other = await stranger(world, ann, address=HOME)
    await other.prove()
    assert ("ann@alpha.example", "Example: A new browser was confirmed") in await mails(world)
    assert len(world.kinds("browser.new")) == 1
    assert not world.kinds("browser.takeover")


async def test_after_a_change_of_the_password(world: World) -> None:
    """A new browser within a day of a change of the password is an alarm.

    The host ends all proofs with the change.
    """
    ann = await world.enrolled()
    await (await world.gate.person(Subject("ann", "alpha"))).end_proofs("password changed")
    other = await stranger(world, ann, address=HOME)
    await other.prove()
    assert [event.detail["causes"] for event in world.kinds("browser.takeover")] == ["after_reset"]


async def moved(world: World, ann: Browser, *hops: int, wait: int = 300) -> None:
    """Prove in the same browser on one network after the other."""
    for hop in hops:
        world.clock.advance(wait)
        ann.address = f"198.51.{hop}.7"
        assert (await ann.prove()).status == 200


async def test_a_browser_that_keeps_moving_is_an_alarm(world: World) -> None:
    """The fourth network within an hour tells the administrators (S-111).

    Only the fourth does.
    """
    ann = await world.enrolled()
    await moved(world, ann, 1, 2)
    assert not world.kinds("browser.moving")
    await moved(world, ann, 3)
    assert len(world.kinds("browser.moving")) == 1
    assert (OWNER, "Example: A browser keeps changing its network") in await mails(world)
    await moved(world, ann, 4)
    assert len(world.kinds("browser.moving")) == 1


async def test_a_day_on_the_road_is_no_alarm(world: World) -> None:
    """Four networks in some hours are told to the person alone.

    Networks that are known tell nothing.
    """
    ann = await world.enrolled()
    await moved(world, ann, 1, 2, 3, 1, 2, wait=1500)
    assert not world.kinds("browser.moving")


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("peer", "address", "network", "request_id"),
    [("10.0.0.1", "192.0.2.77", "=campus", "req-4711"), ("198.51.100.9", "198.51.100.9", "198.51.100.9", "")],
)
async def test_events_name_place_and_means(peer: str, address: str, network: str, request_id: str) -> None:
    """K-4: events have the address in full beside the name of the network.

    They have the browser, the session and milliseconds, too.

    Only a trusted proxy's request id counts.
    """
    campus = replace(RULES, networks={"campus": (ip_network("192.0.2.0/24"),)})
    rules = replace(
        campus, freshness=replace(campus.freshness, ip_change=replace(RULES.freshness.ip_change, trusted=("campus",)))
    )
    policy = replace(POLICY, tenants={"alpha": rules})
    async with running(make_world(policy=policy, trusted_proxies=["10.0.0.0/8"])) as world:
        ann = await world.enrolled()
        id = await ann.authenticator("totp")
        ann.address = peer
        world.clock.at += 0.25
        sent = [*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), ("content-type", "application/json")]
        sent += [("x-forwarded-for", "192.0.2.77"), ("x-request-id", "req-4711"), ("user-agent", FIREFOX)]
        await ann.api("POST", "verify", {"authenticator": id, "response": ann.wrong(1)}, headers=sent)
        (event,) = world.kinds("attempt.failed")
        assert (event.address, event.network, event.request) == (address, network, request_id)
        assert (event.agent, event.ms) == ("Firefox on Linux", 250)
        assert event.browser in {browser.id for browser in (await world.account()).browsers}
        assert event.session
        assert "s-ann-alpha" not in event.session
        assert place_of(event) == ("192.0.2.77 (campus)" if request_id else address)
