"""Help the tests of apps with a gate: fixed time, recorded messages, proven people.

``mfa_gate.testing.store_suite`` is the suite that every store passes; ``mfa_gate.testing.plugin`` has the fixtures that
pytest finds by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .browser import BrowserContext, ProofCookie, proof_cookie, serving
    from .clients import async_client_for, client_for
    from .clock import FixedClock
    from .enrollment import Enrolled, enrolled
    from .kit import Kit
    from .outbox import Outbox
    from .routes import RouteRow, assert_all_covered, route_inventory
    from .sign_in import PEER, WebClient, signed_in, verified
    from .softkey import SoftKey

__all__ = [
    "PEER",
    "BrowserContext",
    "Enrolled",
    "FixedClock",
    "Kit",
    "Outbox",
    "ProofCookie",
    "RouteRow",
    "SoftKey",
    "WebClient",
    "assert_all_covered",
    "async_client_for",
    "client_for",
    "enrolled",
    "proof_cookie",
    "route_inventory",
    "serving",
    "signed_in",
    "verified",
]

_HOMES = {
    "BrowserContext": "browser",
    "ProofCookie": "browser",
    "proof_cookie": "browser",
    "serving": "browser",
    "async_client_for": "clients",
    "client_for": "clients",
    "FixedClock": "clock",
    "Enrolled": "enrollment",
    "enrolled": "enrollment",
    "Kit": "kit",
    "Outbox": "outbox",
    "RouteRow": "routes",
    "assert_all_covered": "routes",
    "route_inventory": "routes",
    "PEER": "sign_in",
    "WebClient": "sign_in",
    "signed_in": "sign_in",
    "verified": "sign_in",
    "SoftKey": "softkey",
}


if not TYPE_CHECKING:  # a type checker that saw this would take every misspelled name for good

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
