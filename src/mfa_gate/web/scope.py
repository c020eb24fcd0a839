"""Read one ASGI scope: the app's path, the client's address, the kind of caller."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from ..core.browser_names import browser_name
from ..core.forwarded import forwarded_address, named_address
from ..core.networks import Proxy, client_address, is_proxy
from ..core.rules import is_clean as is_clean
from ..core.rules import is_plain as is_plain
from ..identity.credentials import shows_bearer
from .types import Scope

CallerKind = Literal["page", "htmx", "turbo", "fetch", "bearer", "frame", "subresource", "prefetch", "websocket"]

_SUBRESOURCES = frozenset(
    b"audio audioworklet font image manifest paintworklet report script serviceworker sharedworker style "
    b"track video worker xslt".split()
)
_FRAMES = frozenset((b"iframe", b"frame", b"fencedframe", b"embed", b"object"))
"""Elements that show a document: a person reads there what the answer says."""
_FRAGMENTS = (b"x-up-version", b"x-pjax", b"x-inertia")
"""Headers of scripts that load parts of a page as HTML."""
_SAFE = "/!$&'()*+,:;=@~-._"
"""Characters that stand in a path as they are; all others are quoted."""


_NO_PATH = frozenset(",?#")
"""What no prefix of a proxy has: a comma joins two headers, the others end a path."""
FORWARDED_FOR = b"x-forwarded-for"
TOLD_ROOT = "mfa_gate.told_root"
"""The scope's key for the path that a proxy has taken off. The gate alone writes it."""
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)
NEXT = "{next}"
"""Stands in the host's ``sign_in`` for the page that was asked for."""

_LEADING = frozenset(
    [
        "redirect_uri",
        "post_logout_redirect_uri",
        "client_id",
        "request_uri",
        "samlrequest",
        "wtrealm",
        "wreply",
        "service",
    ]
)
"""Parameters by which a sign-in service is asked to lead on to another application."""
_SERVICES = frozenset(["authorize", "cas", "connect", "oauth", "oauth2", "oidc", "openid", "saml", "saml2", "sso"])
"""Path segments in the addresses of such services."""


def app_path(scope: Scope) -> str:
    """Return the path as the app's own router sees it.

    ``root_path`` is removed where it is a prefix of whole segments (S-7).
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root):
        rest = path[len(root) :]
        if not rest or rest[0] == "/":
            path = rest
    return path or "/"


def root_of(scope: Scope) -> str:
    """Quote the path that the app is mounted under, which our addresses begin with.

    It is the scope's ``root_path``, even if the server does not leave it in ``path``: a proxy may have stripped it. A
    mount may have parameters, and a visitor writes these: a root with a trick in it gives "" (see ``is_rooted``).
    """
    root = _root_in(scope)
    return quote(root, safe=_SAFE) if root and is_plain(root) else ""


def is_rooted(scope: Scope) -> bool:
    """Tell whether addresses can be built under the app's root (S-101).

    Where they cannot, no address of ours is sent.
    """
    root = _root_in(scope)
    return not root or is_plain(root)


def has_chosen_root(scope: Scope) -> bool:
    """Tell if the visitor may have chosen the root.

    A mount with a parameter lets everybody choose. Daphne takes the root from a header that every client may send, and
    hides the header.
    """
    root: str = scope.get("root_path") or ""
    if root and "daphne.server" in sys.modules:
        return True
    return bool(scope.get("path_params")) and scope.get("app_root_path", root) != root


def _root_in(scope: Scope) -> str:
    root: str = scope.get("root_path") or ""
    told: str = scope.get(TOLD_ROOT, "")
    return told + root.rstrip("/")


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return a header's value; None where it is missing or sent more than once."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0] if len(values) == 1 else None


def header_in(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Return the first value of a header that an app sends; empty where there is none.

    The name counts in any case of its letters.
    """
    return next((value for key, value in headers if key.lower() == name), b"")


def address_of(scope: Scope, trusted: Sequence[Proxy], told_in: bytes = FORWARDED_FOR) -> str:
    """Return the client's address (decisions 6).

    It is the peer of the socket. Behind proxies that ``trusted`` lists, it is the address that these proxies tell.
    ``told_in`` is the header that they use, in lower case.
    """
    client = scope.get("client")
    peer: str = client[0] if client else ""
    if not trusted:
        return peer
    told = [value.decode("latin-1") for key, value in scope["headers"] if key == told_in]
    if told_in == FORWARDED_FOR:
        return client_address(peer, told, trusted)
    return forwarded_address(peer, told, trusted) if told_in == b"forwarded" else named_address(peer, told, trusted)


REQUEST_ID = b"x-request-id"
_REQUEST_ID = re.compile(r"[!-~]{1,100}")


def request_id(scope: Scope, trusted: Sequence[Proxy]) -> str:
    """Return the id that a trusted proxy gave the request.

    It is "" where there is none that can be kept.

    Anybody else could write what they like into the trail.
    """
    found = header(scope, REQUEST_ID)
    client = scope.get("client")
    if found is None or not is_proxy(client[0] if client else "", trusted):
        return ""
    text = found.decode("latin-1")
    return text if _REQUEST_ID.fullmatch(text) else ""


def note_told_root(scope: Scope, trusted: Sequence[Proxy]) -> None:
    """Note the path that a trusted proxy has taken off, as ``X-Forwarded-Prefix`` tells it.

    It stands before the root of every address that leaves. The path that the app sees stays as it is. A header that is
    sent twice, or that is no plain path, is noted as one below which no address can be built.
    """
    told = [value.decode("latin-1").strip() for key, value in scope["headers"] if key == b"x-forwarded-prefix"]
    client = scope.get("client")
    if not told or not is_proxy(client[0] if client else "", trusted):
        return
    root = told[0].rstrip("/")
    is_good = len(told) == 1 and (not root or (is_clean(root) and _NO_PATH.isdisjoint(root)))
    scope[TOLD_ROOT] = root if is_good else "//"


def has_bearer(scope: Scope) -> bool:
    """Tell if the caller shows a bearer token, in any form of writing."""
    return shows_bearer(scope["headers"])


def is_bearer_alone(scope: Scope) -> bool:
    """Tell if a token is all that the caller shows.

    It has no cookie, which another site could make a browser send.
    """
    return has_bearer(scope) and not any(key == b"cookie" for key, _ in scope["headers"])


def caller_kind(scope: Scope) -> CallerKind:
    """Name the kind of caller, in the order of the table of callers.

    The form of a refusal depends on it; the decision never does.
    """
    if scope["type"] == "websocket":
        return "websocket"
    headers: dict[bytes, bytes] = dict(scope["headers"])
    headers[b"accept"] = b",".join([value for name, value in scope["headers"] if name == b"accept"])
    purpose = headers.get(b"sec-purpose") or headers.get(b"x-sec-purpose", b"")
    if b"prefetch" in purpose or headers.get(b"purpose") == b"prefetch":
        return "prefetch"
    if _is_navigation(headers):
        return "page"
    if _is_turbo(headers):
        return "turbo"
    if has_bearer(scope):
        return "bearer"
    if headers.get(b"hx-request") == b"true":
        return "htmx"
    mode, dest = headers.get(b"sec-fetch-mode"), headers.get(b"sec-fetch-dest")
    if dest in _FRAMES:
        return "frame"
    if dest in _SUBRESOURCES:
        return "subresource"
    if mode is not None:
        return "page" if _is_passed_on(headers) else "fetch"
    return "page" if _takes_html(headers) else "fetch"


def _is_navigation(headers: dict[bytes, bytes]) -> bool:
    """Tell if a browser loads a document, even if a proxy has added headers (a bearer token).

    Browsers without fetch metadata send ``Upgrade-Insecure-Requests`` only with navigations. A service worker that fetches
    the request itself keeps the mode, and the destination is ``empty`` then.
    """
    mode, dest = headers.get(b"sec-fetch-mode"), headers.get(b"sec-fetch-dest")
    if mode is None and dest is None:
        return headers.get(b"upgrade-insecure-requests") == b"1" and _takes_html(headers)
    return mode == b"navigate" and dest in (b"document", b"empty", None)


def _is_passed_on(headers: dict[bytes, bytes]) -> bool:
    """Tell if a service worker passes a page load on as a request of its own.

    Such a request is of the same origin, and its first choice is HTML. Scripts that load a part of a page so say who they
    are.
    """
    if headers.get(b"sec-fetch-site") != b"same-origin" or not headers.get(b"accept", b"").startswith(b"text/html"):
        return False
    if headers.get(b"x-requested-with", b"").lower() == b"xmlhttprequest":
        return False
    return headers.keys().isdisjoint(_FRAGMENTS)


def _is_turbo(headers: dict[bytes, bytes]) -> bool:
    """Tell if Turbo asks: for a frame, with a form, or for a visit."""
    if b"turbo-frame" in headers or b"x-turbo-request-id" in headers:
        return True
    return b"text/vnd.turbo-stream.html" in headers.get(b"accept", b"")


def _takes_html(headers: dict[bytes, bytes]) -> bool:
    """Tell if the caller names HTML, and likes it as much as JSON (RFC 9110, 12.5.1)."""
    html = json = 0.0
    for choice in headers.get(b"accept", b"").decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in choice.split(";"))
        if name in ("text/html", "application/xhtml+xml"):
            html = max(html, _quality_in(parameters))
        elif name == "application/json" or name.endswith("+json"):
            json = max(json, _quality_in(parameters))
    return html > 0 and html >= json


def _quality_in(parameters: Iterable[str]) -> float:
    """Return the quality of a choice in ``Accept``, from 0 to 1.

    It is 1 where nothing that can be read is said.
    """
    found = next((text[2:] for text in parameters if text.startswith("q=")), "")
    return float(found) if _QUALITY.fullmatch(found) else 1.0


def browser_label(scope: Scope) -> str:
    """Make a name for the browser from its user agent, which the owner recognizes."""
    return _label_of((header(scope, b"user-agent") or b"")[:400])


@lru_cache(maxsize=1024)
def _label_of(shown: bytes) -> str:
    return browser_name(shown.decode("latin-1"))


def safe_path(text: str, *, limit: int = 1024) -> str:
    """Return ``text`` if it is a place on this site, else "" (S-101).

    A place has at most ``limit`` characters, all of them ASCII. It begins with one slash, with no second slash behind
    it. It has no backslash, control character or space.
    """
    if not text.startswith("/") or len(text) > limit or not text.isascii():
        return ""
    if text[1:2] == "/" or "\\" in text or " " in text or not text.isprintable():
        return ""
    return text


def kept_query(scope: Scope) -> str:
    """Return the query of a page load without the choice of a language.

    Each part has an ``&`` before it.
    """
    if scope["method"] not in ("GET", "HEAD"):
        return ""
    raw = scope.get("query_string", b"").decode("latin-1")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return ""
    kept = [(name, value) for name, value in pairs if name != "lang"]
    return f"&{urlencode(kept)}" if kept else ""


def own_place(scope: Scope) -> str:
    """Quote the connection's path as its browser has it, root included.

    Returns "" where a browser would read another site in the path.
    """
    path: str = scope["path"]
    root: str = (scope.get("root_path") or "").rstrip("/")
    if root and path != root and not path.startswith(f"{root}/"):
        path = root + path
    path = scope.get(TOLD_ROOT, "") + path
    return safe_path(quote(path, safe=_SAFE, errors="surrogatepass"))


def sign_in_place(sign_in: str, scope: Scope) -> str:
    """Return the host's sign-in, with the page that was asked for in place of ``{next}``.

    Only a page that can be asked for again is named; else nothing stands there.
    """
    if NEXT not in sign_in:
        return root_of(scope) + sign_in
    place = own_place(scope) if scope["method"] in ("GET", "HEAD") else ""
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = safe_path(f"{place}?{query}") if place and query else place
    return root_of(scope) + sign_in.replace(NEXT, quote(wanted, safe="/"))


def may_lead_elsewhere(place: str) -> bool:
    """Tell if the app's page at ``place`` may lead to another origin, as OAuth does."""
    path, _, query = place.partition("#")[0].partition("?")
    if not _SERVICES.isdisjoint(path.lower().split("/")):
        return True
    return not _LEADING.isdisjoint(part.partition("=")[0].lower() for part in query.split("&"))


def place_in(address: bytes) -> str:
    """Return path and query of the address in a header, as a place on this site, or ""."""
    try:
        parts = urlsplit(address.decode("latin-1"))
    except ValueError:
        return ""
    return safe_path(parts.path + (f"?{parts.query}" if parts.query else ""))


def origin_in(address: bytes) -> str:
    """Return the origin of the address in a header, or ""."""
    try:
        parts = urlsplit(address.decode("latin-1"))
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
