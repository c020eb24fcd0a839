"""Bodies are read to their bounds and no further, and a form tells where it came from."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mfa_gate.web.forms import (
    MAX_BODY,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_PROOF_BODY,
    BadBody,
    Heard,
    has_body,
    is_early,
    is_listed,
    is_urlencoded,
    media_type,
    read_body,
    read_form,
    read_json,
    same_origin,
    tells_origin,
)
from tests.harness import FETCH, OWN, make_world, running

FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json")
HERE, THERE = "https://app.example", "https://front.example"


def scope(*headers: tuple[str, str], method: str = "POST") -> dict[str, Any]:
    return {"type": "http", "method": method, "headers": [(name.encode(), value.encode()) for name, value in headers]}


def sending(*pieces: bytes) -> Any:
    """The client of a body in pieces, which then sends nothing more."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive


async def refused(work: Any) -> BadBody:
    with pytest.raises(BadBody) as told:
        await work
    return told.value


async def test_the_bound_of_a_body() -> None:
    """A body of exactly the limit is read, whether its length was told or not."""
    body = b"x" * 100
    assert await read_body(scope(), sending(body[:60], body[60:]), within=1, limit=100) == body
    assert await read_body(scope(("content-length", "100")), sending(body), within=1, limit=100) == body
    assert await read_body(scope(("content-length", "000000100")), sending(body), within=1, limit=100) == body
    assert (await refused(read_body(scope(), sending(body, b"x"), within=1, limit=100))).reason == "too_large"
    assert (MAX_BODY, MAX_PROOF_BODY, MAX_FIELDS, MAX_DEPTH) == (16_384, 65_536, 20, 8)


@pytest.mark.parametrize("length", ["101", "-1", "1e1", "1" * 10, "", "x"])
async def test_a_length_that_is_too_large_or_none(length: str) -> None:
    """It is refused before a body is kept."""
    bad = await refused(read_body(scope(("content-length", length)), sending(b"x"), within=1, limit=100))
    assert bad.reason == "too_large"


async def test_a_body_that_breaks_off() -> None:
    """A client that goes, or is too slow, has sent no body."""
    assert (await refused(read_body(scope(), sending(), within=1))).reason == "malformed"

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    assert (await refused(read_body(scope(), never, within=0.001))).reason == "malformed"


def nested(depth: int) -> bytes:
    """A JSON object with so many levels, itself among them."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


async def test_the_depth_of_a_json_body() -> None:
    """Eight levels are read, nine are not, be they lists or objects."""
    assert await read_json(scope(JSON), sending(nested(8)), within=1)
    assert (
        await refused(read_json(scope(JSON), sending(nested(9)), within=1))
    ).title == "The body is nested too deeply"
    inner: Any = {}
    for _ in range(8):
        inner = {"a": inner}
    assert (await refused(read_json(scope(JSON), sending(json.dumps(inner).encode()), within=1))).reason == "malformed"
    assert await read_json(scope(JSON), sending(json.dumps(inner["a"]).encode()), within=1) == inner["a"]


@pytest.mark.parametrize(
    ("body", "title", "member"),
    [
        (b"[]", "The body is no JSON object", ""),
        (b'"x"', "The body is no JSON object", ""),
        (b'{"a": NaN}', "The body is no JSON", ""),
        (b'{"a": -Infinity}', "The body is no JSON", ""),
        (b'{"a": 1, "b": 2, "a": 1}', "A member comes twice", "a"),
        (b'{"c": {"a": 1, "a": 1}}', "A member comes twice", "a"),
        (b'{"a": "\\ud800"}', "The body is no JSON", ""),
        (b'{"a": ["\\udfff"]}', "The body is no JSON", ""),
        (b'{"\\ud800": 1}', "The body is no JSON", ""),
        (b'{"a": "\xff"}', "The body is no JSON", ""),
    ],
)
async def test_a_json_body_that_is_none(body: bytes, title: str, member: str) -> None:
    """A body that is no object, or reads in two ways, is refused and named."""
    bad = await refused(read_json(scope(JSON), sending(body), within=1))
    assert (bad.reason, bad.title, bad.member) == ("malformed", title, member)


@pytest.mark.parametrize("text", ["\ud7ff", "\ue000", "\U0001f600", "é"])
async def test_whole_characters_are_read(text: str) -> None:
    """Everything beside half a character is text, also right beside their range."""
    assert await read_json(scope(JSON), sending(json.dumps({text: text}).encode()), within=1) == {text: text}


async def test_the_fields_of_a_form() -> None:
    """Blank values are kept; 20 fields are read, and each may come once (S-104)."""
    fields = "&".join(f"f{number}={number}" for number in range(MAX_FIELDS)).encode()
    assert len(await read_form(scope(FORM), sending(fields), within=1)) == 20
    assert (await refused(read_form(scope(FORM), sending(fields + b"&x="), within=1))).reason == "malformed"
    assert await read_form(scope(FORM), sending(b"a=&b=%C3%A4+c"), within=1) == {"a": "", "b": "ä c"}
    for body in (b"a=1&a=1", b"a=%FF", b"\xff=1"):
        assert (await refused(read_form(scope(FORM), sending(body), within=1))).reason == "malformed"
    assert (await refused(read_form(scope(JSON), sending(b"a=1"), within=1))).reason == "media_type"


async def test_the_desk_takes_a_page_of_ticks() -> None:
    """Fifty people can be ticked in a list of the desk; no other form has so many (S-104)."""
    async with running(make_world()) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        many = {f"pick-{number}": f"p{number}" for number in range(50)}
        assert (await boss.form("/mfa/admin/accounts", {"action": "remind", **many})).status == 303
        assert (await boss.form("/mfa/recovery", {"about": "x", **many}, token="t")).status == 422
        told = await boss.form("/mfa/recovery", {"about": "x", **many}, headers=[*FETCH, *OWN[:1]], token="t")
        assert told.reason == "malformed"


async def test_a_kept_form_at_its_bound() -> None:
    """A form of exactly 64 KiB is kept, in however many pieces.

    With one more byte nothing of it is.
    """
    for pieces, whole in (
        ((1, MAX_PROOF_BODY - 1), True),
        ((MAX_PROOF_BODY, 1), False),
        ((MAX_PROOF_BODY + 1,), False),
    ):
        heard = Heard()
        for place, size in enumerate(pieces, 1):
            heard.add({"body": b"x" * size, "more_body": place < len(pieces)})
        message = await heard.replayed(sending())()
        assert message["type"] == ("http.request" if whole else "http.disconnect")
        assert len(message.get("body", b"")) == (MAX_PROOF_BODY if whole else 0)
        assert not message.get("more_body")


async def test_the_unread_rest_of_a_kept_form() -> None:
    """The part that was heard comes first, and the rest after it."""
    heard = Heard()
    heard.add({"body": b"a", "more_body": True})
    again = heard.replayed(sending(b"b"))
    assert [(await again())["body"], (await again())["body"]] == [b"a", b"b"]


async def test_the_rest_of_a_form_that_is_too_large() -> None:
    """It is read to its end before the body breaks off, so that the client hears the answer."""
    heard, read = Heard(), list[int]()

    async def rest() -> dict[str, Any]:
        read.append(1)
        return {"type": "http.request", "body": b"x", "more_body": len(read) < 3}

    heard.add({"body": b"x" * (MAX_PROOF_BODY + 1), "more_body": True})
    assert await heard.replayed(rest)() == {"type": "http.disconnect"}
    assert len(read) == 3


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ([], False),
        ([("origin", HERE)], True),
        ([("origin", THERE)], False),
        ([("origin", "null")], False),
        ([("origin", HERE), ("sec-fetch-site", "same-origin")], True),
        ([("origin", HERE), ("sec-fetch-site", "same-site")], False),
        ([("origin", HERE), ("origin", THERE)], False),
        ([("sec-fetch-site", "same-origin")], True),
        ([("sec-fetch-site", "none")], False),
        ([("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], False),
        ([("referer", f"{HERE}/x")], True),
        ([("referer", f"{THERE}/x")], False),
        ([("referer", "no address")], False),
        ([("sec-fetch-site", "same-origin"), ("referer", f"{THERE}/x")], True),
    ],
)
def test_our_own_page(headers: list[tuple[str, str]], ours: bool) -> None:
    """The browser's word counts: its site, then the origin, then the page before.

    Silence does not (S-99).
    """
    assert same_origin(scope(*headers), [HERE]) is ours


@pytest.mark.parametrize(
    ("headers", "listed"),
    [
        ([("origin", THERE)], True),
        ([("origin", HERE)], False),
        ([("origin", THERE), ("sec-fetch-site", "same-site")], True),
        ([("origin", THERE), ("sec-fetch-site", "same-origin")], True),
        ([("origin", THERE), ("sec-fetch-site", "cross-site")], False),
        ([("origin", THERE), ("origin", THERE)], False),
        ([("sec-fetch-site", "same-site")], False),
        ([], False),
    ],
)
def test_a_listed_front_end(headers: list[tuple[str, str]], listed: bool) -> None:
    """It is named once, and on the same site (decision 46)."""
    assert is_listed(scope(*headers), [THERE]) is listed


def test_what_headers_tell() -> None:
    """Early data, an origin, a body and its type are read from the headers alone."""
    assert [is_early(scope(*told)) for told in ((), [("early-data", "0")])] == [False, True]
    named = ("origin", "referer", "sec-fetch-site", "sec-fetch-mode")
    assert [tells_origin(scope((name, "x"))) for name in (*named, "host", "x-origin")] == [True] * 4 + [False] * 2
    assert [has_body(scope(told)) for told in (("content-length", "0"), ("content-length", "1"))] == [False, True]
    assert has_body(scope(("transfer-encoding", "chunked")))
    assert not has_body(scope())
    assert media_type(scope(("content-type", " Text/HTML ; charset=x"))) == "text/html"
    assert media_type(scope()) == ""
    assert is_urlencoded(scope(FORM))
    assert not is_urlencoded(scope(FORM, method="PUT"))
    assert not is_urlencoded(scope(JSON))
    assert not is_urlencoded({**scope(FORM), "type": "websocket"})
