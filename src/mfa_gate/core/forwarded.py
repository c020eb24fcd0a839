"""The header ``Forwarded`` (RFC 7239), and headers that hold one address.

Content delivery networks send the latter. Both are read strictly. A header that is not exactly in the form makes the
client unknown, because a client may have written it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .networks import UNKNOWN, Proxy, address_behind, hop_address, is_proxy, parse_address

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'({_WORD})=(?:({_WORD})|"((?:[\t !#-\[\]-~]|\\[\t !-~])*)")')
_BETWEEN = re.compile(r"[\t ]*([;,])[\t ]*")
_PORT = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
_NODE = re.compile(rf"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\]){_PORT}")


def forwarded_address(peer: str, values: Sequence[str], trusted: Sequence[Proxy]) -> str:
    """Return the client's address, as ``Forwarded`` headers of trusted proxies tell it.

    ``values`` are the headers in their order. An unreadable header, an element without ``for``, and a hop that is hidden
    (``unknown``, ``_name``) make the client unknown. So does a trusted proxy that sends no header.
    """
    if not is_proxy(peer, trusted):
        return peer
    hops: list[str] = []
    for value in values:
        found = _hops_in(value)
        if found is None:
            return UNKNOWN
        hops += found
    return address_behind(hops, trusted)


def named_address(peer: str, values: Sequence[str], trusted: Sequence[Proxy]) -> str:
    """Return the client's address, as one header of a trusted proxy tells it.

    The header holds one address. A header that is missing, sent twice, or a list makes the client unknown.
    """
    if not is_proxy(peer, trusted):
        return peer
    hop = hop_address(values[0]) if len(values) == 1 else ""
    return UNKNOWN if parse_address(hop) is None else hop


def _hops_in(value: str) -> list[str] | None:
    """Read the address of each element, "" where it tells none.

    Returns None for a header that is not in the form of RFC 7239, section 4.
    """
    hops: list[str] = []
    names: set[str] = set()
    hop, at, value = "", 0, value.strip("\t ")
    while True:
        pair = _PAIR.match(value, at)
        if pair is None or pair[1].lower() in names:
            return None
        names.add(pair[1].lower())
        if pair[1].lower() == "for":
            hop = _address_of(pair[2] if pair[3] is None else re.sub(r"\\(.)", r"\1", pair[3]))
        at = pair.end()
        if at == len(value):
            return [*hops, hop]
        between = _BETWEEN.match(value, at)
        if between is None:
            return None
        at = between.end()
        if between[1] == ",":
            hops.append(hop)
            hop, names = "", set()


def _address_of(node: str) -> str:
    """Cut the port and the brackets off a node; "" for one that is hidden or no address."""
    found = _NODE.fullmatch(node)
    return (found[1] or found[2]) if found else ""
