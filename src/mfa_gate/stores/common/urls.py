"""Read the options of a store's URL, and show it in messages."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

_URL = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?")
_SECRET = re.compile(r"([?&][a-z_]*password=)[^&#]*", re.IGNORECASE)
_QUOTED = re.compile(r"""(['"])(.*?)\1""")
RESERVED = "in a password write %40 for @, %23 for #, %2F for /, %3F for ? and %25 for %"


class Parts(NamedTuple):
    """The parts of a URL, as they are written."""

    scheme: str
    netloc: str
    path: str
    query: str


def parts_of(url: str) -> Parts:
    """Take a URL apart (RFC 3986, appendix B).

    Python's own function knows one host: newer versions refuse several of which one is an IPv6 address, all of them a
    password with a bracket.
    """
    found = _URL.match(url.strip())
    scheme, *rest = found.groups(default="") if found else ("", "", "", "")
    return Parts(scheme.lower(), *rest)


def options_in(query: str) -> list[tuple[str, str]]:
    """Read the options of a URL. Raises ``ValueError``.

    A + is a plus, as in a path or a password: only a form of a web page means a space by it.
    """
    return parse_qsl(query.replace("+", "%2B"), keep_blank_values=True, strict_parsing=bool(query))


def without_password(url: str) -> str:
    """Return the URL fit for messages.

    All that stands before the last @ is left out: a password may hold any character, by mistake also one that ends it.
    """
    scheme, mark, rest = url.partition("://")
    before, at, after = rest.rpartition("@")
    return _SECRET.sub(r"\1…", f"{scheme}{mark}…@{after}" if at and before else url)


def without_secrets(text: str, url: str) -> str:
    """Return another program's message about the URL, without the pieces that are not shown."""
    shown = without_password(url)
    return _QUOTED.sub(lambda found: found[0] if found[2] in shown else '"…"', text.replace(url, shown))
