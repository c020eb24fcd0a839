"""Make test clients whose address is known, and whose origin is the gate's."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .sign_in import PEER

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from starlette.testclient import TestClient

    from ..gate import MFAGate

__all__ = ["async_client_for", "client_for"]

PORT = 50_000
"""The port of each client: nothing looks at it."""


def client_for(app: Any, gate: MFAGate, *, address: str = PEER, **more: Any) -> TestClient:
    """Make a ``TestClient`` that comes from ``address`` and asks at the gate's origin.

    The origin is the first one of ``relying_party``. A plain ``TestClient`` comes from the word ``testclient``, which is no
    address: a proof that is made there holds for one request. ``more`` is what ``TestClient`` takes besides. ``with
    client_for(app, gate) as client`` runs the app's lifespan.
    """
    from starlette.testclient import TestClient

    return TestClient(app, base_url=_origin_of(gate), client=(address, PORT), **more)


def async_client_for(app: Any, gate: MFAGate, *, address: str = PEER, **more: Any) -> AsyncClient:
    """Make an ``AsyncClient`` with an ``ASGITransport``, as ``client_for`` does.

    It is httpx2's, or httpx's where only that is installed; ``more`` is what it takes besides. It runs no lifespan: the gate
    opens with the first request. Raises ``ImportError`` if neither is installed.
    """
    try:
        library = import_module("httpx2")
    except ImportError:
        library = import_module("httpx")
    transport = library.ASGITransport(app, client=(address, PORT))
    made: AsyncClient = library.AsyncClient(transport=transport, base_url=_origin_of(gate), **more)
    return made


def _origin_of(gate: MFAGate) -> str:
    return gate.service.engine.wiring.relying_party.web_origins[0]
