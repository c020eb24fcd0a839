"""One signature of a cookie or a token has one meaning, and pieces are joined.

The cookies of an outsider fill no memory.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from starlette.requests import HTTPConnection

from mfa_gate import MFAGateMiddleware, Subject
from mfa_gate.core.model import Seconds, SubjectKey
from mfa_gate.core.rules import BrandRules
from mfa_gate.keyring import Keyring
from mfa_gate.web.brand_files import brand_names
from mfa_gate.web.cookies import Cookies
from mfa_gate.web.theme import brand_css
from tests.harness import (
    FETCH,
    HOME,
    JSON,
    Browser,
    Reply,
    Watch,
    World,
    call,
    http_scope,
    key,
    make_world,
    with_rules,
)

SCOPE = {"type": "http", "scheme": "http"}
ANN = SubjectKey("alpha", "ann")


def jars() -> Cookies:
    """Cookies under one key."""
    return Cookies(Keyring([key(1)]), lambda size: b"\x01" * size, https=False)


def test_each_kind_is_signed_for_itself() -> None:
    """No value of one kind is taken as one of another: handle, token, and the two notes."""
    cookies = jars()
    jar = cookies.jar(ANN, SCOPE)
    handle = "a" * 48
    made = {"handle": cookies.seal(jar, handle), "token": cookies.seal_token(jar, handle)}
    for kind, name in (("going", jar.going), ("flash", jar.flash)):
        _, header = cookies.set_note(jar, name, {"to": "/x"})
        made[kind] = header.decode().partition("=")[2].partition(";")[0]
    assert len({value.rpartition(".")[2] for value in made.values()}) == len(made)
    for kind, value in made.items():
        assert cookies.open(jar, value) == (handle if kind == "handle" else "")
        assert cookies.open_token(jar, value) == (handle if kind == "token" else "")
        for note, name in (("going", jar.going), ("flash", jar.flash)):
            scope = {**SCOPE, "headers": [(b"cookie", name + b"=" + value.encode())]}
            assert cookies.note(jar, name, scope) == ({"to": "/x"} if kind == note else {})


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (SubjectKey("a/b", "c"), SubjectKey("a", "b/c")),
        (SubjectKey("a", "b"), SubjectKey("ab", "")),
        (SubjectKey("handle", "x"), SubjectKey("hand", "lex")),
    ],
)
def test_no_two_people_share_a_signature(one: SubjectKey, two: SubjectKey) -> None:
    """Tenant and id are joined so that no other pair gives the same text."""
    cookies = jars()
    value = cookies.seal(cookies.jar(one, SCOPE), "a" * 48)
    assert cookies.open(cookies.jar(two, SCOPE), value) == ""
    token = cookies.seal_token(cookies.jar(one, SCOPE), "a" * 48)
    assert cookies.open_token(cookies.jar(two, SCOPE), token) == ""


async def _by_header(connection: HTTPConnection) -> Subject | None:
    name = connection.headers.get("x-user")
    return Subject(name, connection.headers.get("x-org", "alpha")) if name else None


def headed() -> World:
    """A host that tells people by a header and names no sign-in session."""
    return make_world(identify=_by_header, session=False)


class Client:
    """A client without cookies.

    ``token`` is the one that it was given, if it keeps it.
    """

    def __init__(self, world: World, *, org: str = "alpha", address: str = HOME, agent: str = "tool/1") -> None:
        self.world = world
        self.org = org
        self.address = address
        self.agent = agent
        self.token = ""

    async def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """Send one request."""
        headers = [JSON, ("x-mfa-gate", "1"), ("x-user", "ann"), ("x-org", self.org), ("user-agent", self.agent)]
        if self.token:
            headers.append(("mfa-proof", self.token))
        scope = http_scope(method, path, headers=headers, address=self.address)
        return await call(self.world.app, scope, json.dumps(body).encode() if body is not None else b"")

    async def begin(self) -> tuple[str, str]:
        """Begin to bind an authenticator app: the draft's id and its secret."""
        begun = (await self.ask("POST", "/mfa/api/enroll", {"factor": "totp"})).json()
        return begun["enrollment"], begun["secret"]

    async def confirm(self, enrollment: str, secret: str) -> Reply:
        """Confirm a draft with the right code."""
        code = pyotp.TOTP(secret).at(int(self.world.clock.at))
        done = await self.ask("POST", "/mfa/api/enroll/confirm", {"enrollment": enrollment, "response": code})
        if done.status == 201:
            self.token = done.json()["proof_token"]
        return done


async def test_a_token_is_no_cookie_and_a_cookie_no_token() -> None:
    """Through the whole gate, in both directions."""
    world = headed()
    client = Client(world)
    assert (await client.confirm(*await client.begin())).status == 201
    assert (await client.ask("GET", "/records")).status == 200
    name = world.gate.web.site.cookies.jar(ANN, SCOPE).handle.decode()
    browser = Browser(world, cookies={name: client.token})
    assert (await browser.ask("GET", "/records", headers=[*FETCH, ("x-user", "ann")])).status == 403
    cookies = world.gate.web.site.cookies
    jar = cookies.jar(ANN, SCOPE)
    handle = cookies.open_token(jar, client.token)
    assert handle
    client.token = cookies.seal(jar, handle)
    assert (await client.ask("GET", "/records")).status == 403


# -- clients of a host that names no session ---------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"address": "198.51.100.9"}, {"agent": "tool/2"}])
async def test_a_draft_is_its_own_clients(other: dict[str, str]) -> None:
    """A draft of one client is not found by another client of the same person.

    The id that the other one names does not matter.
    """
    world = headed()
    client, stranger = Client(world), Client(world, **other)
    enrollment, secret = await client.begin()
    assert (await stranger.confirm(enrollment, secret)).reason == "not_found"
    assert (await client.confirm(enrollment, secret)).status == 201
    assert (await client.ask("GET", "/records")).status == 200
    assert (await stranger.ask("GET", "/records")).status == 403


async def test_a_skip_answers_what_the_app_will_see() -> None:
    """The state after a skip and the app's own answer are one.

    Another client has skipped nothing.
    """
    world = headed()
    client, stranger = Client(world, org="optional"), Client(world, org="optional", address="198.51.100.9")
    assert (await client.ask("GET", "/records")).status == 403
    done = await client.ask("POST", "/mfa/api/enroll/skip", {})
    assert done.json()["state"] == "verified"
    assert (await client.ask("GET", "/records")).status == 200
    assert (await stranger.ask("GET", "/records")).status == 403
    assert (await stranger.ask("GET", "/mfa/api/state")).json()["state"] == "enroll"


# -- pieces ------------------------------------------------------------------------------------------------------------


def in_pieces(browser: Browser) -> list[tuple[str, str]]:
    """A header a cookie, as over HTTP/2."""
    return [("cookie", f"{name}={value}") for name, value in browser.cookies.items()]


async def test_cookies_in_pieces_take_the_fast_path() -> None:
    """Cookies in pieces are judged once: one look at the account for all requests.

    A judgement of a moment ago is remembered.
    """
    world = make_world()
    browser = await world.enrolled()
    loads = 0
    access = world.gate.service.access
    whole = access.judge

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal loads
        loads += 1
        return await whole(*args, **more)

    object.__setattr__(access, "judge", counted)
    scope = http_scope("GET", "/records", headers=[*FETCH, *in_pieces(browser)])
    session = {"user_id": "ann", "org": "alpha", "groups": [], "sid": "s-ann-alpha"}
    app = Watch(secret_app, reached=world.reached)
    for _ in range(20):
        reply = await call(MFAGateMiddleware(app, gate=world.gate), {**scope, "session": session})
        assert reply.status == 200
    assert loads == 1


async def secret_app(scope: Any, receive: Any, send: Any) -> None:
    """An app that answers."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def test_cookies_in_pieces_have_grace() -> None:
    """A browser that had passed before an outage passes in it, with cookies in any form."""
    grace = with_rules(lambda r: replace(r, freshness=replace(r.freshness, outage_grace=Seconds(600))))
    world = make_world(policy=grace)
    browser = await world.enrolled()
    scope = http_scope("GET", "/records", headers=[*FETCH, *in_pieces(browser)])
    scope["session"] = {"user_id": "ann", "org": "alpha", "groups": [], "sid": "s-ann-alpha"}
    gated = MFAGateMiddleware(secret_app, gate=world.gate)
    assert (await call(gated, dict(scope))).status == 200
    await world.store.aclose()
    assert (await call(gated, dict(scope))).status == 200


@pytest.mark.parametrize("apart", [False, True])
async def test_two_cookies_of_our_name_are_none(apart: bool) -> None:
    """Two cookies of our name are none, in one header or in two.

    A memory of either one changes nothing. Requirement S-25.
    """
    world = make_world()
    browser = await world.enrolled()
    assert await browser.is_in()
    ours = f"{browser.handle}={browser.cookies[browser.handle]}"
    session = f"session={browser.cookies['session']}"
    sent = [("cookie", f"{session}; {ours}"), ("cookie", ours)] if apart else [("cookie", f"{session}; {ours}; {ours}")]
    for _ in range(2):
        assert (await browser.ask("GET", "/records", headers=[*FETCH, *sent])).status == 403


# -- what an outsider chooses ------------------------------------------------------------------------------------------


async def test_style_sheets_are_those_of_the_policy() -> None:
    """The policy's own colors are served, and no other name is looked at or kept.

    Visitors could make up names.
    """
    brand, other = BrandRules(accent="#123456"), BrandRules(accent="#654321")
    policy = with_rules(lambda r: replace(r, brand=brand))
    world = make_world(policy=policy)
    own = await call(world.app, http_scope("GET", f"/mfa/static/{brand_names(brand)['brand']}"))
    assert (own.status, own.body) == (200, brand_css(brand))
    assert b"immutable" in dict(own.headers)[b"cache-control"]
    before = brand_css.cache_info().currsize
    for name in (*(f"brand.{number:012x}.css" for number in range(300)), brand_names(other)["brand"]):
        present = await call(world.app, http_scope("GET", f"/mfa/static/{name}"))
        assert (present.status, present.body) == (200, brand_css(brand)), "as for a page of another version"
        assert dict(present.headers)[b"cache-control"] == b"no-store"
    assert brand_css.cache_info().currsize <= before + 1


def test_the_cache_of_style_sheets_is_bounded() -> None:
    """The cache of style sheets is bounded for any number of tenants."""
    for number in range(600):
        brand_css(BrandRules(accent=f"#{number:06x}"))
    assert brand_css.cache_info().currsize <= 256


async def test_long_exempt_paths_are_not_kept() -> None:
    """The paths of visitors behind an exempt tree fill no memory.

    Neither many paths or methods do, nor long ones.
    """
    world = make_world()
    for number in range(700):
        assert (await call(world.app, http_scope("GET", f"/open/{number}"))).status in (200, 404)
        await call(world.app, http_scope(f"M{number}", "/open/x"))
    kept = world.gate.web.path_rules.ways
    assert 0 < sum(map(len, kept.values())) <= 512
    before = {method: dict(ways) for method, ways in kept.items()}
    long = "/open/" + "x" * 10_000
    assert (await call(world.app, http_scope("GET", long))).status == 404
    assert kept == before


async def test_the_settings_of_tenants_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-122: an identity provider that is asked for any tenant's name fills no memory."""
    monkeypatch.setattr("mfa_gate.service.accounts.MAX_CACHED", 50)
    world = make_world()
    await world.gate.web.open()
    for number in range(200):
        await world.engine.settings(f"t{number}")
    sizes = [len(kept) for kept in (world.engine._settings, world.engine._last_settings)]
    assert sizes == [50, 50]
