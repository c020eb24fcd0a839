"""Bearer callers with an origin, and front ends on another origin of the same site.

V-11, V-35, decision 46.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mfa_gate import MFAGate, RelyingParty, Subject
from mfa_gate.errors import SettingsError
from mfa_gate.identity import BearerJWT
from tests.harness import JSON, ORIGIN, PAGE, POLICY, Browser, Headers, Reply, World, key, make_world, running

SPA = "http://localhost:5173"
MARK = ("x-mfa-gate", "1")
TOKEN = ("authorization", "Bearer good-ann")
FOREIGN: list[Headers] = [
    [("origin", "null")],
    [("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")],
    [("origin", "capacitor://localhost")],
    [("origin", "https://other.example")],
]


def verify(token: str) -> dict[str, Any] | None:
    """The claims of a good token."""
    return {"sub": token[5:], "sid": "s1", "org": "alpha"} if token.startswith("good-") else None


@pytest.fixture
async def native() -> AsyncIterator[World]:
    """A host whose people come with a token."""
    async with running(make_world(identify=BearerJWT(verify, tenant="org"), session=False)) as world:
        yield world


async def proof_of(world: World, headers: Headers) -> str:
    """Enroll and prove by JSON alone; returns the proof token."""
    client = Browser(world)
    begun = await client.api("POST", "enroll", {"factor": "totp"}, headers=[TOKEN, MARK, JSON, *headers])
    assert begun.status == 201, begun.text
    client.secret = begun.json()["secret"]
    answer = {"enrollment": begun.json()["enrollment"], "response": client.totp()}
    done = await client.api("POST", "enroll/confirm", answer, headers=[TOKEN, MARK, JSON, *headers])
    assert done.status == 201, done.text
    assert not client.cookies
    token: str = done.json()["proof_token"]
    return token


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_bearer_caller_may_tell_any_origin(native: World, headers: Headers) -> None:
    """V-11: with a token and no cookie there is nothing that another site could misuse."""
    proof = ("mfa-proof", await proof_of(native, headers))
    assert (await Browser(native).ask("GET", "/records", headers=[TOKEN, proof, *headers])).status == 200
    assert (await Browser(native).ask("GET", "/records", headers=[TOKEN, *headers])).status == 401


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_cookie_makes_the_origin_count(native: World, headers: Headers) -> None:
    """Besides a token, any cookie is one too many: the browser may have been made to send it."""
    for cookie in ("session=x", "mfa-x=y"):
        sent = [TOKEN, MARK, JSON, ("cookie", cookie), *headers]
        reply = await Browser(native).api("POST", "enroll", {"factor": "totp"}, headers=sent)
        assert (reply.status, reply.reason) == (403, "csrf")
    reply = await Browser(native).api("POST", "enroll", {"factor": "totp"}, headers=[TOKEN, JSON, *headers])
    assert (reply.status, reply.reason) == (403, "csrf")


async def test_a_browser_of_our_own_keeps_its_cookie(native: World) -> None:
    """A page of our own origin that sends a token proves by a cookie, as before."""
    page = Browser(native)
    own = [TOKEN, MARK, JSON, ("origin", ORIGIN), ("sec-fetch-site", "same-origin")]
    begun = (await page.api("POST", "enroll", {"factor": "totp"}, headers=own)).json()
    page.secret = begun["secret"]
    answer = {"enrollment": begun["enrollment"], "response": page.totp()}
    done = await page.api("POST", "enroll/confirm", answer, headers=own)
    assert "proof_token" not in done.json()
    assert page.cookies


async def test_a_bearer_caller_is_told_the_call(native: World) -> None:
    """A refusal of a bearer caller names the JSON call that leads on.

    Such a caller can open no page. Requirement V-11.
    """
    reply = await Browser(native).ask("GET", "/records", headers=[TOKEN, ("origin", "null")])
    assert (reply.status, reply.json()["api_url"]) == (401, "/mfa/api/enroll")
    await proof_of(native, [])
    reply = await Browser(native).ask("GET", "/records", headers=[TOKEN])
    assert (reply.status, reply.json()["api_url"]) == (401, "/mfa/api/challenge")


# -- front ends on another origin --------------------------------------------------------------------------------------

FROM_SPA = (("origin", SPA), ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors"))
PREFLIGHT = (("access-control-request-method", "POST"), ("access-control-request-headers", "content-type,x-mfa-gate"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with a front end on another port."""
    async with running(make_world(api_origins=[SPA])) as world:
        yield world


def shared(reply: Reply) -> tuple[str, str]:
    """Return the origin that may read an answer, and the word about cookies."""
    return reply.header("access-control-allow-origin"), reply.header("access-control-allow-credentials")


def varies(reply: Reply) -> set[str]:
    """Return the names of the headers that an answer varies by."""
    return {part.strip() for name, value in reply.headers if name == b"vary" for part in value.decode().split(",")}


async def test_a_listed_front_end_makes_calls(world: World) -> None:
    """Decision 46: preflight, enrollment and proof from a listed origin, with cookies."""
    ann = await world.browser()
    asked = await ann.api("OPTIONS", "enroll", headers=[*FROM_SPA, *PREFLIGHT])
    assert (asked.status, *shared(asked)) == (204, SPA, "true")
    assert "X-MFA-Gate" in asked.header("access-control-allow-headers")
    assert "Origin" in varies(asked)
    assert (asked.header("cache-control"), "Cookie" in varies(asked)) == ("no-store", True), "S-18: as every answer"
    sent = [*FROM_SPA, MARK, JSON]
    begun = await ann.api("POST", "enroll", {"factor": "totp"}, headers=sent)
    assert (begun.status, *shared(begun)) == (201, SPA, "true")
    ann.secret = begun.json()["secret"]
    answer = {"enrollment": begun.json()["enrollment"], "response": ann.totp()}
    done = await ann.api("POST", "enroll/confirm", answer, headers=sent)
    assert "proof_token" not in done.json()
    assert await ann.is_in()
    refused = await ann.api("POST", "verify", {"response": 1}, headers=sent)
    assert (refused.status, *shared(refused)) == (422, SPA, "true")
    stranger = await Browser(world).api("GET", "state", headers=FROM_SPA)
    assert (stranger.status, *shared(stranger)) == (401, SPA, "true")
    assert varies(stranger) >= {"Cookie", "Origin"}


@pytest.mark.parametrize(
    "headers",
    [
        [("origin", "http://localhost:5174")],
        [("origin", "https://localhost:5173")],
        [("origin", "http://evil.localhost:5173")],
        [("origin", SPA + "/")],
        [("origin", "null")],
        [("origin", SPA), ("origin", SPA)],
        [("origin", SPA), ("origin", "https://evil.example")],
        [("origin", SPA), ("sec-fetch-site", "cross-site")],
        [("origin", SPA), ("sec-fetch-site", "none")],
        [("origin", SPA), ("sec-fetch-site", "same-site"), ("sec-fetch-site", "cross-site")],
        [("referer", SPA + "/page")],
        [("sec-fetch-site", "same-site")],
    ],
    ids=str,
)
async def test_no_other_origin(world: World, headers: Headers) -> None:
    """A cookie caller of an origin that is not listed changes and reads nothing.

    This holds also if the caller does not say its origin plainly. Requirement S-99.
    """
    ann = await world.browser()
    reply = await ann.api("POST", "enroll", {"factor": "totp"}, headers=[*headers, MARK, JSON])
    assert (reply.status, reply.reason) == (403, "csrf")
    for method, more in (("OPTIONS", PREFLIGHT), ("GET", ())):
        reply = await ann.api(method, "state", headers=[*headers, *more])
        assert shared(reply) == ("", "")
        assert "Origin" in varies(reply)


async def test_only_our_json_is_shared(world: World) -> None:
    """Pages, forms and the app's own answers stay the origin's own."""
    ann = await world.enrolled()
    for path in ("/mfa", "/mfa/challenge", "/records", "/mfa/static/none"):
        for method, more in (("OPTIONS", PREFLIGHT), ("GET", ())):
            assert shared(await ann.ask(method, path, headers=[*FROM_SPA, *more])) == ("", "")
    token = await ann.token()
    reply = await ann.form("/mfa", {"action": "rename"}, headers=[*PAGE[:1], *FROM_SPA], token=token)
    assert reply.status in (403, 422)


async def test_a_person_comes_back_to_the_front_end(world: World) -> None:
    """A person comes back to the front end by a return address.

    The refusal has a whole address. Requirement V-35.
    """
    ann = await world.enrolled()
    other = await world.browser(sid="again")
    other.secret = ann.secret
    refused = await other.ask("GET", "/records", headers=FROM_SPA)
    assert refused.json()["challenge_url"] == f"{ORIGIN}/mfa/challenge"
    shown = await other.page(f"/mfa/challenge?return_to={SPA}/orders/7%3Fa=1%23/pay")
    assert (shown.status, shown.location) == (303, "/mfa/challenge")
    world.clock.advance(30)
    id = await other.authenticator("totp")
    done = await other.form(f"/mfa/challenge/{id}", {"code": other.totp()})
    assert done.status == 200
    assert done.header("refresh") == f"0;url={SPA}/orders/7?a=1#/pay"


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "http://localhost:5174/",
        f"{SPA}.evil.example/",
        f"{SPA}@evil.example/",
        "http://user@localhost:5173/",
        f"{SPA}/a%5Cb",
        f"{SPA}\\@evil.example/",
        "//localhost:5173/",
        "javascript:alert(1)",
        f"{SPA}/%0d%0aset-cookie:x",
        f"{SPA}/#%0d",
        "http://LOCALHOST:5173/",
    ],
)
async def test_no_other_return_address(world: World, to: str) -> None:
    """S-101: nobody is led anywhere but to a listed origin."""
    ann = await world.browser()
    reply = await ann.page(f"/mfa/enroll?return_to={to}")
    assert reply.status == 200
    assert not [name for name in ann.cookies if name.endswith("-to")]


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        ("*", "no exact origin"),
        ("https://*.app.example", "no exact origin"),
        ("https://spa.app.example/", "no exact origin"),
        ("https://spa.app.example/x", "no exact origin"),
        ("https://SPA.app.example", "no exact origin"),
        ("null", "no exact origin"),
        ("capacitor://localhost", "no exact origin"),
        ("https://spa.app.example:443", "never matches"),
        ("http://spa.app.example", "another scheme"),
        ("https://spa.other.test", "another site"),
        ("https://app.example", "already"),
    ],
)
def test_faults_at_start(origin: str, why: str) -> None:
    """An entry that can never match, or would match too much, stops the start and is named."""

    async def nobody(connection: Any) -> Subject | None:
        return None

    party = RelyingParty(id="app.example", name="App", origins=["https://app.example"])
    with pytest.raises(SettingsError) as caught:
        MFAGate(
            policy=POLICY, identify=nobody, store="memory://", keys=[key(1)], relying_party=party, api_origins=[origin]
        )
    told = [fault for fault in caught.value.faults if "api_origins" in fault]
    assert len(told) == 1
    assert repr(origin) in told[0]
    assert why in told[0]


@pytest.mark.parametrize(
    ("host", "led_to"),
    [("api.localhost:8000", "http://api.localhost:8000"), ("localhost:8000", ORIGIN), ("evil.example", ORIGIN)],
)
async def test_a_front_end_is_led_to_the_host_that_it_asked(host: str, led_to: str) -> None:
    """A front end is led to the host that it asked, as a proof counts only at its own host.

    Only configured origins are ever named.
    """
    party = RelyingParty(id="localhost", name="Example", origins=[ORIGIN, "http://api.localhost:8000"])
    async with running(make_world(relying_party=party, api_origins=[SPA])) as world:
        ann = await world.browser()
        refused = await ann.ask("GET", "/records", headers=[*FROM_SPA, ("host", host)])
        assert refused.json()["challenge_url"].startswith(f"{led_to}/mfa/")
        assert refused.json()["api_url"].startswith(f"{led_to}/mfa/")
