"""JSON problems name the member that is wrong, in words of their own (V-15, V-33)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.harness import FETCH, JSON, ORIGIN, OWN, PAGE, Browser, World, make_world, running

NOT_A_CODE = "That isn’t a code"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A running host."""
    async with running(make_world()) as world:
        yield world


@pytest.fixture
async def boss(world: World) -> Browser:
    """An administrator who has proven the second factor."""
    return await world.enrolled("boss", groups=["admin"])


MARK = ("x-mfa-gate", "1")
BODIES: dict[str, tuple[str, str, Any, str]] = {
    "unknown": ("POST", "verify", {"response": "123456", "code": "1"}, "code"),
    "missing": ("POST", "verify", {"authenticator": "x"}, "response"),
    "null for a required one": ("POST", "verify", {"response": None}, "response"),
    "wrong type": ("POST", "verify", {"response": 123456}, "response"),
    "wrong type of a switch": ("POST", "verify", {"response": "123456", "remember": "yes"}, "remember"),
    "shape of a code": ("POST", "verify", {"authenticator": "{totp}", "response": "x"}, "response"),
    "no such authenticator": ("POST", "verify", {"authenticator": "x", "response": "123456"}, "authenticator"),
    "no such challenge": ("POST", "verify", {"challenge": "x", "response": "123456"}, "challenge"),
    "challenge of nothing": ("POST", "challenge", {"authenticator": "x"}, "authenticator"),
    "no authenticator": ("POST", "challenge", {}, "authenticator"),
    "factor": ("POST", "enroll", {"factor": "smoke-signal"}, "factor"),
    "phone": ("POST", "enroll", {"factor": "sms", "phone": "1"}, "phone"),
    "no enrollment": ("POST", "enroll/confirm", {"response": "123456"}, "enrollment"),
    "no such enrollment": ("POST", "enroll/confirm", {"enrollment": "x", "response": "123456"}, "enrollment"),
    "skip": ("POST", "enroll/skip", {"now": True}, "now"),
    "about": ("POST", "recovery", {"about": " "}, "about"),
    "label": ("PATCH", "authenticators/{totp}", {"label": "x" * 41}, "label"),
    "default": ("PATCH", "authenticators/{totp}", {"default": 1}, "default"),
    "nothing to change": ("PATCH", "authenticators/{totp}", {}, "label"),
    "admin reason": ("POST", "admin/accounts/ann/unlock", {"reason": ""}, "reason"),
    "admin no reason": ("POST", "admin/accounts/ann/lock", {}, "reason"),
    "admin ticket": ("POST", "admin/accounts/ann/reset", {"reason": "lost", "ticket": " "}, "ticket"),
    "admin hours": ("POST", "admin/accounts/ann/break-glass", {"reason": "a", "ticket": "T", "hours": 12}, "hours"),
    "admin hours type": (
        "POST",
        "admin/accounts/ann/break-glass",
        {"reason": "a", "ticket": "T", "hours": "4"},
        "hours",
    ),
    "admin confirm": ("PATCH", "admin/tenant", {"enabled": True, "confirm": "beta"}, "confirm"),
    "admin factors": ("PATCH", "admin/tenant", {"factors": [1], "confirm": "alpha"}, "factors"),
    "admin no list": ("PATCH", "admin/tenant", {"factors": "totp"}, "factors"),
    "admin remind": ("POST", "admin/tenant/remind", {"to": "all"}, "to"),
    "neither challenge nor authenticator": ("POST", "verify", {"response": "123456"}, "authenticator"),
    "both as null": ("POST", "verify", {"response": "1", "challenge": None, "authenticator": None}, "authenticator"),
    "twice": ("POST", "challenge", b'{"authenticator": "x", "authenticator": "y"}', "authenticator"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_problem_names_the_member(world: World, boss: Browser, name: str) -> None:
    """The problem names the member of a body that is wrong.

    It speaks of no code if no code is meant. Contract 8.
    """
    await world.enrolled("ann")
    method, place, body, member = BODIES[name]
    ids = {"totp": await boss.authenticator("totp")}
    filled = {k: v.format(**ids) if type(v) is str else v for k, v in body.items()} if type(body) is dict else body
    reply = await boss.api(method, place.format(**ids), filled)
    problem = reply.json()
    assert reply.status in (404, 422)
    assert problem["member"] == member
    if reply.reason == "malformed" and name != "shape of a code":
        assert problem["title"] != NOT_A_CODE
        assert member in problem["detail"] or name == "admin confirm"
    assert (problem["title"] == "There is nothing to change") == (name == "nothing to change")


QUERIES = {
    "accounts?state=locked": "state",
    "accounts?status=open": "status",
    "accounts?limit=0": "limit",
    "accounts?limit=x": "limit",
    "events?filter=x": "filter",
    "events?limit=201": "limit",
    "events?limit=1&limit=2": "limit",
    "tenant?q=1": "q",
    "accounts/ann?status=locked": "status",
}


@pytest.mark.parametrize("query", QUERIES)
async def test_a_problem_names_the_query(boss: Browser, query: str) -> None:
    """An unknown filter, a wrong value, a parameter that comes twice."""
    reply = await boss.api("GET", f"admin/{query}")
    assert (reply.status, reply.reason) == (422, "malformed")
    assert reply.json()["member"] == QUERIES[query]
    assert QUERIES[query] in reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"{", "The body is no JSON"),
        (b"\xff", "The body is no JSON"),
        (b'{"response": NaN}', "The body is no JSON"),
        (b"[]", "The body is no JSON object"),
        (b"null", "The body is no JSON object"),
        (b'"x"', "The body is no JSON object"),
        (b'{"response": [[[[[[[[[[]]]]]]]]]]}', "The body is nested too deeply"),
    ],
)
async def test_bodies_that_are_no_object(boss: Browser, body: bytes, title: str) -> None:
    """A body that is no object has words of its own."""
    reply = await boss.api("POST", "verify", body)
    assert (reply.status, reply.reason, reply.json()["title"]) == (422, "malformed", title)


async def test_types_and_sizes(boss: Browser) -> None:
    """The refusal of a wrong content type, size or method names the right one."""
    reply = await boss.api(
        "POST", "verify", {}, headers=[*FETCH, ("origin", ORIGIN), MARK, ("content-type", "text/plain")]
    )
    assert (reply.status, "application/json" in reply.json()["detail"]) == (415, True)
    reply = await boss.api("POST", "challenge", {"authenticator": "x" * 20_000})
    assert (reply.status, "16384 bytes" in reply.json()["detail"]) == (413, True)
    reply = await boss.api("POST", "state", {})
    assert (reply.status, "GET" in reply.json()["detail"]) == (405, True)


async def test_a_missing_header_is_named(boss: Browser) -> None:
    """A call without X-MFA-Gate is told so, and a foreign origin is told its name.

    The call is not told to load a page again. Requirement V-15.
    """
    reply = await boss.api("POST", "challenge", {}, headers=[*FETCH, ("origin", ORIGIN), JSON])
    problem = reply.json()
    assert (reply.reason, problem["member"]) == ("csrf", "X-MFA-Gate")
    assert "X-MFA-Gate: 1" in problem["detail"]
    reply = await boss.api("POST", "challenge", {}, headers=[("origin", "https://evil.example"), MARK, JSON])
    assert (reply.reason, reply.json()["member"]) == ("csrf", "Origin")
    assert "https://evil.example" in reply.json()["detail"]


async def test_null_counts_as_absent(world: World, boss: Browser) -> None:
    """A member that an answer told as null may be sent back as null.

    Contract 8.
    """
    world.clock.advance(60)
    id = await boss.authenticator("totp")
    asked = (await boss.api("POST", "challenge", {"authenticator": id})).json()
    assert asked["challenge"] is None
    answer = {"authenticator": id, "challenge": asked["challenge"], "response": boss.totp(), "remember": None}
    assert (await boss.api("POST", "verify", answer)).status == 200
    await world.enrolled("ann")
    ask = {"reason": "lost", "ticket": "T-1", "hours": None}
    assert (await boss.api("POST", "admin/accounts/ann/break-glass", ask)).status == 200
    assert (await boss.api("POST", "enroll", {"factor": "email", "phone": None, "label": None})).status == 201


async def test_nothing_is_doubled_or_empty(world: World) -> None:
    """V-33: no answer says ``Vary`` twice; a problem without an event has no ``ref``."""
    ann = await world.browser()
    for path, headers in (("/records", PAGE), ("/records", FETCH), ("/mfa/api/state", FETCH), ("/mfa/enroll", PAGE)):
        reply = await ann.ask("GET", path, headers=headers)
        said = [part.strip() for key, value in reply.headers if key == b"vary" for part in value.decode().split(",")]
        assert said == ["Cookie"], path
    problem = json.loads((await ann.ask("GET", "/records", headers=FETCH)).body)
    assert "ref" not in problem
    assert "" not in problem.values()


async def test_the_phone_page_says_it_as_well(world: World) -> None:
    """The calls of the page on the phone have the same words."""
    headers = [*OWN, JSON]
    reply = await Browser(world).ask("POST", "/mfa/approve/wake", headers=headers, body=b"{}")
    assert (reply.reason, reply.json()["member"]) == ("csrf", "X-MFA-Gate")
    reply = await Browser(world).ask("POST", "/mfa/approve/wake", headers=[*headers, MARK], body=b'{"device": 1}')
    assert (reply.reason, reply.json()["member"]) == ("malformed", "device")


@pytest.mark.parametrize(
    ("method", "place", "body", "said"),
    [
        ("POST", "verify", {"response": "123456"}, '"authenticator" is missing'),
        ("POST", "verify", {"authenticator": "x", "response": "123456"}, '"authenticator"'),
        ("POST", "verify", {"challenge": "x", "response": "123456"}, '"challenge"'),
        ("POST", "challenge", {"authenticator": "x"}, '"authenticator"'),
        ("POST", "enroll/confirm", {"enrollment": "x", "response": "123456"}, '"enrollment"'),
    ],
)
async def test_an_id_that_is_not_known(boss: Browser, method: str, place: str, body: Any, said: str) -> None:
    """The words speak of the member, and not of the address of the call."""
    problem = (await boss.api(method, place, body)).json()
    assert said in problem["detail"]
    assert "address" not in problem["detail"]
