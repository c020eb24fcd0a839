"""A wrong origin is named in the log and on the page.

V-8. Each reason for a refused form has true words of its own.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mfa_gate import RelyingParty
from tests.harness import JSON, PAGE, Browser, Headers, Reply, World, make_world, running

LOCAL = RelyingParty(id="localhost", name="Example", origins=["http://localhost:8000"])
SITE = RelyingParty(id="app.example", name="App", origins=["https://app.example", "https://www.app.example"])
WRONG = "This page is open at the wrong address"
OLD = "Please send that again. Your page was out of date."
OTHER = "This came from another site, so we did nothing."
UNTOLD = "Your browser didn’t say which page sent this."
OFF = "Cookies are turned off"
WORDS = (WRONG, OLD, OTHER, UNTOLD, OFF)
MARK = ("x-mfa-gate", "1")


@asynccontextmanager
async def owing(party: RelyingParty, **more: Any) -> AsyncIterator[tuple[World, Browser]]:
    """Somebody in front of the page for a code."""
    async with running(make_world(relying_party=party, **more)) as world:
        ann = await world.browser()
        await ann.page("/mfa/enroll/totp")
        yield world, ann


async def sent(ann: Browser, headers: Headers, **fields: str) -> Reply:
    """Send the form of that page with these headers."""
    plain = [item for item in PAGE if item[0] != "sec-fetch-site"]
    return await ann.form("/mfa/enroll/totp", fields, headers=[*plain, *headers])


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List the lines of the log about refused forms and calls."""
    found = [record for record in caplog.records if "was refused: " in record.getMessage()]
    assert {record.levelno for record in found} <= {logging.WARNING}
    return [record.getMessage() for record in found]


def only(reply: Reply, words: str) -> bool:
    """Tell if these words are on the page, and none of the others."""
    return [each for each in WORDS if each in reply.text] == [words]


CAME: dict[str, tuple[RelyingParty, Headers, str]] = {
    "another name of the machine": (
        LOCAL,
        [("origin", "http://127.0.0.1:8000"), ("sec-fetch-site", "same-origin")],
        "opened at http://127.0.0.1:8000, and relying_party.origins lists http://localhost:8000. Open it at "
        "http://localhost:8000; http://127.0.0.1:8000 does not belong to relying_party.id='localhost'",
    ),
    "another port": (
        LOCAL,
        [("origin", "http://localhost:8001"), ("sec-fetch-site", "same-origin")],
        'or list this origin as well: RelyingParty(origins=[..., "http://localhost:8001"])',
    ),
    "a browser that tells its host only": (
        LOCAL,
        [("origin", "http://[::1]:8000"), ("host", "[::1]:8000")],
        "opened at http://[::1]:8000",
    ),
    "a browser that tells its page only": (
        LOCAL,
        [("referer", "http://127.0.0.1:8000/mfa"), ("host", "127.0.0.1:8000")],
        "opened at http://127.0.0.1:8000",
    ),
    "http in place of https": (
        SITE,
        [("origin", "http://app.example"), ("host", "app.example")],
        "Open it at https://app.example: lead http to https",
    ),
    "a host of the same domain": (
        SITE,
        [("origin", "https://shop.app.example"), ("sec-fetch-site", "same-origin")],
        'RelyingParty(origins=[..., "https://shop.app.example"])',
    ),
    "a host of another domain": (
        SITE,
        [("origin", "https://app.other"), ("sec-fetch-site", "same-origin")],
        "https://app.other does not belong to relying_party.id='app.example', so it cannot be listed",
    ),
}


@pytest.mark.parametrize("name", CAME)
async def test_the_app_at_another_address(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log names what came, what is listed and the fix, once.

    The page leads to the listed origin.
    """
    party, headers, words = CAME[name]
    async with owing(party) as (_, ann):
        for _ in range(3):
            reply = await sent(ann, headers)
            assert (reply.status, only(reply, WRONG)) == (403, True)
    (line,) = said(caplog)
    assert words in line
    assert f'href="{party.origins[0]}/mfa/enroll/totp"' in reply.text


@pytest.mark.parametrize(("party", "shown"), [(LOCAL, True), (SITE, False)], ids=["localhost", "a site"])
async def test_the_developer_sees_the_setting(party: RelyingParty, shown: bool) -> None:
    """The page names the setting on the developer's own machine alone.

    Elsewhere it is none of a visitor's business.
    """
    host = "127.0.0.1:8000" if shown else "app.other"
    async with owing(party) as (_, ann):
        reply = await sent(ann, [("origin", f"http://{host}"), ("host", host)])
    assert ("relying_party.origins" in reply.text, f"http://{host}" in reply.text) == (shown, shown)


async def test_without_cookies_over_http(caplog: pytest.LogCaptureFixture) -> None:
    """The page speaks of its address over http, and not of cookies.

    Browsers drop our cookies of https there.
    """
    async with owing(SITE) as (_, ann):
        token = await ann.token("/mfa/enroll/totp")
        ann.cookies = {name: value for name, value in ann.cookies.items() if "mfa" not in name}
        headers = [*PAGE[:-1], ("origin", "http://app.example"), ("host", "app.example")]
        reply = await ann.form("/mfa/enroll/totp", {}, headers=headers, token=token)
        assert only(reply, WRONG)
    assert "lead http to https" in said(caplog)[0]


async def test_other_words_for_other_reasons(caplog: pytest.LogCaptureFixture) -> None:
    """Each cause of a refused form is said as it is.

    Cookies that are off, an old page, another site, an origin that is not told.
    """
    own = [("origin", "http://localhost:8000"), ("sec-fetch-site", "same-origin")]
    async with owing(LOCAL) as (_, ann):
        stale = await ann.form("/mfa/enroll/totp", {}, token="stale")
        assert (stale.status, only(stale, OLD)) == (422, True)
        assert said(caplog) == []
        foreign = await sent(ann, [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")])
        assert (foreign.status, only(foreign, OTHER)) == (422, True)
        (line,) = said(caplog)
        assert "another site has sent it, https://evil.example" in line
        untold = await sent(ann, [("origin", "null"), ("sec-fetch-site", "same-origin")])
        assert (untold.status, only(untold, UNTOLD)) == (422, True)
        assert "no-referrer" in said(caplog)[1]
        ann.cookies = {name: value for name, value in ann.cookies.items() if not name.startswith("mfa-")}
        off = await ann.form("/mfa/enroll/totp", {}, headers=[*PAGE[:-1], *own], token="t")
        assert (off.status, only(off, OFF)) == (422, True)
    assert len(said(caplog)) == 2


async def test_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Another site's forms do not hide a wrong setting.

    A minute later the same is told again.
    """
    wrong = [("origin", "http://127.0.0.1:8000"), ("sec-fetch-site", "same-origin")]
    async with owing(LOCAL) as (world, ann):
        for _ in range(5):
            await sent(ann, [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")])
            await sent(ann, wrong)
        assert len(said(caplog)) == 2
        world.clock.advance(59)
        await sent(ann, wrong)
        assert len(said(caplog)) == 2
        world.clock.advance(1)
        await sent(ann, wrong)
    assert len(said(caplog)) == 3


@pytest.mark.parametrize("origin", ["http://evil\r\nmfa_gate: all is well", "x" * 5000, "http://\u202egood"])
async def test_what_came_is_one_short_line(origin: str, caplog: pytest.LogCaptureFixture) -> None:
    """A header that a stranger writes makes no line of its own, and no long one."""
    async with owing(LOCAL) as (_, ann):
        shown = origin.encode("utf-8").decode("latin-1")
        await sent(ann, [("origin", shown), ("sec-fetch-site", "same-origin")])
    (line,) = said(caplog)
    assert "\n" not in line
    assert "\r" not in line
    assert len(line) < 600


# -- JSON --------------------------------------------------------------------------------------------------------------

CALLS: dict[str, tuple[Headers, str, str]] = {
    "the app at another address": (
        [("origin", "http://127.0.0.1:8000"), ("sec-fetch-site", "same-origin")],
        'The page was opened at "http://127.0.0.1:8000", which is not in relying_party.origins.',
        "opened at http://127.0.0.1:8000",
    ),
    "a front end that is not listed": (
        [("origin", "http://localhost:5173"), ("sec-fetch-site", "same-site")],
        'The browser tells the origin "http://localhost:5173", which is neither in relying_party.origins nor',
        "name it in api_origins",
    ),
    "no origin": (
        [("origin", "null"), ("sec-fetch-site", "same-origin")],
        "The browser tells no origin.",
        "Referrer-Policy",
    ),
}


@pytest.mark.parametrize("name", CALLS)
async def test_calls(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A JSON call is told the same reason in its problem, and the log has the fix."""
    headers, detail, words = CALLS[name]
    async with owing(LOCAL) as (_, ann):
        reply = await ann.api("POST", "enroll", {"factor": "totp"}, headers=[MARK, JSON, *headers])
    assert (reply.status, reply.reason) == (403, "csrf")
    assert detail in reply.json()["detail"]
    (line,) = said(caplog)
    assert words in line
    assert "a JSON call was refused" in line


@pytest.mark.parametrize("listed", [False, True])
async def test_a_front_end_that_asks_first(listed: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A browser asks before such a call, and shows only "CORS".

    The log names the origin that is not listed.
    """
    origins = ["http://localhost:5173"] if listed else []
    headers = [
        ("origin", "http://localhost:5173"),
        ("sec-fetch-site", "same-site"),
        ("access-control-request-method", "POST"),
    ]
    async with owing(LOCAL, api_origins=origins) as (world, _):
        reply = await Browser(world).ask("OPTIONS", "/mfa/api/verify", headers=headers)
    assert (reply.status == 204) is listed
    assert ["api_origins" in line for line in said(caplog)] == ([] if listed else [True])


@pytest.mark.parametrize("call", ["verify", "enroll/confirm"])
async def test_a_call_without_our_cookie(call: str) -> None:
    """A caller without our cookies is told so if its challenge is not found.

    A browser may drop them, or a fetch may not send them.
    """
    async with running(make_world()) as world:
        ann = await world.enrolled()
        draft = (await ann.api("POST", "enroll", {"factor": "email"})).json()
        ann.cookies = {name: value for name, value in ann.cookies.items() if not name.startswith("mfa-")}
        member = "enrollment" if call == "enroll/confirm" else "challenge"
        reply = await ann.api("POST", call, {member: draft["enrollment"], "response": "123456"})
        assert (reply.status, reply.reason, reply.json()["member"]) == (404, "not_found", member)
        assert 'credentials: "include"' in reply.json()["detail"]
        other = await world.enrolled("bob")
        reply = await other.api("POST", call, {member: draft["enrollment"], "response": "123456"})
        assert (reply.status, reply.reason) == (404, "not_found")
        assert "cookie" not in reply.json()["detail"]
