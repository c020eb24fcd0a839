"""Name in the log why a signed-in caller has no address of their own.

It may be none that can be read (V-5, V-6), or that of a proxy which nobody has named (F-34). Without an address no proof holds
for a further request, so everybody is asked again and again. With that of a proxy everybody seems to be in one place, and a
stolen proof works from everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..core.networks import Proxy, hop_address, is_proxy, lies_in, read_address
from ..core.text_safety import one_line
from .forwarders import is_forwarded
from .scope import FORWARDED_FOR
from .types import Scope

log = logging.getLogger("mfa_gate")

MAX_PEERS = 20
"""Peers that the log names: any visitor may write the header."""
ALIKE = "so no proof holds for the next request, and everybody is asked again"


class UnknownAddresses:
    """A log of the callers without an address: one line for each cause.

    ``trusted`` are the proxies whose forwarded addresses count, ``told_in`` is the header in which they tell them.
    """

    def __init__(self, trusted: Sequence[Proxy], told_in: bytes = FORWARDED_FOR) -> None:
        self._trusted = tuple(trusted)
        self._told_in = told_in
        self._told: set[str] = set()
        self._peers: set[str] = set()

    def tell(self, scope: Scope) -> None:
        """Name the cause and the fix, once."""
        cause, text = self._cause(scope)
        if cause not in self._told:
            self._told.add(cause)
            log.warning("mfa_gate: a signed-in caller has no readable address, %s: %s", ALIKE, text)

    def look_for_proxy(self, scope: Scope) -> None:
        """Name a peer that tells a client's address and is no listed proxy, once.

        It is looked for where somebody is asked for a proof: a new proxy changes the network of everybody.
        """
        client = scope.get("client")
        peer = client[0] if client else ""
        if not peer or peer in self._peers or len(self._peers) >= MAX_PEERS:
            return
        if all(key != self._told_in for key, _ in scope["headers"]):
            return
        if is_proxy(peer, self._trusted) or is_forwarded(scope):
            return
        self._peers.add(peer)
        shown = one_line(peer, limit=60)
        log.warning(
            "mfa_gate: %s sends %s and is not in trusted_proxies, so it is not believed. If it is a proxy of yours, everybody "
            "behind it seems to come from one address, and a stolen proof works from everywhere: name it, "
            'trusted_proxies=["%s"]. If it is a visitor, nothing is wrong',
            shown,
            self._told_in.decode("ascii").title(),
            shown,
        )

    def _cause(self, scope: Scope) -> tuple[str, str]:
        client = scope.get("client")
        peer = client[0] if client else ""
        name = self._told_in.decode("ascii").title()
        values = [value.decode("latin-1") for key, value in scope["headers"] if key == self._told_in]
        fix = "let it send the client's address alone"
        if self._told_in == FORWARDED_FOR:
            fix += f" (nginx: proxy_set_header {name} $remote_addr)"
        if is_proxy(peer, self._trusted):
            if not values:
                return "silent", f"the proxy in front sends no {name}; {fix}"
            hop = one_line(self._unread(values), limit=60)
            return "hop", f"a trusted proxy has sent {name} with {hop!r}, which is no address; {fix}"
        if not peer:
            return (
                "socket",
                "the server listens on a socket without addresses, and trusted_proxies does not name it; give "
                f'trusted_proxies=["unix"] for the proxy in front, and {fix}',
            )
        return (
            "peer",
            f"the server names its peer {one_line(peer, limit=60)!r}, which is no address; a test client gets one by "
            'kit.client(app), or by TestClient(app, client=("203.0.113.5", 50000))',
        )

    def _unread(self, values: Sequence[str]) -> str:
        """Return the rightmost hop that is no address, behind our own proxies.

        Headers that hold one address are returned whole.
        """
        if self._told_in != FORWARDED_FOR:
            return ", ".join(values)
        hops = [hop.strip() for value in values for hop in value.split(",")]
        networks = [proxy for proxy in self._trusted if not isinstance(proxy, str)]
        for hop in reversed(hops):
            address = hop_address(hop)
            if read_address(address) is None or not lies_in(address, networks):
                return hop
        return ""
