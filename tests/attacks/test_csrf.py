"""Nothing that another site can make a browser send changes anything.

Nor does a request that our own page would never send.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.attacks.deeds import (
    API_DEEDS,
    DEEDS,
    PAGE_DEEDS,
    Deed,
    Stage,
    deeds_world,
    encoded,
    honest,
    snapshot,
    uncovered,
)
from tests.harness import FETCH, ORIGIN, PAGE, Headers, call, http_scope, running

EVIL = "https://evil.example"
ORIGINS: dict[str, Headers] = {
    "nothing says whence": [],
    "origin null": [("origin", "null")],
    "foreign origin": [("origin", EVIL)],
    "no port": [("origin", "http://localhost")],
    "other port": [("origin", "http://localhost:8001")],
    "other scheme": [("origin", "https://localhost:8000")],
    "longer host": [("origin", "http://localhost:8000.evil.example")],
    "subdomain": [("origin", "http://evil.localhost:8000")],
    "slash": [("origin", ORIGIN + "/")],
    "upper case": [("origin", ORIGIN.upper())],
    "empty": [("origin", "")],
    "two origins": [("origin", ORIGIN), ("origin", EVIL)],
    "a list of origins": [("origin", f"{ORIGIN} {EVIL}")],
    "cross-site": [("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
    "same-site": [("origin", ORIGIN), ("sec-fetch-site", "same-site")],
    "none": [("origin", ORIGIN), ("sec-fetch-site", "none")],
    "cross-site alone": [("sec-fetch-site", "cross-site")],
    "two sites": [("origin", ORIGIN), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    "foreign origin, same-origin": [("origin", EVIL), ("sec-fetch-site", "same-origin")],
    "null origin, same-origin": [("origin", "null"), ("sec-fetch-site", "same-origin")],
    "foreign referer": [("referer", EVIL + "/mfa")],
    "referer like ours": [("referer", ORIGIN + ".evil.example/mfa")],
    "referer with a name": [("referer", "http://localhost:8000@evil.example/mfa")],
    "broken referer": [("referer", "http://[")],
    "early data": [("origin", ORIGIN), ("early-data", "1")],
    "early data twice": [("origin", ORIGIN), ("early-data", "1"), ("early-data", "1")],
}
TYPES: dict[str, list[tuple[str, str]]] = {
    name or "no type": [("content-type", name)] if name else []
    for name in (
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/x-json",
        "application/json-patch+json",
        "text/json",
        "text/plain; application/json",
        "text/plain;charset=application/json",
        "application/x-www-form-urlencodedx",
        "application/octet-stream",
        "*/*",
    )
}


def without(headers: Iterable[tuple[str, str]], *names: str) -> list[tuple[str, str]]:
    """The headers but those."""
    return [item for item in headers if item[0] not in names]


async def tried(stage: Stage, deed: Deed, headers: Headers, body: bytes, *, method: str = "", path: str = "") -> None:
    """Assert that a forged request changes nothing.

    Its answer sets no cookie in the victim's browser here.
    """
    world = stage.browser.world
    before = snapshot(world)
    reply = await stage.browser.ask(
        method or deed.method, path or deed.path_for(stage), headers=headers, body=body, keep=False
    )
    assert snapshot(world) == before, (deed.name, headers, reply.status)
    assert reply.status not in (200, 201, 202, 204) or (method or deed.method) in ("GET", "HEAD", "OPTIONS")


def test_every_change_is_tried() -> None:
    """Every page and call that changes something is in the table that these tests go through."""
    assert uncovered() == set()


@pytest.fixture(params=DEEDS, ids=lambda deed: f"{'page' if deed.is_form else 'api'} {deed.name}")
def deed(request: pytest.FixtureRequest) -> Deed:
    """One of all deeds."""
    found: Deed = request.param
    return found


STAGES: dict[Deed, tuple[Stage, bytes, str]] = {}


async def staged(deed: Deed) -> tuple[Stage, bytes, str]:
    """Return the stage, the honest body, and the token of the victim's own page.

    They are made once, as nothing here changes anything.
    """
    if deed not in STAGES:
        world = deeds_world()
        await world.gate.web.open()
        stage = await deed.stage(world)
        body, token = json.dumps(deed.body_for(stage)).encode(), ""
        if deed.is_form:
            token = await stage.browser.token(deed.path_for(stage))
            body = encoded({"csrf_token": token, **deed.fields_for(stage)})
        await world.engine.effects.idle()
        STAGES[deed] = (stage, body, token)
    return STAGES[deed]


async def test_a_deed_done_honestly_changes_something(deed: Deed) -> None:
    """Each deed changes something if our own page does it.

    This is the other side of this file: the requests below are refused for their origin.
    """
    async with running(deeds_world()) as world:
        stage = await deed.stage(world)
        await world.engine.effects.idle()
        before = snapshot(world)
        reply = await deed.done(stage)
        await world.engine.effects.idle()
        assert snapshot(world) != before, (reply.status, reply.text)


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
async def test_foreign_origins(deed: Deed, every: int) -> None:
    """A request of a foreign origin, or of none, changes nothing, also with the right token.

    Its content type is right, too. A request that came as early data changes nothing either. By default the origins take
    turns: each is tried with a third of the deeds, with ``--long`` with all. Requirement S-99.
    """
    stage, body, _ = await staged(deed)
    plain = without(honest(deed), "origin", "sec-fetch-site")
    for number, (name, headers) in enumerate(ORIGINS.items(), DEEDS.index(deed)):
        if number % every or (name == "nothing says whence" and not deed.is_form):
            continue
        await tried(stage, deed, [*plain, *headers], body)


async def test_foreign_types(deed: Deed) -> None:
    """S-100: the content type is compared exactly, and comes once."""
    stage, body, _ = await staged(deed)
    if deed.method == "DELETE":
        return
    plain = without(honest(deed), "content-type")
    own = next(item for item in honest(deed) if item[0] == "content-type")
    other = ("content-type", "application/json" if deed.is_form else "application/x-www-form-urlencoded")
    for headers in [
        *TYPES.values(),
        [other],
        [own, own],
        [own, ("content-type", "text/plain")],
        [("content-type", f"{other[1]}, {own[1]}")],
    ]:
        await tried(stage, deed, [*plain, *headers], body)


async def test_other_methods(deed: Deed) -> None:
    """S-99, S-55: no other method does it, no override and no field names one."""
    stage, body, _ = await staged(deed)
    path = deed.path_for(stage)
    for method in {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "POST", "post", "TRACE"} - {deed.method}:
        if method == "DELETE" and not deed.is_form and "/authenticators/" in path:
            continue
        query = body.decode("ascii", "replace") if deed.is_form else "_method=POST"
        for override in ((), (("x-http-method-override", deed.method), ("x-method-override", deed.method))):
            calm = without(honest(deed), "sec-fetch-mode")
            await tried(stage, deed, [*calm, *override], body, method=method, path=f"{path}?{query}")


@pytest.mark.parametrize("deed", PAGE_DEEDS, ids=lambda deed: deed.name)
async def test_foreign_tokens(deed: Deed) -> None:
    """S-99: from the right origin, a form without this very browser's token changes nothing."""
    stage, _, token = await staged(deed)
    browser, fields, world = stage.browser, deed.fields_for(stage), stage.browser.world
    twin = await world.browser(browser.id, browser.tenant)
    other = await world.browser("mallory", browser.tenant)
    later = await world.browser(browser.id, browser.tenant, sid="another", cookies=browser.cookies)
    foreign = [await someone.token() for someone in (twin, other, later)]
    assert token not in foreign
    await world.engine.effects.idle()
    for wrong in (None, "", "x", token[:-1], token + "A", token.swapcase(), "null", *foreign):
        await tried(stage, deed, honest(deed), encoded({**({} if wrong is None else {"csrf_token": wrong}), **fields}))
    twice = [("csrf_token", token), ("csrf_token", token), *fields.items()]
    await tried(stage, deed, honest(deed), encoded(twice))
    path = f"{deed.path_for(stage)}?csrf_token={token}"
    await tried(stage, deed, [*honest(deed), ("x-csrf-token", token)], encoded(fields), path=path)


@pytest.mark.parametrize("deed", PAGE_DEEDS, ids=lambda deed: deed.name)
async def test_two_cookies(deed: Deed) -> None:
    """Two cookies of the handle's name are none.

    A planted cookie beside the browser's own one opens nothing. Requirement S-25.
    """
    stage, body, _ = await staged(deed)
    browser = stage.browser
    planted = (await browser.world.browser(browser.id, browser.tenant)).cookies
    mine = browser.cookie_header()
    name = browser.handle
    value = browser.cookies[name]
    for more in (f"{name}={value}", f"{name}=x", f"{name}=", f"{name}={planted.get(name, 'y')}"):
        for header in (f"{mine}; {more}", f"{more}; {mine}"):
            await tried(stage, deed, [*honest(deed), ("cookie", header)], body)
        await tried(stage, deed, [*honest(deed), ("cookie", mine), ("cookie", more)], body)


@pytest.mark.parametrize("deed", API_DEEDS, ids=lambda deed: deed.name)
async def test_without_our_header(deed: Deed) -> None:
    """A call without the header that no form can send changes nothing.

    This holds for our own origin, too. Contract 3.
    """
    stage, body, _ = await staged(deed)
    for marks in ((), ("0",), ("",), ("true",), ("1", "1"), ("1, 1",), (" 1 x",)):
        headers = [*without(honest(deed), "x-mfa-gate"), *(("x-mfa-gate", mark) for mark in marks)]
        await tried(stage, deed, headers, body)


@pytest.mark.parametrize("deed", API_DEEDS, ids=lambda deed: deed.name)
async def test_a_form_is_no_call(deed: Deed) -> None:
    """A form of another site reaches no call, in each of the three types that forms have.

    Requirement S-100.
    """
    stage, body, _ = await staged(deed)
    form = encoded({key: str(value) for key, value in deed.body_for(stage).items()})
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        for data in (body, form, body[:-1] + b',"x":"="}'):
            await tried(stage, deed, [*PAGE, ("origin", EVIL), ("content-type", kind)], data, method="POST")


async def test_a_stale_form_is_shown_again() -> None:
    """A form with a wrong token answers 422 with the page and a fresh token, and does nothing.

    Requirement U-56.
    """
    async with running(deeds_world()) as world:
        deed = next(deed for deed in PAGE_DEEDS if deed.name == "rename")
        stage = await deed.stage(world)
        reply = await stage.browser.form("/mfa", deed.fields_for(stage), token="stale")
        assert reply.status == 422
        assert 'role="alert"' in reply.text
        assert 'name="csrf_token"' in reply.text


async def test_nobody_embeds_our_pages() -> None:
    """Every page of ours forbids frames, foreign forms and inline code.

    It tells no address to other sites. Requirement S-103.
    """
    async with running(deeds_world()) as world:
        settled = (await PAGE_DEEDS[0].stage(world)).browser
        pending = await world.browser()
        for browser, paths in (
            (
                settled,
                ("/mfa", "/mfa/enroll", "/mfa/enroll/totp", "/mfa/backup-codes", "/mfa/enroll/done", "/mfa/nothing"),
            ),
            (pending, ("/mfa/challenge", "/mfa/challenge/help", "/mfa/recovery")),
        ):
            for path in paths:
                reply = await browser.page(path)
                assert reply.header("content-type").startswith("text/html"), path
                policy = reply.header("content-security-policy")
                for word in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
                    assert word in policy, path
                assert "unsafe" not in policy
                assert reply.header("x-content-type-options") == "nosniff"
                assert reply.header("referrer-policy") == "same-origin"
                assert reply.header("cross-origin-opener-policy") == "same-origin"
                assert reply.header("cache-control") == "no-store"
                assert "<script>" not in reply.text
                assert " style=" not in reply.text


async def test_no_cors_of_our_own() -> None:
    """S-99: no answer of ours lets another origin read it, a preflight neither."""
    async with running(deeds_world()) as world:
        stage = await PAGE_DEEDS[0].stage(world)
        asked = [
            ("origin", EVIL),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "x-mfa-gate"),
        ]
        for method in ("OPTIONS", "GET", "POST"):
            for path in ("/mfa/api/state", "/mfa/api/verify", "/mfa", "/records"):
                reply = await stage.browser.ask(method, path, headers=[*FETCH, *asked])
                assert not reply.header("access-control-allow-origin")


async def test_a_body_that_never_comes() -> None:
    """S-104: a body that trickles or never comes is given up on."""
    async with running(deeds_world()) as world:
        router = world.gate.web.router
        router.site = replace(router.site, body_within=0.05)
        stage = await PAGE_DEEDS[0].stage(world)
        scope = http_scope("POST", "/mfa", headers=[*honest(PAGE_DEEDS[0]), ("cookie", stage.browser.cookie_header())])
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(60)
            return {}

        async def send(message: Any) -> None:
            sent.append(message)

        await asyncio.wait_for(world.app(scope, receive, send), 5)
        assert sent[0]["status"] == 422
        assert (await call(world.app, {**scope, "path": "/mfa/x"})).status in (404, 405, 422)
