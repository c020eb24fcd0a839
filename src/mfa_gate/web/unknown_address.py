"""Name in the log why a signed-in caller has no readable address (V-5, V-6).

Without one no proof holds for a further request, so everybody is asked again and again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..core.networks import Proxy, hop_address, is_proxy, lies_in, read_address
from ..core.text_safety import one_line
from .types import Scope

log = logging.getLogger("mfa_gate")

ALIKE = "so no proof holds for the next request, and everybody is asked again"
TOLD_BY_PROXY = "let it send the client's address alone (nginx: proxy_set_header X-Forwarded-For $remote_addr)"


class UnknownAddresses:
    """A log of the callers without an address: one line for each cause.

    ``trusted`` are the proxies whose forwarded addresses count.
    """

    def __init__(self, trusted: Sequence[Proxy]) -> None:
        self._trusted = tuple(trusted)
        self._told: set[str] = set()

    def tell(self, scope: Scope) -> None:
        """Name the cause and the fix, once."""
        cause, text = self._cause(scope)
        if cause not in self._told:
            self._told.add(cause)
            log.warning("mfa_gate: a signed-in caller has no readable address, %s: %s", ALIKE, text)

    def _cause(self, scope: Scope) -> tuple[str, str]:
        client = scope.get("client")
        peer = client[0] if client else ""
        values = [value.decode("latin-1") for key, value in scope["headers"] if key == b"x-forwarded-for"]
        hops = [hop.strip() for value in values for hop in value.split(",")]
        if is_proxy(peer, self._trusted):
            if not hops:
                return "silent", f"the proxy in front sends no X-Forwarded-For; {TOLD_BY_PROXY}"
            hop = one_line(self._unread(hops), limit=60)
            return "hop", f"a trusted proxy has sent X-Forwarded-For with {hop!r}, which is no address; {TOLD_BY_PROXY}"
        if not peer:
            return (
                "socket",
                "the server listens on a socket without addresses, and trusted_proxies does not name it; give "
                f'trusted_proxies=["unix"] for the proxy in front, and {TOLD_BY_PROXY}',
            )
        return (
            "peer",
            f"the server names its peer {one_line(peer, limit=60)!r}, which is no address; a test client gets one by "
            'kit.client(app), or by TestClient(app, client=("203.0.113.5", 50000))',
        )

    def _unread(self, hops: Sequence[str]) -> str:
        """Return the rightmost hop that is no address, behind our own proxies."""
        networks = [proxy for proxy in self._trusted if not isinstance(proxy, str)]
        for hop in reversed(hops):
            address = hop_address(hop)
            if read_address(address) is None or not lies_in(address, networks):
                return hop
        return ""
