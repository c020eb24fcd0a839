"""Make test clients that are through the second factor already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..core.model import Subject
from ..core.networks import parse_address
from .loops import run_for
from .proofs import proven

if TYPE_CHECKING:
    from ..gate import MFAGate

__all__ = ["PEER", "WebClient", "signed_in", "verified"]

PEER = "192.0.2.1"
"""The address that a ``TestClient`` gets in place of the word ``testclient``, which is no address (RFC 5737)."""


class WebClient(Protocol):
    """Declare the parts of a test client that are used: Starlette's, FastAPI's or httpx2's."""

    @property
    def base_url(self) -> Any:
        """Return the address that it asks."""

    @property
    def cookies(self) -> Any:
        """Return its cookies."""

    @property
    def headers(self) -> Any:
        """Return the headers of every request."""


C = TypeVar("C", bound=WebClient)


async def verified(
    client: C,
    gate: MFAGate,
    subject: Subject,
    *,
    fresh: bool = True,
    age: float | None = None,
    factor: str = "",
    address: str = "",
    native: bool = False,
) -> C:
    """Give ``client`` a proof of ``subject`` that the gate accepts.

    The host's own sign-in is still the host's. Of an impersonated subject it is the actor that gets the proof.

    ``fresh``: proven now; else half of the policy's ``max_age`` ago, which opens the app and fails a step-up. ``age`` says it
    in seconds. ``factor`` is the factor of the proof; a subject without it gets it (see ``enrolled``), by default the first
    that the subject has or the policy allows. An agreement that the policy demands is accepted as well.

    A proof belongs to a network. ``address`` is the client's address. Without it a plain ``TestClient`` comes from ``PEER``
    (the client is changed, since its default is no address), and a client of a real server from 127.0.0.1. ``native``: the
    proof goes into the header ``MFA-Proof``, for clients without cookies. Raises ``RuntimeError`` if the gate's store
    outlives the test.
    """
    subject, place = subject.judged, _come_from(client, address)
    handle = await proven(gate, subject, address=place, fresh=fresh, age=age, factor=factor, native=native)
    cookies, url = gate.web.site.cookies, client.base_url
    jar = cookies.jar(subject.key, {"scheme": url.scheme})
    if native:
        client.headers["MFA-Proof"] = cookies.seal_token(jar, handle)
    else:
        client.cookies.set(jar.handle.decode(), cookies.seal(jar, handle), domain=_cookie_domain(url.host))
    return client


def signed_in(
    client: C,
    gate: MFAGate,
    subject: Subject,
    *,
    fresh: bool = True,
    age: float | None = None,
    factor: str = "",
    address: str = "",
    native: bool = False,
) -> C:
    """Do as ``verified``, in tests that are no coroutines.

    ``signed_in(TestClient(app), gate, Subject("ann"))``. It runs in the portal of a ``TestClient`` that was entered with
    ``with``, else on the loop of the server that serves the gate, or on one of its own.
    """
    portal = getattr(client, "portal", None)

    async def go() -> C:
        return await verified(
            client, gate, subject, fresh=fresh, age=age, factor=factor, address=address, native=native
        )

    if portal is not None:
        result: C = portal.call(go)
        return result
    return run_for(gate, go)


def _come_from(client: WebClient, address: str) -> str:
    """Return the address that the app will see."""
    transport = getattr(client, "_transport", None)
    peer = getattr(transport, "client", None)
    if not isinstance(peer, tuple):
        return address or "127.0.0.1"
    if not address:
        address = peer[0] if parse_address(peer[0]) else PEER
    transport.client = (address, peer[1])  # type: ignore[union-attr]
    return address


def _cookie_domain(host: str) -> str:
    """Return the domain under which a cookie jar files the cookies of that host.

    So the gate's next cookie takes this one's place.
    """
    return host if "." in host else f"{host}.local"
