"""The proof of a browser is bound to user, tenant, network and time.

It is dead at every change of level, and counts for nobody else.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import RelyingParty
from mfa_gate.core.evidence import SESSION_LIFE
from mfa_gate.core.model import SubjectKey
from mfa_gate.identity import SessionUser
from mfa_gate.service import Actor, Done
from tests.harness import FETCH, HOME, PAGE, Browser, World, make_world, running, with_rules

DAY = 86_400
WEEK = 7 * DAY
ELSEWHERE = "198.51.100.9"


async def proven(world: World, id: str = "ann", tenant: str = "alpha", **more: Any) -> Browser:
    """A second browser in which the factor was just proven; not the one of the enrollment."""
    first = await world.enrolled(id, tenant)
    browser = await world.browser(id, tenant, **more)
    assert (await browser.prove(first.secret)).status == 200
    return browser


def copied(browser: Browser, **more: Any) -> Browser:
    """Return a browser of somebody else with the same cookies."""
    thief = Browser(browser.world, address=more.pop("address", browser.address), cookies=dict(browser.cookies))
    thief.id, thief.tenant, thief.secret = browser.id, browser.tenant, browser.secret
    thief.cookies |= more
    return thief


# -- rotation and replay -----------------------------------------------------------------------------------------------


async def test_the_cookie_changes_with_the_level(world: World) -> None:
    """At each success the browser gets another handle, and every earlier one opens nothing.

    Requirement S-22.
    """
    first = await world.enrolled()
    browser = await world.browser()
    await browser.page("/records")
    seen = [copied(browser)]
    for _ in range(3):
        assert (await browser.prove(first.secret)).status == 200
        seen.append(copied(browser))
    handles = [old.cookies[old.handle] for old in seen]
    assert len(set(handles)) == 4
    world.clock.advance(31)
    for old in seen[:-1]:
        assert not await old.is_in()
    assert await seen[-1].is_in()


async def test_a_planted_handle_is_dead_after_the_success(world: World) -> None:
    """A handle that was planted in the victim's browser before the challenge is dead after it.

    Requirement S-22.
    """
    first = await world.enrolled()
    attacker = await world.browser()
    await attacker.page("/records")
    victim = copied(attacker)
    assert (await victim.prove(first.secret)).status == 200
    assert await victim.is_in()
    assert not await attacker.is_in()
    world.clock.advance(31)
    assert not await attacker.is_in()


async def test_the_pending_handle_is_signed(world: World) -> None:
    """S-20, S-23: a handle that we did not make for this user is replaced, not taken up."""
    await world.enrolled()
    browser = await world.browser()
    await browser.page("/records")
    name = browser.handle
    for forged in ("a" * 48, "a" * 48 + ".x", "", "." * 40, browser.cookies[name][:-1], browser.cookies[name] + "A"):
        thief = copied(browser, **{name: forged})
        await thief.page("/mfa/challenge")
        assert thief.cookies[name] not in (forged, browser.cookies[name])


async def _lock(browser: Browser) -> None:
    operator = Actor(name="operator:test")
    await browser.world.gate.service.account_desk.act(
        operator, "lock", SubjectKey(browser.tenant, browser.id), reason="x"
    )


async def _reset(browser: Browser) -> None:
    operator, key = Actor(name="operator:test"), SubjectKey(browser.tenant, browser.id)
    await browser.world.gate.service.account_desk.act(operator, "reset", key, ticket="T-1", reason="x")


async def _forget(browser: Browser) -> None:
    account = await browser.world.account()
    for remembered in account.browsers:
        await browser.api("DELETE", f"browsers/{remembered.id}")


async def _remove(browser: Browser) -> None:
    await browser.enroll_email()
    await browser.api("DELETE", f"authenticators/{await browser.authenticator('totp')}")
    browser.world.clock.advance(60)


@pytest.mark.parametrize("deed", [_lock, _reset, _forget, _remove], ids=lambda deed: deed.__name__.strip("_"))
async def test_replay_after_the_end(world: World, deed: Any) -> None:
    """After a lock, a reset, a forgotten browser or a removed factor the old cookie is dead.

    It opens nothing, at once. Requirements S-20, S-26.
    """
    browser = await proven(world)
    other = copied(browser)
    assert await other.is_in()
    if deed is _forget or deed is _remove:
        fresh = await world.browser()
        await fresh.prove(browser.secret)
        await deed(fresh)
    else:
        await deed(browser)
    for place in ("/records", "/", "/files/x"):
        reply = await other.ask("GET", place, headers=FETCH)
        assert reply.status == 403, place
    world.clock.advance(1)
    assert not await other.is_in()


async def test_an_attempt_lock_leaves_other_proofs(world: World) -> None:
    """A lock by attempts leaves other browsers' proofs alone, unless the policy ends them.

    Decisions 8, 27.
    """
    for tenant, stays in (("alpha", True), ("strict", False)):
        browser = await proven(world, "ann", tenant)
        attacker = await world.browser("ann", tenant)
        attacker.secret = browser.secret
        await attacker.lock()
        assert await browser.is_in() is stays
        assert not await attacker.is_in()


async def test_an_unlock_revives_no_proof(world: World) -> None:
    """A proof that a lock has ended stays ended after the unlock.

    Requirement S-26.
    """
    browser = await proven(world, "ann", "strict")
    attacker = await world.browser("ann", "strict")
    attacker.secret = browser.secret
    await attacker.lock()
    operator, key = Actor(name="operator:test"), SubjectKey("strict", "ann")
    assert isinstance(await world.gate.service.account_desk.act(operator, "unlock", key, reason="x"), Done)
    assert not await browser.is_in()
    assert (await browser.prove()).status == 200


async def test_revocation_over_processes(tmp_path: Any) -> None:
    """A proof that another process ends is ended here with the next request.

    Nothing is served from a cache. Requirements S-15, S-26.
    """
    here = make_world(store=f"sqlite:///{tmp_path / 'mfa.db'}")
    there = make_world(store=f"sqlite:///{tmp_path / 'mfa.db'}", clock=here.clock)
    async with running(here), running(there):
        browser = await proven(here)
        for _ in range(3):
            assert await browser.is_in()
        operator, key = Actor(name="operator:test"), SubjectKey("alpha", "ann")
        assert isinstance(await there.gate.service.account_desk.act(operator, "lock", key, reason="x"), Done)
        assert not await browser.is_in()


# -- whose -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("id", "tenant"), [("bob", "alpha"), ("ann", "beta"), ("Ann", "alpha"), ("ann", "alpha2")])
async def test_the_cookie_of_another(world: World, id: str, tenant: str) -> None:
    """Ann's cookie, under any name, opens nothing for a person signed in as somebody else.

    Requirements S-21, S-121.
    """
    ann = await proven(world)
    value = ann.cookies[ann.handle]
    await world.enrolled(id, tenant)
    other = await world.browser(id, tenant, cookies=ann.cookies)
    assert not await other.is_in()
    await other.page("/records")
    mine = next(
        name for name in other.cookies if name.startswith("mfa-") and name not in ann.cookies and "-to" not in name
    )
    for name in (mine, ann.handle):
        thief = copied(other, **{mine: value, name: value})
        assert not await thief.is_in()
        state = await thief.state()
        assert state["state"] == "challenge"
        assert state["proof"] is None


async def test_another_sign_in_of_the_same_user_keeps_it(world: World) -> None:
    """The browser is remembered for the user, over sign-outs.

    This is the other side of the tests around it. Decisions 11.
    """
    ann = await proven(world)
    again = await world.browser(cookies=ann.cookies, sid="another")
    assert await again.is_in()


async def test_several_users_of_one_browser(world: World) -> None:
    """Two users of one browser keep their own proofs side by side.

    Neither has the other's. Decisions 11.
    """
    ann = await proven(world)
    bob_first = await world.enrolled("bob")
    bob = await world.browser("bob", cookies=ann.cookies)
    assert not await bob.is_in()
    assert (await bob.prove(bob_first.secret)).status == 200
    back = await world.browser("ann", cookies=bob.cookies)
    assert await back.is_in()
    assert back.handle in ann.cookies
    forgotten = await back.api("DELETE", f"browsers/{(await world.account()).browsers[-1].id}")
    assert forgotten.status == 204
    assert await (await world.browser("bob", cookies=bob.cookies)).is_in()


async def test_signed_out_is_nobody(world: World) -> None:
    """The cookie alone, without the host's sign-in, belongs to nobody.

    The app sees a stranger, and our pages send to sign-in. Requirement S-21.
    """
    ann = await proven(world)
    thief = copied(ann)
    del thief.cookies["session"]
    assert (await thief.page("/mfa")).location == "/login"
    assert (await thief.api("GET", "state")).status == 401


# -- the cookie itself -------------------------------------------------------------------------------------------------


def _neighbor(char: str) -> str:
    """A last character that decodes to the same bytes: its unused bits differ."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return letters[letters.index(char) ^ 1]


def _mutations(value: str) -> list[str]:
    handle, _, mark = value.rpartition(".")
    flipped = handle[:-1] + ("0" if handle[-1] != "0" else "1")
    return [
        "",
        handle,
        f"{flipped}.{mark}",
        f"{handle}.{mark[:-1]}",
        f"{handle}.{mark.swapcase()}",
        f"{handle}.{mark}=",
        f"{handle}.{mark[:-1]}{_neighbor(mark[-1])}",
        f"{handle}.{mark}.{mark}",
        f".{mark}",
        f'"{value}"',
        f"{value}%20",
        f"{value}\x00",
        value + "A" * 200,
        handle + "\u00e9." + mark,
    ]


async def test_a_tampered_cookie(world: World) -> None:
    """A cookie's value that is not exactly ours counts as none.

    Requirements S-20, S-25.
    """
    ann = await proven(world)
    name = ann.handle
    for value in _mutations(ann.cookies[name]):
        assert not await copied(ann, **{name: value}).is_in(), value
    assert await ann.is_in()


async def test_two_cookies_of_the_name(world: World) -> None:
    """Two cookies of the handle's name count as none.

    They may be in one header or two, equal or not, in either order. The host's own cookie is in the first header, because
    Starlette before 0.49 reads no other. Requirement S-25.
    """
    ann = await proven(world)
    name, value = ann.handle, ann.cookies[ann.handle]
    session, handle = f"session={ann.cookies['session']}", f"{name}={value}"
    mine = f"{session}; {handle}"
    assert await ann.is_in()
    for second in (value, "x", "", value[:-1]):
        for headers in (
            [("cookie", f"{mine}; {name}={second}")],
            [("cookie", f"{name}={second}; {mine}")],
            [("cookie", mine), ("cookie", f"{name}={second}")],
            [("cookie", f"{session}; {name}={second}"), ("cookie", handle)],
            [("cookie", f"{mine};{name} = {second}")],
        ):
            reply = await ann.ask("GET", "/records", headers=[*FETCH, *headers])
            assert reply.status == 403, headers
    split = [("cookie", session), ("cookie", handle)]
    assert (await ann.ask("GET", "/records", headers=[*FETCH, *split])).status == 200


async def test_how_it_is_set(world: World) -> None:
    """The cookie is HttpOnly, SameSite, for the whole site, without a domain, and small.

    It has nothing personal in it. On https it is Secure and its name begins with ``__Host-``. Requirement S-24.
    """
    reply = await (await proven(world)).prove()
    (cookie,) = [
        v.decode() for k, v in reply.headers if k == b"set-cookie" and v.startswith(b"mfa-") and b"-to=" not in v
    ]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Lax" in cookie
    assert "; Path=/" in cookie
    assert "domain" not in cookie.lower()
    assert f"; Max-Age={WEEK}" in cookie
    assert len(cookie) < 250
    assert "ann" not in cookie
    secure = make_world(relying_party=RelyingParty(id="app.example", name="App", origins=["https://app.example"]))
    async with running(secure):
        for scheme in ("http", "https"):
            browser = Browser(secure)
            await browser.ask("POST", "/login", body=b'{"user_id": "ann", "org": "alpha", "sid": "1"}', scheme=scheme)
            shown = await browser.ask("GET", "/records", headers=PAGE, scheme=scheme)
            ours = [v.decode() for k, v in shown.headers if k == b"set-cookie" and b"mfa-" in v]
            assert ours
            assert all(text.startswith("__Host-mfa-") and "; Secure" in text and "; Path=/" in text for text in ours)


async def test_https_takes_no_plain_cookie(world: World) -> None:
    """Over https a cookie without the ``__Host-`` name is not looked at.

    Any subdomain could set it. Requirement S-24.
    """
    ann = await proven(world)
    assert (await ann.ask("GET", "/records", headers=FETCH, scheme="https")).status == 403
    assert (await ann.ask("GET", "/records", headers=FETCH)).status == 200


# -- how long ----------------------------------------------------------------------------------------------------------


async def test_seven_days(world: World) -> None:
    """A proof is good a second before seven days, and not good at exactly seven days.

    Use extends nothing. Requirement S-29; decisions 4.
    """
    ann = await proven(world)
    for _ in range(7 * 24 - 1):
        world.clock.advance(3600)
        assert await ann.is_in()
    world.clock.advance(3599)
    assert await ann.is_in()
    world.clock.advance(1)
    reply = await ann.ask("GET", "/records", headers=FETCH)
    assert (reply.status, reply.json()["why"]) == (403, "expired")
    world.clock.advance(-1)
    assert (await ann.prove()).status == 200


async def test_a_clock_that_steps_back_revives_no_proof(world: World) -> None:
    """A proof that was seen expired is not good again because the clock stepped back.

    Requirements S-118, F-15.
    """
    ann = await proven(world)
    old = copied(ann)
    world.clock.advance(WEEK)
    assert not await old.is_in()
    assert (await (await world.browser()).guess()).status == 422
    world.clock.advance(-DAY)
    assert not await old.is_in()


@pytest.mark.parametrize("back", [1, DAY, 6 * DAY])
async def test_a_refused_proof_is_not_good_again(world: World, back: int) -> None:
    """A proof that was refused for its age stays refused when the clock steps back.

    The refusal alone is enough: nobody has written anything meanwhile. A new proof counts. Requirements S-118, F-15.
    """
    ann = await proven(world)
    world.clock.advance(WEEK)
    assert not await ann.is_in()
    world.clock.advance(-back)
    for _ in range(2):
        assert not await ann.is_in()
    assert (await ann.prove()).status == 200
    assert await ann.is_in()


async def test_a_refused_proof_is_not_good_again_after_a_jump_ahead(world: World) -> None:
    """A clock that was a year ahead for a moment is behind for a year.

    What is refused then is remembered as well. Requirements S-118, F-15.
    """
    ann = await proven(world)
    world.clock.advance(365 * DAY)
    assert not await ann.is_in()
    world.clock.advance(-365 * DAY)
    assert (await ann.prove()).status == 200
    assert await ann.is_in()
    world.clock.advance(WEEK)
    assert not await ann.is_in()
    world.clock.advance(-DAY)
    assert not await ann.is_in()


@pytest.mark.parametrize("way", ["app", "settings"])
async def test_a_proof_for_one_sign_in_does_not_come_back(way: str) -> None:
    """A proof for one sign-in ends after twelve hours, whatever the clock does afterwards.

    This is so where the host names no sign-ins.
    Requirement S-118.
    """
    async with running(make_world(identify=SessionUser("user_id", tenant="org", groups="groups"))) as world:
        first = await world.enrolled()
        ann = await world.browser()
        assert (await ann.prove(first.secret, remember=False)).status == 200
        world.clock.advance(SESSION_LIFE - 1)
        assert await ann.is_in()
        world.clock.advance(1)
        if way == "app":
            assert not await ann.is_in()
        else:
            assert (await ann.state())["state"] == "challenge"
        for back in (0, 60, 600):
            world.clock.advance(-back)
            assert not await ann.is_in()
        assert (await ann.prove(first.secret)).status == 200
        assert await ann.is_in()


async def test_the_right_to_change_factors_does_not_come_back(world: World) -> None:
    """A proof that was too old for a change of factors is too old when the clock steps back.

    Requirements S-118, S-84.
    """
    ann = await proven(world)
    place = f"authenticators/{await ann.authenticator('totp')}"
    assert (await ann.api("DELETE", place)).reason == "last_factor"
    world.clock.advance(301)
    for back in (0, 60, 200):
        world.clock.advance(-back)
        assert (await ann.api("DELETE", place)).reason == "proof_required"


async def test_a_page_that_asked_to_confirm_asks_again(world: World) -> None:
    """A page of ours that found a proof too old for a change is enough.

    No act had to be refused. Requirement S-118.
    """
    ann = await proven(world)
    place = f"authenticators/{await ann.authenticator('totp')}"
    world.clock.advance(301)
    await ann.page("/mfa/enroll")
    world.clock.advance(-200)
    assert (await ann.api("DELETE", place)).reason == "proof_required"


@pytest.mark.parametrize("way", ["api", "page"])
async def test_not_remembered(world: World, way: str) -> None:
    """A proof of a browser that is not to be remembered ends with the sign-in.

    The next sign-in is asked again, in the same browser. Decisions 12.
    """
    first = await world.enrolled()
    browser = await world.browser(sid="evening")
    if way == "api":
        reply = await browser.prove(first.secret, remember=False)
        assert reply.status == 200
    else:
        world.clock.advance(30)
        browser.secret = first.secret
        reply = await browser.form(f"/mfa/challenge/{await browser.authenticator('totp')}", {"code": browser.totp()})
        assert reply.status == 303
    cookie = next(
        v.decode() for k, v in reply.headers if k == b"set-cookie" and v.startswith(browser.handle.encode() + b"=")
    )
    assert "Max-Age" not in cookie
    assert await browser.is_in()
    morning = await world.browser(sid="morning", cookies=browser.cookies)
    assert not await morning.is_in()
    assert (await world.browser(sid="evening", cookies=browser.cookies)) is not None
    assert await (await world.browser(sid="evening", cookies=browser.cookies)).is_in()


async def test_remembering_can_be_forbidden() -> None:
    """With ``session`` in the policy, no wish of the client makes a proof outlive the sign-in.

    Decisions 12.
    """
    policy = with_rules(lambda rules: replace(rules, freshness=replace(rules.freshness, remember="session")))
    async with running(make_world(policy=policy)) as world:
        first = await world.enrolled()
        browser = await world.browser(sid="evening")
        assert (await browser.prove(first.secret, remember=True)).status == 200
        assert await browser.is_in()
        assert not await (await world.browser(sid="morning", cookies=browser.cookies)).is_in()


async def test_pending_says_nothing(world: World) -> None:
    """Pages for somebody with the password alone mask the destinations, and list no browser.

    Requirements S-57, S-106.
    """
    ann = await world.enrolled()
    await ann.enroll_email()
    pending = await world.browser()
    state = await pending.state()
    assert "ann@alpha.example" not in str(state)
    assert state["proof"] is None
    for path in ("/mfa/challenge", "/mfa/challenge/help", "/mfa/recovery"):
        assert "ann@alpha.example" not in (await pending.page(path)).text


# -- where from --------------------------------------------------------------------------------------------------------


async def test_another_network(world: World) -> None:
    """A proof does not count from another address, and the answer says why.

    It costs no attempt and locks nobody. Requirement S-111; decisions 5.
    """
    ann = await proven(world)
    for number in range(30):
        thief = copied(ann, address=f"198.51.100.{number + 1}")
        reply = await thief.ask("GET", "/records", headers=FETCH)
        assert (reply.status, reply.json()["why"]) == (403, "ip_changed")
    account = await world.account()
    assert (account.attempts.used, account.lock) == (0, None)
    assert await ann.is_in()


@pytest.mark.parametrize(
    ("home", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", None, False),
        ("203.0.113.7", "", False),
        ("203.0.113.7", "unknown", False),
        ("203.0.113.7", "203.0.113.7%eth0", True),
        ("fe80::1", "fe80::1%eth1", True),
        ("203.0.113.7", "203.0.113.7, 10.0.0.1", False),
        ("203.0.113.7", "0203.0.113.7", False),
        ("203.0.113.7", "2001:db8::7", False),
    ],
)
async def test_what_is_the_same_network(world: World, home: str, other: str | None, same: bool) -> None:
    """Networks are compared exactly for IPv4 and by /64 for IPv6, with mapped forms unfolded.

    An address that cannot be read is never the same. Requirement S-110.
    """
    ann = await proven(world, address=home)
    moved = copied(ann)
    moved.address = other
    assert await moved.is_in() is same


@pytest.mark.parametrize("address", [None, "", "unknown", "testclient", "not an address"])
async def test_an_unknown_address_never_counts(world: World, address: str | None) -> None:
    """A proof made at an address that cannot be read counts nowhere, the same one included.

    Requirement S-110.
    """
    first = await world.enrolled()
    browser = await world.browser()
    browser.address = address
    assert (await browser.prove(first.secret)).status == 200
    assert not await browser.is_in()
    browser.address = HOME
    assert not await browser.is_in()


async def test_five_networks(world: World) -> None:
    """A browser keeps proofs of five networks, each with its own seven days.

    The sixth drops the oldest. Decisions 5.
    """
    ann = await proven(world, address="192.0.2.1")
    for number in range(2, 7):
        world.clock.advance(DAY)
        ann.address = f"192.0.2.{number}"
        assert not await ann.is_in()
        assert (await ann.prove()).status == 200
    inside = []
    for number in range(1, 7):
        ann.address = f"192.0.2.{number}"
        inside.append(await ann.is_in())
    assert inside == [False, True, True, True, True, True]
    world.clock.advance(WEEK - 4 * DAY - 200)
    ann.address = "192.0.2.2"
    assert await ann.is_in()
    world.clock.advance(200)
    assert not await ann.is_in()
    ann.address = "192.0.2.6"
    assert await ann.is_in()


async def test_one_network_where_the_policy_is_strict() -> None:
    """Decisions 5: with ``known_networks = 1`` only the last one counts."""
    change = with_rules(
        lambda rules: replace(
            rules,
            freshness=replace(rules.freshness, ip_change=replace(rules.freshness.ip_change, known_networks=1)),
        )
    )
    async with running(make_world(policy=change)) as world:
        ann = await proven(world)
        ann.address = ELSEWHERE
        assert (await ann.prove()).status == 200
        assert await ann.is_in()
        ann.address = HOME
        assert not await ann.is_in()


FORWARDED: tuple[tuple[str, list[str], bool], ...] = (
    # peer, X-Forwarded-For values, whether the request counts as coming from 203.0.113.7
    ("10.0.0.1", ["203.0.113.7"], True),
    ("10.0.0.1", ["198.51.100.9, 203.0.113.7"], True),
    ("10.0.0.1", ["203.0.113.7, 198.51.100.9"], False),
    ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], True),
    ("10.0.0.1", ["203.0.113.7", "198.51.100.9"], False),
    ("10.0.0.1", ["198.51.100.9", "203.0.113.7"], True),
    ("10.0.0.1", ["203.0.113.7, unknown"], False),
    ("10.0.0.1", ["203.0.113.7,"], False),
    ("10.0.0.1", [""], False),
    ("10.0.0.1", [], False),
    ("10.0.0.1", ["203.0.113.7:443"], True),
    ("10.0.0.1", ["203.0.113.7, [2001:db8::1]:443"], False),
    ("10.0.0.1", ["::ffff:203.0.113.7"], True),
    ("11.0.0.1", ["203.0.113.7"], False),
    ("198.51.100.9", ["203.0.113.7"], False),
    ("unknown", ["203.0.113.7"], False),
    ("203.0.113.7", ["198.51.100.9"], True),
)


@pytest.mark.parametrize(("peer", "forwarded", "same"), FORWARDED, ids=str)
async def test_forwarded_addresses(peer: str, forwarded: list[str], same: bool) -> None:
    """Forwarded addresses are believed from listed proxies only, and read from the right.

    Requirement S-108; decisions 6.
    """
    async with running(make_world(trusted_proxies=["10.0.0.0/8"])) as world:
        ann = await proven(world)
        ann.address = peer
        headers = [*FETCH, *(("x-forwarded-for", value) for value in forwarded)]
        assert ((await ann.ask("GET", "/records", headers=headers)).status == 200) is same


@pytest.mark.parametrize(
    "name", ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "client-ip"]
)
async def test_without_proxies_no_header_is_believed(world: World, name: str) -> None:
    """With no proxies listed every header with an address is ignored.

    So it neither helps a thief nor harms an owner. Requirement S-108.
    """
    ann = await proven(world)
    thief = copied(ann, address=ELSEWHERE)
    value = f"for={HOME}" if name == "forwarded" else HOME
    assert (await thief.ask("GET", "/records", headers=[*FETCH, (name, value)])).status == 403
    assert (await ann.ask("GET", "/records", headers=[*FETCH, (name, ELSEWHERE)])).status == 200


# -- native clients ----------------------------------------------------------------------------------------------------


async def test_a_proof_token_is_no_cookie_for_others(world: World) -> None:
    """A client's proof token is bound like a cookie: to its user, its network and its record.

    Beside a browser's headers it counts for nothing. Requirement S-21.
    """
    bearer = make_world(identify=_by_header, session=False)
    async with running(bearer) as native:
        secret, proof = await _native(native, "ann")
        good = [("x-user", "ann"), ("mfa-proof", proof)]
        ask = Browser(native).ask
        assert (await ask("GET", "/records", headers=good)).status == 200
        for headers in (
            [("x-user", "bob"), ("mfa-proof", proof)],
            [*good, ("mfa-proof", proof)],
            [*good, ("origin", "https://evil.example")],
            [*good, ("sec-fetch-site", "same-origin")],
            [*good, ("cookie", "a=b")],
            [("x-user", "ann"), ("mfa-proof", proof[:-1])],
            [("x-user", "ann"), ("mfa-proof", "")],
            [("x-user", "ann"), ("cookie", f"mfa-proof={proof}")],
        ):
            assert (await ask("GET", "/records", headers=headers)).status in (401, 403), headers
        assert (await Browser(native, address=ELSEWHERE).ask("GET", "/records", headers=good)).status == 403
        native.clock.advance(WEEK)
        assert (await ask("GET", "/records", headers=good)).status == 403
        assert secret


async def _by_header(connection: Any) -> Any:
    from mfa_gate import Subject

    name = connection.headers.get("x-user")
    return Subject(id=name, tenant="alpha", session="client-1") if name else None


async def _native(world: World, id: str) -> tuple[str, str]:
    browser = Browser(world)
    browser.id, browser.tenant = id, "alpha"
    headers = [("x-user", id), ("x-mfa-gate", "1"), ("content-type", "application/json")]
    begun = (await browser.api("POST", "enroll", {"factor": "totp"}, headers=headers)).json()
    browser.secret = begun["secret"]
    confirm = {"enrollment": begun["enrollment"], "response": browser.totp()}
    done = await browser.api("POST", "enroll/confirm", confirm, headers=headers)
    assert done.status == 201
    assert not done.cookies
    return browser.secret, done.json()["proof_token"]


async def test_the_twin_is_led_on_once_and_only_here(world: World) -> None:
    """A double submit leads to the result, and nothing is granted twice.

    No other browser gets it. Requirement F-13; decisions 34.
    """
    first = await world.enrolled()
    browser = await world.browser()
    world.clock.advance(30)
    browser.secret = first.secret
    path = f"/mfa/challenge/{await browser.authenticator('totp')}"
    token = await browser.token(path)
    before = copied(browser)
    elsewhere = await world.browser()
    other_token = await elsewhere.token(path)
    fields = {"code": browser.totp()}
    world.events.clear()
    one, two = await asyncio.gather(browser.form(path, fields, token=token), before.form(path, fields, token=token))
    assert (one.status, two.status) == (303, 303)
    assert len(world.kinds("proof.granted")) == 1
    assert await browser.is_in()
    assert await before.is_in()
    assert browser.cookies[browser.handle] == before.cookies[before.handle]
    stolen = await elsewhere.form(path, fields, token=other_token)
    assert stolen.status == 422
    assert not await elsewhere.is_in()
