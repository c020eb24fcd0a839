"""Sign-out: the host's own page, exempt by itself; it ends what was bound to that sign-in, and nothing else opens by it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import Subject
from mfa_gate.errors import SettingsError
from mfa_gate.identity import BearerJWT, FirstOf, SessionUser, TrustedHeader
from tests.harness import FETCH, Browser, World, call, http_scope, log_in, log_out, make_world, secret, with_rules
from tests.web.lasting import CLOSE, asked, by_hand, chat, hold, look, remembered, settle

PER_SESSION = with_rules(lambda r: replace(r, freshness=replace(r.freshness, remember="session")))


def nameless(**more: Any) -> World:
    """A host that names no sign-in session."""
    return make_world(identify=SessionUser("user_id", tenant="org", groups="groups"), **more)


async def again(browser: Browser) -> Browser:
    """The same browser, signed in with the password once more."""
    return await browser.world.browser(browser.id, browser.tenant, sid="another", cookies=browser.cookies)


@pytest.mark.parametrize(
    "value",
    [
        "/",
        "//logout",
        "/logout?all=1",
        "/logout?",
        "/logout#top",
        "/log out",
        "/log\tout",
        "/logout;x",
        "/a/../logout",
        "/a//b",
        "/./logout",
        "/log%6fut",
        "/lögout",
        "\\logout",
        "logout",
        " ",
        "https://localhost:8000/logout",
        "/mfa",
        "/mfa/",
        "/mfa/challenge",
        "/MFA/challenge",
        "/login",
        "/login/",
        None,
    ],
)
def test_a_sign_out_that_is_no_page_of_its_own_stops_the_start(value: Any) -> None:
    """What is exempt by itself is one clean page: no query, no root, nothing that another address is for."""
    with pytest.raises(SettingsError) as caught:
        make_world(sign_out=value)
    [fault] = caught.value.faults
    assert fault.startswith(f"sign_out={value!r}: ")
    assert "e.g." in fault


@pytest.mark.parametrize("name", ["sign_in", "home"])
@pytest.mark.parametrize("value", ["", "//x", "/a\\b", "/a b", "/a\r\nb", "/ä", "/a/../b", "x", "/mfa/challenge", None])
def test_the_hosts_other_places_are_clean(name: str, value: Any) -> None:
    """They are written into answers: a place that no answer could name, or that is one of ours, stops the start."""
    with pytest.raises(SettingsError) as caught:
        make_world(**{name: value})
    assert [fault for fault in caught.value.faults if fault.startswith(f"{name}={value!r}: ")]


def test_places_with_a_query_or_a_fragment_lead_on() -> None:
    """A sign-in or a home may have both: nothing is exempt by them."""
    make_world(sign_in="/login?way=sso", home="/#/inbox", sign_out="")


@pytest.mark.parametrize("path", ["", "/"])
async def test_an_empty_sign_out_exempts_nothing(path: str) -> None:
    """Without a sign-out no address is exempt by it; an empty path is the root, by every way through the gate."""
    world = make_world(sign_out="")
    browser = await world.browser()
    for method in ("GET", "POST"):
        assert (await browser.ask(method, path, headers=FETCH)).status == 403
    assert not world.reached


@pytest.mark.parametrize("root", ["", "/sub"])
async def test_an_empty_path_is_the_root(root: str) -> None:
    """What a rule says of ``/`` holds for the empty path that some servers hand on."""
    rule = replace(with_rules(lambda r: r).base.exempt[0], paths=(replace_path("=/"),))
    world = make_world(policy=with_rules(lambda r: replace(r, exempt=(rule,))))
    for path in ("", "/"):
        scope = http_scope("GET", root + path, root_path=root, headers=FETCH)
        scope["session"] = {"user_id": "ann", "org": "alpha"}
        assert await remembered(world.gate, scope), path


def replace_path(text: str) -> Any:
    """A path of a rule."""
    from mfa_gate.core.rules import PathRule

    return PathRule(text=text)


# -- what ends ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_named_session_ends_with_its_proofs(method: str) -> None:
    """The cookies of before a sign-out, played back, have proven nothing any more."""
    world = make_world()
    first = await world.enrolled()
    browser = await world.browser(sid="shared")
    assert (await browser.prove(first.secret, remember=False)).status == 200
    assert await browser.is_in()
    kept = dict(browser.cookies)
    assert (await browser.ask(method, "/logout")).text == "signed out"
    thief = Browser(world, cookies=kept)
    assert not await thief.is_in()
    assert not any(p.session for b in (await world.account()).browsers for p in b.proofs)
    assert world.kinds("session.ended")


async def test_what_was_not_to_be_remembered_ends_without_a_named_session() -> None:
    """A shared computer: who signs in there next with the password is asked for the second factor."""
    world = nameless()
    first = await world.enrolled()
    browser = await world.browser()
    assert (await browser.prove(first.secret, remember=False)).status == 200
    assert await browser.is_in()
    await browser.ask("GET", "/logout")
    assert not await (await again(browser)).is_in()
    assert await first.is_in()


@pytest.mark.parametrize("named", [True, False])
async def test_a_policy_that_remembers_for_the_session_holds(named: bool) -> None:
    """``remember = "session"`` ends every proof of this browser at sign-out, whatever was ticked."""
    world = make_world(policy=PER_SESSION) if named else nameless(policy=PER_SESSION)
    first = await world.enrolled()
    browser = await world.browser()
    assert (await browser.prove(first.secret, remember=True)).status == 200
    await browser.ask("POST", "/logout")
    assert not await (await again(browser)).is_in()


@pytest.mark.parametrize("named", [True, False])
async def test_a_remembered_browser_stays_remembered(named: bool) -> None:
    """Who ticked "remember" is not asked again within the seven days."""
    world = make_world() if named else nameless()
    first = await world.enrolled()
    browser = await world.browser()
    assert (await browser.prove(first.secret)).status == 200
    await browser.ask("GET", "/logout")
    assert await (await again(browser)).is_in()


async def test_other_sessions_and_browsers_go_on() -> None:
    """A sign-out ends its own sign-in only."""
    world = make_world()
    first = await world.enrolled()
    one, two = await world.browser(sid="one"), await world.browser(sid="two")
    for browser in (one, two):
        assert (await browser.prove(first.secret, remember=False)).status == 200
    await one.ask("GET", "/logout")
    assert await two.is_in()
    assert not await one.is_in() if "session" in one.cookies else True


async def test_a_skip_ends_with_its_sign_in() -> None:
    """Enrollment that was put off in this sign-in is asked for at the next one."""
    world = nameless()
    browser = await world.browser("bob", "optional")
    assert (await browser.api("POST", "enroll/skip", {})).status == 200
    assert await browser.is_in()
    await browser.ask("GET", "/logout")
    assert not await (await again(browser)).is_in()


@pytest.mark.parametrize("path", ["/logout/", "/Logout"])
async def test_other_spellings_of_the_page_end_it_too(path: str) -> None:
    """An app that takes them for its sign-out signs out there: in doubt the proofs end. They are not exempt."""
    app = Starlette(routes=[Route("/login", log_in, methods=["POST"]), Route(path, log_out), Route("/records", secret)])
    world = make_world(app=app)
    browser = await world.browser()
    assert (await browser.ask("GET", path, headers=FETCH)).status == 403
    first = await world.enrolled()
    assert (await browser.prove(first.secret, remember=False)).status == 200
    kept = dict(browser.cookies)
    await browser.ask("GET", path)
    assert not await Browser(world, cookies=kept).is_in()


@pytest.mark.parametrize(("status", "ended"), [(204, True), (303, True), (500, True), (403, False), (405, False)])
async def test_a_sign_out_that_the_host_refuses_ends_nothing(status: int, ended: bool) -> None:
    """A page of another site that asks for the address has no effect where the host takes no such request."""

    async def answer(request: Request) -> Response:
        return PlainTextResponse("", status_code=status)

    app = Starlette(
        routes=[Route("/login", log_in, methods=["POST"]), Route("/logout", answer), Route("/records", secret)]
    )
    world = make_world(app=app)
    first = await world.enrolled()
    browser = await world.browser()
    assert (await browser.prove(first.secret, remember=False)).status == 200
    await browser.ask("GET", "/logout")
    assert await browser.is_in() is not ended


async def test_a_preflight_signs_nobody_out() -> None:
    """Asking what a page takes is not asking for it."""
    world = make_world()
    first = await world.enrolled()
    browser = await world.browser()
    assert (await browser.prove(first.secret, remember=False)).status == 200
    await browser.ask("OPTIONS", "/logout")
    assert await browser.is_in()


async def test_a_store_that_is_away_stops_no_sign_out(caplog: pytest.LogCaptureFixture) -> None:
    """People leave whatever fails; the log says what was not ended."""
    world = make_world()
    browser = await world.enrolled()
    await world.store.aclose()
    with caplog.at_level(logging.ERROR, "mfa_gate"):
        assert (await browser.ask("POST", "/logout")).text == "signed out"
    assert "sign-out" in caplog.text


async def _unnamed(connection: HTTPConnection) -> Subject | None:
    return Subject("ann", "alpha")


def _no_claims(token: str) -> None:
    """No token is good."""


@pytest.mark.parametrize(
    ("identify", "warned"),
    [
        (SessionUser("user_id"), True),
        (SessionUser("user_id", session="sid"), False),
        (TrustedHeader("X-User", from_=["203.0.113.7"]), True),
        (FirstOf(BearerJWT(_no_claims), SessionUser("user_id")), True),
        (FirstOf(BearerJWT(_no_claims), SessionUser("user_id", session="sid")), False),
        (_unnamed, True),
    ],
)
async def test_a_sign_in_without_a_name_is_told_once(
    identify: Any, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start where the adapter knows it, else with the first person; and not again."""
    world = make_world(identify=identify)
    with caplog.at_level(logging.WARNING, "mfa_gate"):
        await world.gate.web.open()
        for _ in range(2):
            await world.browser()
            await Browser(world).ask("GET", "/records", headers=FETCH)
    assert caplog.text.count('session="sid"') == int(warned)


async def test_a_stranger_signs_out_in_peace() -> None:
    """Nobody is signed in: the host's page answers, and nothing is looked up."""
    world = make_world()
    assert (await call(world.app, http_scope("GET", "/logout"))).text == "signed out"


@pytest.mark.parametrize("named", [True, False])
async def test_open_connections_of_the_sign_in_end(named: bool) -> None:
    """A websocket opened before the sign-out ends with it, though its proof is remembered; other browsers' go on."""
    world = make_world() if named else nameless()
    by_hand(world)
    ann = await world.enrolled()
    other = await world.browser(sid="other")
    assert (await other.prove(ann.secret)).status == 200
    mine = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    scope = asked(other, "/chat", kind="websocket")
    theirs = await hold(world, chat, {**scope, "session": {**scope["session"], "sid": "other"}})
    assert (await ann.ask("POST", "/logout")).status < 400
    await look(world)
    assert (mine.sent[-1], mine.is_open) == (CLOSE, False)
    assert theirs.is_open
    theirs.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await settle()


async def test_a_sign_out_on_one_worker_ends_connections_on_the_other() -> None:
    """Both workers share the store; the second hears of the sign-out with the account's next change."""
    one = make_world()
    two = make_world(store=one.store.another(), clock=one.clock)  # type: ignore[attr-defined]
    by_hand(two)
    ann = await one.enrolled()
    await two.gate.web.open()
    socket = await hold(two, chat, asked(ann, "/chat", kind="websocket"))
    assert socket.is_open
    await look(two)
    assert (await ann.ask("POST", "/logout")).status < 400
    await look(two)
    assert (socket.sent[-1], socket.is_open) == (CLOSE, False)
    again = await hold(two, chat, asked(ann, "/chat", kind="websocket"))
    await look(two)
    assert again.is_open, "a connection of a later sign-in in the same session stays"
    again.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await settle()
