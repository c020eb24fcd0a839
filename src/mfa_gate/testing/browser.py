"""Help end-to-end tests: serve the app, and let a real browser be through."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict
from urllib.parse import urlsplit

from ..core.model import Subject
from .proofs import proven

if TYPE_CHECKING:
    from ..gate import MFAGate

__all__ = ["LOOPBACK", "BrowserContext", "ProofCookie", "proof_cookie", "serving"]

LOOPBACK = "127.0.0.1"
"""The address from which a browser of this machine comes."""
PATIENCE = 20.0
"""Seconds until the server must have started, and have ended."""


class ProofCookie(TypedDict):
    """Declare a cookie in the form that Playwright's ``add_cookies`` takes."""

    name: str
    value: str
    url: str
    httpOnly: bool
    secure: bool
    sameSite: Literal["Lax"]


class BrowserContext(Protocol):
    """Declare the part of Playwright's ``BrowserContext`` that is used."""

    def add_cookies(self, cookies: Sequence[Any]) -> Any:
        """Add cookies to all pages of the context."""


async def proof_cookie(
    gate: MFAGate,
    subject: Subject,
    *,
    fresh: bool = True,
    age: float | None = None,
    factor: str = "",
    address: str = LOOPBACK,
    url: str = "",
) -> ProofCookie:
    """Make the cookie of a browser that has a proof of ``subject``.

    ``fresh``, ``age`` and ``factor`` are those of ``verified``. ``address`` is the address from which the app will see the
    browser. ``url`` is where the browser goes, by default the first origin of the gate's ``relying_party``. Raises
    ``RuntimeError`` if the gate's store outlives the test.
    """
    subject = subject.judged
    handle = await proven(gate, subject, address=address, fresh=fresh, age=age, factor=factor)
    cookies, place = gate.web.site.cookies, url or gate.service.engine.wiring.relying_party.web_origins[0]
    jar = cookies.jar(subject.key, {"scheme": urlsplit(place).scheme})
    return ProofCookie(
        name=jar.handle.decode(),
        value=cookies.seal(jar, handle),
        url=place,
        httpOnly=True,
        secure=jar.secure,
        sameSite="Lax",
    )


@contextmanager
def serving(app: Any, gate: MFAGate) -> Iterator[str]:
    """Serve ``app`` by uvicorn in a thread of this process, and give its address.

    The address is the gate's origin on this machine. The server shares the gate with the test: its clock, its outbox and its
    store in memory. Raises ``ValueError`` if the gate's ``relying_party`` has no such origin, ``ImportError`` without
    uvicorn, and ``RuntimeError`` if the server does not start.
    """
    import uvicorn

    origin = _local_origin(gate.service.engine.wiring.relying_party.web_origins)
    port = urlsplit(origin).port or 80
    config = uvicorn.Config(app, host=LOOPBACK, port=port, log_level="error", proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="mfa_gate-serving", daemon=True)
    thread.start()
    end = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            server.should_exit = True
            raise RuntimeError(f"the app did not start at {origin}; what it said is in its log")
        time.sleep(0.02)
    try:
        yield origin
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def _local_origin(origins: Sequence[str]) -> str:
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme == "http" and parts.hostname in ("localhost", LOOPBACK):
            return origin
    raise ValueError(
        f"relying_party has no origin on this machine ({', '.join(origins)}): let the gate of these tests have "
        'RelyingParty(id="localhost", name="App", origins=["http://localhost:8765"]), with a port that is free'
    )
