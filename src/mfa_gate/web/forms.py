"""Read bodies: bounded, of one exact type, each field once.

It also tells if a request came from a page of our own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from .scope import header, origin_in
from .types import Receive, Scope
from .unheard import drop_rest, hear_out

MAX_BODY = 16 * 1024
MAX_PROOF_BODY = 64 * 1024
MAX_FIELDS = 20
MAX_DESK_FIELDS = 64
"""Fields of a form of the administrators' desk: a page of its lists has fifty people to tick."""
MAX_DEPTH = 8
URLENCODED = "application/x-www-form-urlencoded"
READ_TIMEOUT = 10.0
"""Seconds that a body has to come in, unless the site says otherwise."""


@dataclass(frozen=True, slots=True)
class BadBody(Exception):
    """A body that cannot be taken; ``reason`` is a word of ``core.reasons``.

    A JSON body has words of its own: ``title`` and ``detail``, and the ``member`` that is wrong; "" elsewhere.
    """

    reason: str
    title: str = ""
    detail: str = ""
    member: str = ""


async def read_body(scope: Scope, receive: Receive, *, within: float, limit: int = MAX_BODY) -> bytes:
    """Read the whole body. Raises ``BadBody``.

    The reason is ``too_large`` for more than ``limit`` bytes, and ``malformed`` for a body that does not come ``within`` so
    many seconds.
    """
    length = header(scope, b"content-length")
    if length is not None and (not length.isdigit() or len(length) > 9 or int(length) > limit):
        await hear_out(scope, receive)
        raise BadBody("too_large")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise BadBody("malformed")
                size += len(message.get("body", b""))
                if size > limit:
                    break
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError as error:
        raise BadBody("malformed") from error
    raise BadBody("too_large")


class Heard:
    """The part of a body that the app has read.

    The gate reads it again for a form that it keeps. It costs no more than its bytes, in however many pieces it came.
    """

    def __init__(self) -> None:
        self._body = bytearray()
        self._is_too_large = False
        self._has_more = True

    def add(self, message: Any) -> None:
        """Keep one more piece, of a body of usual size."""
        piece = message.get("body", b"")
        self._has_more = bool(message.get("more_body"))
        self._is_too_large = self._is_too_large or len(self._body) + len(piece) > MAX_PROOF_BODY
        if self._is_too_large:
            self._body = bytearray()
        else:
            self._body += piece

    def replayed(self, receive: Receive) -> Receive:
        """Make the ``receive`` that gives this part first, then the unread pieces.

        A body that is too large to be kept is read to its end, and then breaks off.
        """
        waiting = not self._is_too_large

        async def again() -> Any:
            nonlocal waiting
            if waiting:
                waiting = False
                return {"type": "http.request", "body": bytes(self._body), "more_body": self._has_more}
            if self._is_too_large:
                if self._has_more:
                    await drop_rest(receive)
                return {"type": "http.disconnect"}
            return await receive()

        return again


def is_urlencoded(scope: Scope) -> bool:
    """Tell if a request is the POST of a urlencoded form, the one kind of body that is kept."""
    return scope["type"] == "http" and scope["method"] == "POST" and media_type(scope) == URLENCODED


def media_type(scope: Scope) -> str:
    """Return the media type alone, in lower case.

    The callers compare it exactly (S-100).
    """
    value = header(scope, b"content-type") or b""
    return value.split(b";", 1)[0].strip().lower().decode("latin-1")


async def read_form(scope: Scope, receive: Receive, *, within: float, fields: int = MAX_FIELDS) -> dict[str, str]:
    """Read the fields of a urlencoded form of ours.

    Raises ``BadBody``, also for a field that comes twice (S-105).
    """
    return await parse_form(scope, receive, within=within, limit=MAX_BODY, fields=fields)


async def parse_form(scope: Scope, receive: Receive, *, within: float, limit: int, fields: int) -> dict[str, str]:
    """Read the fields of a urlencoded form. Raises ``BadBody``.

    The form has at most ``limit`` bytes, and at most as many fields as ``fields`` says.
    """
    if media_type(scope) != URLENCODED:
        raise BadBody("media_type")
    body = await read_body(scope, receive, within=within, limit=limit)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=fields)
    except ValueError as error:
        raise BadBody("malformed") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadBody("malformed")
    return found


def has_body(scope: Scope) -> bool:
    """Tell if the request announces a body."""
    return (header(scope, b"content-length") or b"0") != b"0" or bool(header(scope, b"transfer-encoding"))


async def read_json(scope: Scope, receive: Receive, *, within: float, limit: int = MAX_BODY) -> dict[str, Any]:
    """Read the object in a JSON body. Raises ``BadBody``.

    It refuses another media type, duplicate keys, NaN, a body nested too deep, half a character, and a value that is no
    object. A body without a byte is an object without members: a call that needs none may send none.
    """
    if media_type(scope) != "application/json":
        raise BadBody("media_type", detail="Send the body as JSON, with the header Content-Type: application/json.")
    try:
        body = await read_body(scope, receive, within=within, limit=limit)
    except BadBody as bad:
        told = f"A body has at most {limit} bytes." if bad.reason == "too_large" else "Send the whole body at once."
        raise BadBody(bad.reason, "" if bad.reason == "too_large" else "The body did not come", told) from bad
    if not body:
        return {}
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_none)
    except (ValueError, RecursionError) as error:
        raise BadBody("malformed", NO_JSON, "Send one JSON object in UTF-8.") from error
    if not isinstance(value, dict):
        raise BadBody("malformed", "The body is no JSON object", 'Send an object of members, e.g. {"factor": "totp"}.')
    if not _shallow(value, MAX_DEPTH):
        raise BadBody("malformed", "The body is nested too deeply", f"An object has at most {MAX_DEPTH} levels.")
    if not _is_whole(value):
        raise BadBody("malformed", NO_JSON, HALF)
    return value


HALF = "A text holds half a character (a lone surrogate)."
NO_JSON = "The body is no JSON"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if not all(map(_is_whole, fields)):
        raise BadBody("malformed", NO_JSON, HALF)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:64]
        raise BadBody("malformed", "A member comes twice", f'"{twice}" comes more than once.', twice)
    return fields


def _none(text: str) -> Any:
    raise BadBody("malformed", NO_JSON, f"{text} is no JSON; send a number or null.")


def _shallow(value: Any, depth: int) -> bool:
    if not isinstance(value, (dict, list)):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_shallow(item, depth - 1) for item in inner)


def _is_whole(value: Any) -> bool:
    """Tell if every text in a value can be written.

    JSON can name half a character, and no answer can repeat it.
    """
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_is_whole, inner))


def is_early(scope: Scope) -> bool:
    """Tell if the request may be a replay from before the connection was ready.

    The header counts with any value, and any number of times (RFC 8470, 5.1).
    """
    return any(key == b"early-data" for key, _ in scope["headers"])


def tells_origin(scope: Scope) -> bool:
    """Tell if the request has a header by which browsers tell its origin."""
    return any(key in (b"origin", b"referer") or key.startswith(b"sec-fetch-") for key, _ in scope["headers"])


def same_origin(scope: Scope, origins: Iterable[str]) -> bool:
    """Tell if a browser says that the request comes from our own page.

    A request that says nothing does not count (S-99).
    """
    allowed = frozenset(origins)
    origin = header(scope, b"origin")
    site = header(scope, b"sec-fetch-site")
    if any(key in (b"origin", b"sec-fetch-site") and value not in (origin, site) for key, value in scope["headers"]):
        return False
    if site is not None and site != b"same-origin":
        return False
    if origin is not None:
        return origin.decode("latin-1") in allowed
    if site is not None:
        return True
    referer = header(scope, b"referer")
    if referer is None:
        return False
    return origin_in(referer) in allowed


def is_listed(scope: Scope, origins: Iterable[str]) -> bool:
    """Tell if the browser names one of these origins of the same site (decision 46)."""
    told = [(key, value) for key, value in scope["headers"] if key in (b"origin", b"sec-fetch-site")]
    given = dict(told)
    if len(given) != len(told) or given.get(b"sec-fetch-site", b"same-site") not in (b"same-site", b"same-origin"):
        return False
    return given.get(b"origin", b"").decode("latin-1") in frozenset(origins)
