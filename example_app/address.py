"""Let a browser on this machine come "from another address", by a cookie of the demo page.

This happens outside of the gate.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["COOKIE", "DemoAddress", "is_local", "parsed"]

COOKIE = "demo_address"
_PEER = "example_app.peer"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


class DemoAddress:
    """Rewrite ``scope["client"]`` for peers on this machine; all others keep their address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Remember the socket's peer for ``is_local``, and pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        peer = connection.client.host if connection.client else ""
        changed = {**scope, _PEER: peer}
        address = connection.cookies.get(COOKIE, "")
        if address and _is_loopback(peer) and parsed(address) is not None:
            changed["client"] = (address, 0)
        await self._app(changed, receive, send)


def is_local(connection: HTTPConnection) -> bool:
    """Tell if the socket's peer is this machine, and used a local name for it.

    Forwarded headers mean nothing here. The name is checked because a page elsewhere can point a name of its own at this
    machine and then read the demo controls, which need no sign-in.
    """
    host = connection.headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return _is_loopback(connection.scope.get(_PEER, "")) and name in _LOCAL_NAMES


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; None for text that is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_loopback(text: str) -> bool:
    address = parsed(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address is not None and address.is_loopback
