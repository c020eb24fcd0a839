"""Test single values: printable text, clean paths, legible colors, networks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from ..core.luminance import TEXT, WHITE, contrast
from ..core.networks import Network, is_everybody, parse_networks
from ..core.text_safety import is_seen

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,62}[A-Za-z0-9])?")
_NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_FONT = re.compile(r"""-?[A-Za-z][A-Za-z0-9-]*(?: [A-Za-z][A-Za-z0-9-]*)*|"[A-Za-z0-9 .-]+"|'[A-Za-z0-9 .-]+'""")
_UNCLEAN = re.compile(r"[%;\\?#*]|[^!-~]")


def printable(text: str) -> bool:
    """Refuse control characters, line breaks and the like, but for the joiners of a script."""
    return is_seen(text)


def label(text: str) -> bool:
    """Accept a name that fits in a log line, the label of a rule and the name of a file."""
    return _LABEL.fullmatch(text) is not None


def network_name_fault(text: str) -> str:
    """Find the reason why ``text`` is no name of a network; "" for a good one."""
    if _NETWORK_NAME.fullmatch(text):
        return ""
    return "a network's name takes up to 32 lower-case letters, digits, - and _"


def help_address(text: str) -> bool:
    """Accept a link that a page may show: https with a host, a path of this site, or mailto."""
    if not text.isascii() or not text.isprintable() or len(text) > 500 or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if text.startswith("/"):
        return not text.startswith("//")
    return (parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc) or (
        parts.scheme == "mailto" and "@" in parts.path
    )


def color(text: str) -> bool:
    """Accept a color in six hex digits."""
    return _COLOR.fullmatch(text) is not None


def font_names(text: str) -> bool:
    """Accept names of fonts with commas in between. A name may stand in quotes."""
    names = [name.strip() for name in text.split(",")]
    return len(text) <= 200 and all(_FONT.fullmatch(name) for name in names)


def legible_color(text: str) -> bool:
    """Accept a color in six hex digits that is legible on white, and white on it."""
    if not color(text):
        return False
    red, green, blue = bytes.fromhex(text[1:])
    return contrast((red, green, blue), WHITE) >= TEXT


def path_fault(text: str) -> str:
    """Find the reason why ``text`` is no path rule; "" for a good one (S-4, S-5).

    Only a path that a clean request can have is a rule.
    """
    if text.startswith("="):
        path = text[1:]
    elif text.endswith("/**"):
        path = text[:-3]
    else:
        return 'write "=/exact" for one path or "/tree/**" for all that lies in it'
    if text.endswith("/**") and path == "":
        return ""
    if not path.startswith("/"):
        return 'it must start with "/"'
    if _UNCLEAN.search(path):
        return "only plain ASCII without spaces and % ; \\ ? # * can be matched; everything else is never exempt"
    segments = path[1:].split("/")
    if "." in segments or ".." in segments:
        return 'it must not hold "." or ".." segments'
    last_may_be_empty = text.startswith("=")
    if "" in (segments[:-1] if last_may_be_empty else segments):
        return "it must not hold empty segments"
    return ""


def networks_fault(texts: Sequence[str]) -> str:
    """Find the reason why ``texts`` are no networks; "" for good ones."""
    networks = []
    for text in texts:
        try:
            networks.append(read_network(text))
        except ValueError as error:
            return f"{error}; write it like 198.51.100.0/28"
    if is_everybody(networks):
        return (
            f"{', '.join(texts)} is every address there is; to ask nothing on a change, set "
            'freshness.ip_change.action = "log"'
        )
    return "" if texts else "it must name at least one network"


def read_network(text: str) -> Network:
    """Read the network in ``text``.

    Raises ``ValueError`` for text that is no network, or whose host bits are not zero.
    """
    return parse_networks((text,))[0]
