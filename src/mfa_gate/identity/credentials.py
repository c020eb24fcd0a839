"""Read the tokens of a request in their one form, and refuse every other one."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SettingsError

MAX_NAME = 40
MAX_HEAD = 4096
"""The longest header of a JWT that is decoded, in letters of base64."""
MAX_STRAYS = 8
"""The most texts like a token that are tried at places that are not named; a request with more is refused."""

_PREFIXED = re.compile(r"(?:bearer )?([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
_BEARER = re.compile(rb"bearer ([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
_SHOWN = re.compile(rb"(?:\A|[\s,;])bearer", re.IGNORECASE)
_PIECES = re.compile(r"[^A-Za-z0-9\-._~+]+")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
"""An encoded character, as of the JSON that scripts write into a cookie: no token has one."""
_ENCODED = "ZXlK"
"""The beginning of every JOSE header (``eyJ``) in base64."""
_TWICE = re.compile(rf"{_ENCODED}[A-Za-z0-9\-_]+")
_DIGEST = (b"username=", b"nonce=", b"response=")


@dataclass(frozen=True, slots=True)
class Places:
    """Name the places of a token besides ``Authorization``: headers, query, cookies."""

    headers: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()


def names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Make a tuple of one name or several."""
    return (given,) if isinstance(given, str) else tuple(given)


def places_of(header: str | Sequence[str], query: str | Sequence[str], cookie: str | Sequence[str]) -> Places:
    """Read the places that a developer names.

    Raises ``SettingsError`` for a header that is read in another way.
    """
    places = Places(names(header), names(query), names(cookie))
    if any(name.lower() in ("authorization", "cookie") for name in places.headers):
        raise SettingsError(
            "identify: header= must not name Authorization or Cookie; leave Authorization out, which is always read, and name "
            "a cookie in cookie="
        )
    return places


class Unreadable(ValueError):
    """Refuse a request whose credential has a form that the app might read differently.

    An adapter, or an ``identify`` of the host, raises it if it can neither name a person nor be sure that the app sees
    nobody. Bearer callers get 401 ``invalid_request`` (RFC 6750, 3.1), page loads are sent to the sign-in, and all others get
    401. The text goes to the log; it must hold no credential.
    """


class Refused(Unreadable):
    """A readable token that the app's verifier refuses in its library's own words."""


def shows_bearer(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a caller shows a bearer token, in whatever form it is written."""
    return any(name == b"authorization" and _SHOWN.search(value) is not None for name, value in headers)


def authorization_token(scope: Mapping[str, Any], other_schemes: Sequence[str] = ()) -> str:
    """Read the token of ``Authorization: Bearer …``; "" where there is none.

    The one form is the scheme in any case, one space, and a token of RFC 6750. A header of another scheme whose content
    cannot be a token is not ours. Raises ``Unreadable`` for everything else: frameworks cut this header in different ways
    (at one space, at any white space, after seven letters, at commas), so another form may be somebody for the app.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if not values:
        return ""
    if len(values) > 1:
        raise Unreadable("there are two Authorization headers in one request")
    value: bytes = values[0]
    found = _BEARER.fullmatch(value)
    if found is not None:
        return found[1].decode("ascii")
    if not value.strip(b" \t") or _is_other_scheme(value, other_schemes):
        return ""
    raise Unreadable('the Authorization header is not "Bearer", one space and a token (RFC 6750)')


def _is_other_scheme(value: bytes, named: Sequence[str]) -> bool:
    """Tell if the header is of another scheme and cannot be taken for a bearer token."""
    if _SHOWN.search(value) is not None:
        return False
    scheme, _, rest = value.partition(b" ")
    word = scheme.decode("latin-1").lower()
    if word in (name.lower() for name in named):
        return True
    match word:
        case "basic":
            return b":" in _decoded(rest)
        case "negotiate" | "ntlm":
            return _decoded(rest).startswith((b"\x60", b"NTLMSSP\0"))
        case "digest":
            return all(part in rest for part in _DIGEST)
    return False


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def named_tokens(scope: Mapping[str, Any], places: Places) -> Iterator[str]:
    """Read the tokens at the named places, as Starlette reads them.

    Raises ``Unreadable`` for another form, or for two tokens.
    """
    for place, values in _named_values(scope, places):
        given = [value for value in values if value]
        if len(given) > 1:
            raise Unreadable(f"{place} is there {len(given)} times in one request")
        for value in given:
            found = _PREFIXED.fullmatch(value)
            if found is None:
                raise Unreadable(f"{place} holds something that is no token (RFC 6750)")
            yield found[1]


def _named_values(scope: Mapping[str, Any], places: Places) -> Iterator[tuple[str, list[str]]]:
    for header in places.headers:
        key = header.lower().encode("ascii")
        yield f"the header {header}", [v.decode("latin-1").strip(" \t") for n, v in scope["headers"] if n == key]
    if places.query:
        parameters = _connection(scope).query_params
        for name in places.query:
            yield f"the query parameter {name!r}", parameters.getlist(name)
    for name in places.cookies:
        yield f"the cookie {name!r}", _cookie_values(scope, name)


def _cookie_values(scope: Mapping[str, Any], name: str) -> list[str]:
    """Read every cookie of a name: Starlette takes the last one, other parsers the first."""
    parts = [part for n, v in scope["headers"] if n == b"cookie" for part in v.split(b";")]
    alone = ({"headers": [(b"cookie", part)], "type": "http"} for part in parts)
    found = (_connection(one).cookies.get(name) for one in alone)
    return list(dict.fromkeys(value for value in found if value is not None))


def stray_tokens(scope: Mapping[str, Any], places: Places) -> list[tuple[str, str]]:
    """Find texts like a JWT at places that are not named: path, query, cookies, headers.

    A prefix hides none: a script of a browser can write a token only into a websocket's subprotocol, and marks it there
    (``access_token.eyJ…``). Nor does base64, in which Kubernetes and others put it there. Each comes with its place. Raises
    ``Unreadable`` for more than ``MAX_STRAYS``.
    """
    found = [
        (place, piece)
        for place, text in _stray_values(scope, places)
        if "." in text or _ENCODED in text
        for piece in dict.fromkeys((text.strip(), *(tail for part in _parts_of(text) for tail in _tails(part))))
        if _is_jwt(piece)
    ]
    if len(found) > MAX_STRAYS:
        raise Unreadable("there are more tokens in one request than can be looked at")
    return found


def _parts_of(text: str) -> list[str]:
    return _PIECES.split(_ESCAPE.sub(" ", text) if "%" in text else text)


def _tails(text: str) -> Iterator[str]:
    """Return a text, and the parts of it that begin as a JOSE header does (``{"`` in base64).

    A part that is in base64 once more is decoded.
    """
    yield text
    for encoded in _TWICE.findall(text)[:MAX_STRAYS]:
        yield base64.urlsafe_b64decode(encoded[: len(encoded) - (len(encoded) % 4 == 1)] + "==").decode("latin-1")
    parts = text.split(".")
    for place, part in enumerate(parts[:MAX_STRAYS]):
        at = part.find("eyJ")
        if at >= 0:
            yield ".".join((part[at:], *parts[place + 1 :]))


def _stray_values(scope: Mapping[str, Any], places: Places) -> Iterator[tuple[str, str]]:
    yield "the path", scope["path"]
    if scope.get("query_string"):
        for name, value in _connection(scope).query_params.multi_items():
            if name not in places.query:
                yield f"the query parameter {name[:MAX_NAME]!r}", value
                yield f"the query parameter {name[:MAX_NAME]!r}", name
    known = {b"authorization", b"cookie", *(header.lower().encode("ascii") for header in places.headers)}
    for key, raw in scope["headers"]:
        if key not in known:
            yield f"the header {key[:MAX_NAME].decode('latin-1')!r}", raw.decode("latin-1")
        elif key == b"authorization" and raw[:6].lower() == b"basic ":
            yield "the password of Basic", _decoded(raw[6:]).decode("latin-1")
    # Each header by itself: Starlette before 0.49 reads the first one alone, and HTTP/2 sends several.
    for header in [item for item in scope["headers"] if item[0] == b"cookie"]:
        for name, value in _connection({"type": "http", "headers": [header]}).cookies.items():
            if name not in places.cookies:
                yield f"the cookie {name[:MAX_NAME]!r}", value


def _is_jwt(text: str) -> bool:
    """Tell if a text begins with a JOSE header, which no signed session cookie has."""
    head, dot, rest = text.partition(".")
    if not dot or "." not in rest or len(head) > MAX_HEAD:
        return False
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=="))
    except ValueError:
        return False
    return isinstance(header, dict) and "alg" in header


def _connection(scope: Mapping[str, Any]) -> Any:
    """Make the object by which Starlette reads a request, so the parsers are the app's (S-12)."""
    from starlette.requests import HTTPConnection

    return HTTPConnection(dict(scope))
