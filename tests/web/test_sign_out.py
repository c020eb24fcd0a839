"""Sign-out is the host's own page, exempt by itself.

It ends the proofs that were bound to that sign-in, and nothing else opens by it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from mfa_gate import MFAGateMiddleware, Subject
from mfa_gate.errors import SettingsError
from mfa_gate.identity import BearerJWT, FirstOf, SessionUser, TrustedHeader
from tests.harness import (
    FETCH,
    PAGE,
    Browser,
    World,
    bare,
    call,
    http_scope,
    log_in,
    log_out,
    make_world,
    running,
    secret,
    with_rules,
)
from tests.web.lasting import CLOSE, asked, by_hand, chat, hold, look, remembered, settle

PER_SESSION = with_rules(lambda r: replace(r, freshness=replace(r.freshness, remember="session")))


def nameless(**more: Any) -> World:
    """A host that names no sign-in session."""
    return make_world(identify=SessionUser("user_id", tenant="org", groups="groups"), **more)


async def again(browser: Browser) -> Browser:
    """Return the same browser, signed in with the password once more."""
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
    """A sign-out must be one clean page: no query, no root, no address of another purpose.

    It is exempt by itself.
    """
    with pytest.raises(SettingsError) as caught:
        make_world(sign_out=value)
    [fault] = caught.value.faults
    assert fault.startswith(f"sign_out={value!r}: ")
    assert "e.g." in fault


@pytest.mark.parametrize("name", ["sign_in", "home"])
@pytest.mark.parametrize("value", ["", "//x", "/a\\b", "/a b", "/a\r\nb", "/ä", "/a/../b", "x", "/mfa/challenge", None])
def test_the_hosts_other_places_are_clean(name: str, value: Any) -> None:
    """A place of the host that no answer could name, or that is ours, stops the start.

    The places are written into answers.
    """
    with pytest.raises(SettingsError) as caught:
        make_world(**{name: value})
    assert [fault for fault in caught.value.faults if fault.startswith(f"{name}={value!r}: ")]


def test_places_with_a_query_or_a_fragment_lead_on() -> None:
    """A sign-in or a home may have both: nothing is exempt by them."""
    make_world(sign_in="/login?way=sso", home="/#/inbox", sign_out="")


@pytest.mark.parametrize(
    ("sign_in", "method", "asked", "led"),
    [
        ("/login?next={next}", "GET", "/mfa?a=1&b=%20", "/login?next=/mfa%3Fa%3D1%26b%3D%2520"),
        ("/login?next={next}", "GET", "/mfa/backup-codes", "/login?next=/mfa/backup-codes"),
        ("/login?next={next}", "POST", "/mfa", "/login?next="),
        ("/login", "GET", "/mfa?a=1", "/login"),
    ],
)
async def test_the_sign_in_is_told_the_page_that_was_asked_for(sign_in: str, method: str, asked: str, led: str) -> None:
    """A stranger on a page of ours comes back to it, where the host wants to be told."""
    async with running(make_world(sign_in=sign_in)) as world:
        reply = await Browser(world).ask(method, asked, headers=PAGE)
    assert (reply.status, reply.location) == (303, led)


@pytest.mark.parametrize("path", ["", "/"])
async def test_an_empty_sign_out_exempts_nothing(path: str) -> None:
    """Without a sign-out no address is exempt by it.

    An empty path is the root, by every way through the gate.
    """
    world = make_world(sign_out="")
    browser = await world.browser()
    for method in ("GET", "POST"):
        assert (await browser.ask(method, path, headers=FETCH)).status == 403
    assert not world.reached


@pytest.mark.parametrize("root", ["", "/sub"])
async def test_an_empty_path_is_the_root(root: str) -> None:
    """A rule about ``/`` holds for the empty path that some servers hand on."""
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


@pytest.mark.parametrize("wait", [0, 86_400 * 6])
async def test_a_copy_of_a_signed_out_session_has_proven_nothing(wait: int) -> None:
    """Cookies of before a sign-out open nothing, although the browser is remembered (S-20).

    Starlette's session is a signed cookie, which no host can end. The next sign-in of the browser is not asked.
    """
    async with running(make_world()) as world:
        first = await world.enrolled()
        browser = await world.browser(sid="one")
        assert (await browser.prove(first.secret)).status == 200
        thief = Browser(world, cookies=dict(browser.cookies))
        assert await thief.is_in()
        await browser.ask("GET", "/logout")
        world.clock.advance(wait)
        assert not await thief.is_in()
        later = await world.browser(sid="two", cookies=browser.cookies)
        assert await later.is_in()
        assert not await thief.is_in()
        # A host may go on with a name that was signed out. One proof in it is enough.
        thief.id, thief.tenant = "ann", "alpha"
        assert (await thief.prove(first.secret)).status == 200
        assert await thief.is_in()


async def test_a_proof_after_a_sign_out_brings_nothing_else_back() -> None:
    """Under a name that all sign-ins share, a copy of before the sign-out stays out."""
    async with running(make_world()) as world:
        first = await world.enrolled()
        one, two = [await world.browser(sid="all") for _ in range(2)]
        for browser in (one, two):
            assert (await browser.prove(first.secret)).status == 200
            world.clock.advance(40)
        thief = Browser(world, cookies=dict(one.cookies))
        assert await thief.is_in()
        await two.ask("GET", "/logout")
        two = await world.browser(sid="all", cookies=two.cookies)
        assert (await two.prove(first.secret)).status == 200
        assert await two.is_in()
        assert not await thief.is_in()
        world.clock.advance(-20)
        await two.ask("GET", "/logout")
        two = await world.browser(sid="all", cookies=two.cookies)
        world.clock.advance(60)
        assert (await two.prove(first.secret)).status == 200
        assert await two.is_in()


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
    """Without a named session a proof that was not to be remembered ends at sign-out.

    On a shared computer the next person with the password is asked for the second factor.
    """
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
    """``remember = "session"`` ends every proof of this browser at sign-out.

    The tick does not matter.
    """
    world = make_world(policy=PER_SESSION) if named else nameless(policy=PER_SESSION)
    first = await world.enrolled()
    browser = await world.browser()
    assert (await browser.prove(first.secret, remember=True)).status == 200
    await browser.ask("POST", "/logout")
    assert not await (await again(browser)).is_in()


@pytest.mark.parametrize("named", [True, False])
async def test_a_remembered_browser_stays_remembered(named: bool) -> None:
    """A person who ticked "remember" is not asked again within the seven days."""
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
    """Other spellings of the sign-out page end the proofs, too, and are not exempt.

    An app may take them for its sign-out. In doubt the proofs end.
    """
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
    """A sign-out that the host refuses ends nothing.

    So a page of another site that asks for the address has no effect.
    """

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
    """A preflight of the sign-out page signs nobody out."""
    world = make_world()
    first = await world.enrolled()
    browser = await world.browser()
    assert (await browser.prove(first.secret, remember=False)).status == 200
    await browser.ask("OPTIONS", "/logout")
    assert await browser.is_in()


async def test_a_store_that_is_away_stops_no_sign_out(caplog: pytest.LogCaptureFixture) -> None:
    """People can sign out while the store is away.

    The log says that proofs were not ended.
    """
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
    """A websocket opened before the sign-out ends with it, though its proof is remembered.

    Those of other browsers go on.
    """
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
    """A sign-out on one worker ends the connections on the other.

    Both workers share the store. The second hears of the sign-out with the account's next change.
    """
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
    scope = asked(ann, "/chat", kind="websocket")
    again = await hold(two, chat, {**scope, "session": {**scope["session"], "sid": "later"}})
    await look(two)
    assert again.is_open, "a connection of a later sign-in stays"
    again.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await settle()


# -- a sign-out that takes POST alone ----------------------------------------------------------------------------------


def posting(*routes: Any, **more: Any) -> World:
    """Make a host with these routes for its sign-out."""
    return make_world(app=Starlette(routes=[Route("/login", log_in, methods=["POST"]), *routes]), **more)


def button(page: str) -> list[str]:
    """Return the addresses of the sign-out's buttons on a page."""
    return re.findall(r'<form[^>]*method="post" action="([^"]*)"><button class="[^"]*">(?:Not now\? )?Sign out', page)


def link(page: str) -> list[str]:
    """Return the addresses of the sign-out's links on a page."""
    return re.findall(r'<a [^>]*href="([^"]*)">(?:Not now\? )?Sign out', page)


POST_ONLY = Route("/logout", log_out, methods=["POST"])


@pytest.mark.parametrize(
    ("routes", "posts"),
    [
        ([POST_ONLY], True),
        ([POST_ONLY, Mount("/", bare)], True),
        ([Route("/logout", log_out, methods=["POST", "DELETE"])], True),
        ([POST_ONLY, Route("/logout", secret)], False),
        ([Route("/logout", log_out, methods=["GET", "POST"])], False),
        ([Route("/logout", log_out)], False),
        ([Mount("/", Starlette(routes=[POST_ONLY]))], True),
        ([Route("/logout/all", log_out, methods=["POST"])], False),
        ([], False),
    ],
)
async def test_the_button_is_a_form_where_the_host_takes_post_alone(routes: list[Any], posts: bool) -> None:
    """The host's route tells at the start if the pages have a form: a link would end in 405."""
    async with running(posting(*routes)) as world:
        page = (await (await world.browser()).page("/mfa/enroll")).text
        assert button(page) == (["/logout"] * 2 if posts else [])
        assert link(page) == ([] if posts else ["/logout"] * 2)


def leave() -> str:
    """Stand for the host's endpoint."""
    return "signed out"


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/out"])
async def test_the_routes_of_fastapi(path: str) -> None:
    """An included router's prefix counts, and so does the root that a server puts before it."""
    router = APIRouter(prefix="/auth")
    router.add_api_route("/logout", leave, methods=["POST"])
    router.add_api_route("/out", leave, methods=["GET"])
    app = FastAPI()
    app.include_router(router)
    app.add_route("/login", log_in, methods=["POST"])
    async with running(make_world(app=app, sign_out=path)) as world:
        browser = await world.browser()
        page = (await browser.page("/mfa/enroll", root_path="/app")).text
        assert (button if path.endswith("logout") else link)(page) == [f"/app{path}"] * 2


async def test_a_host_whose_routes_nobody_can_list_shows_it_by_its_405() -> None:
    """The first link is refused; from then on our pages have a button, which works."""
    inner = Starlette(routes=[Route("/login", log_in, methods=["POST"]), POST_ONLY])

    async def opaque(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    world = posting()
    world.app = SessionMiddleware(MFAGateMiddleware(opaque, gate=world.gate), secret_key="a test")
    async with running(world):
        browser = await world.enrolled()
        assert link((await browser.page("/mfa")).text) == ["/logout"]
        assert (await browser.ask("GET", "/logout")).status == 405
        assert await browser.state() != {}
        assert button((await browser.page("/mfa")).text) == ["/logout"]
        assert (await browser.ask("POST", "/logout")).text == "signed out"


async def test_a_refused_link_ends_nothing() -> None:
    """405 signs nobody out: the proof of the sign-in stays."""
    async with running(posting(POST_ONLY, Route("/records", secret), policy=PER_SESSION)) as world:
        browser = await world.enrolled()
        assert (await browser.ask("GET", "/logout")).status == 405
        assert await browser.is_in()


@pytest.mark.parametrize("place", ["locked", "enroll"])
async def test_every_page_has_the_button(place: str) -> None:
    """No page of ours leads to the sign-out by a link where only a form works."""
    async with running(posting(POST_ONLY)) as world:
        browser = await world.browser()
        if place == "locked":
            await (await world.enrolled(address="203.0.113.9")).lock()
        page = (await browser.page(f"/mfa/{place}")).text
        assert button(page) == ["/logout"] * 2
        assert not link(page)
