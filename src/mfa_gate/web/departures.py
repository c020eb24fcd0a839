"""Lead on to another origin where the app redirects to it right after a form of ours.

Browsers hold every redirect after a form to the ``form-action`` of its page, and ours allows this site alone (S-103). So
an OAuth server's or a payment's redirect would end at the form, with the code spent. A page of ours goes on in its place.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from .interruption import page_of
from .responses import PRINTABLE, Answer, leading, page
from .scope import caller_kind, header, header_in, origin_in, root_of
from .site import Site
from .types import Scope
from .views import Continue

STATUSES = frozenset((301, 302, 303, 307, 308))
MAX_LOCATION = 8192
_BLANKS = bytes(range(33))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"[/\\]{2,}(?:[^/\\?#]*@)?([^/\\?#]*)")
_PORTS = {"https": ":443", "http": ":80"}
_NO_PLACES = frozenset(("about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"))
"""Schemes to which no browser lets a redirect lead. On a page of ours they would be worse than useless."""


class Departures:
    """The app's redirects to other origins, on page loads that come from a page of ours."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def page_for(self, scope: Scope, start: Any, tenant: str) -> Answer | None:
        """Make the page that stands for a redirect; None where the browser can follow it.

        ``scope`` is the request as the gate saw it, and ``start`` the app's message with status and headers. The page
        keeps the app's cookies. Its header ``Refresh`` goes on by itself, and a link does where a browser does not.
        """
        site = self._site
        if scope["method"] != "GET" or caller_kind(scope) != "page":
            return None
        came_from, own = page_of(scope, site.origins), root_of(scope) + site.prefix
        if not (came_from == own or came_from.startswith((f"{own}/", f"{own}?"))):
            return None
        headers = start.get("headers", ())
        to = elsewhere(header_in(headers, b"location"), origin_in(header(scope, b"referer") or b""))
        if not to:
            return None
        frame = site.plain_frame(scope, site.service.engine.rules(tenant))
        body = site.renderer.render(Continue(continue_url=to, why="done"), frame)
        cookies = [(b"set-cookie", value) for name, value in headers if name.lower() == b"set-cookie"]
        return page(body, headers=[leading(b"refresh", f"0;url={to}"), *cookies])


def elsewhere(location: bytes, own: str) -> str:
    """Return the address of a redirect to another origin than ``own``; else "".

    It is read as browsers read it: a backslash is a slash, and blanks around it do not count. An address that is none for a
    link gives "" as well, so the browser decides on it.
    """
    if len(location) > MAX_LOCATION:
        return ""
    text = quote(location.strip(_BLANKS).translate(None, b"\t\r\n"), safe=PRINTABLE)
    scheme, _, host = own.partition("://")
    if text[:1] in ("/", "\\") and text[1:2] in ("/", "\\"):
        text = f"{scheme}:{text}"
    found = _SCHEME.fullmatch(text)
    if found is None:
        return ""  # a place on this site
    named, rest = found[1].lower(), found[2]
    if named not in _PORTS:
        return "" if named in _NO_PLACES else text
    authority = _AUTHORITY.match(rest)
    if authority is None:
        return "" if named == scheme else text  # "https:x" is a place on an https site
    same = (named, authority[1].lower().removesuffix(_PORTS[named])) == (scheme, host.lower())
    return "" if same else text
