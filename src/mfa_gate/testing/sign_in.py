"""Make test clients that are through the second factor already."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..core.changes import Change
from ..core.entropy import draw_id, handle_digest
from ..core.model import MAX_BROWSERS, Acceptance, Account, Authenticator, Browser, Caller, Proof, Subject
from ..core.networks import parse_address
from ..core.rules import Rules
from .enrollment import enrolled

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
T = TypeVar("T")


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

    The host's own sign-in is still the host's. ``fresh``: proven now; else half of the policy's ``max_age`` ago, which opens
    the app and fails a step-up. ``age`` says it in seconds. ``factor`` is the factor of the proof; a subject without it gets
    it (see ``enrolled``), by default the first that the subject has or the policy allows. An agreement that the policy demands
    is accepted as well.

    A proof belongs to a network. ``address`` is the client's address. Without it a plain ``TestClient`` comes from ``PEER``
    (the client is changed, since its default is no address), and a client of a real server from 127.0.0.1. ``native``: the
    proof goes into the header ``MFA-Proof``, for clients without cookies.
    """
    await gate.web.open()
    engine, place = gate.service.engine, _come_from(client, address)
    rules = engine.rules(subject.tenant)
    used = await _authenticator(gate, subject, factor)
    if age is None:
        age = 0 if fresh else int(rules.freshness.max_age) // 2
    handle = secrets.token_hex(24)
    at = engine.now() - int(age)
    kind = "client" if native else "browser"

    def step(account: Account) -> Change[None]:
        proof = Proof(
            factor=used.factor,
            authenticator=used.id,
            at=at,
            network=rules.network_of(place),
            epoch=account.epoch,
            phishing_resistant=engine.factors.traits[used.factor].phishing_resistant,
            user_verified=engine.factors.traits[used.factor].verifies_user,
        )
        browser = Browser(
            id=draw_id(handle.encode(), "browser"),
            handle=handle_digest(handle),
            label="Test client",
            created_at=at,
            proofs=(proof,),
            last_used_at=at,
            last_factor=used.id,
            kind=kind,
        )
        browsers = (*account.browsers, browser)[-MAX_BROWSERS:]
        changed = replace(account, browsers=browsers, acceptances=_accepted(account, rules, subject, engine.now()))
        return Change(account=changed, events=(), answer=None)

    await engine.change(subject.key, step)
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
    ``with``, else on an event loop of its own.
    """
    portal = getattr(client, "portal", None)

    async def go() -> C:
        return await verified(
            client, gate, subject, fresh=fresh, age=age, factor=factor, address=address, native=native
        )

    if portal is not None:
        result: C = portal.call(go)
        return result
    return run(go)


def run(make: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function to its end from plain code, even inside a running event loop."""
    done: list[T] = []
    failed: list[BaseException] = []

    async def waited() -> T:
        return await make()

    def work() -> None:
        try:
            done.append(asyncio.run(waited()))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="mfa_gate-testing")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


async def _authenticator(gate: MFAGate, subject: Subject, factor: str) -> Authenticator:
    engine = gate.service.engine
    judgement = await gate.service.access.own(Caller(subject=subject, handle="", network=""))
    wanted = (factor,) if factor else judgement.requirement.factors or engine.rules(subject.tenant).factors.allowed
    known = engine.factors.traits
    usable = [kind for kind in wanted if factor or (kind in known and not known[kind].backup)]
    account = await engine.store.load(subject.key)
    found = next((a for a in account.authenticators if a.factor in usable), None)
    if found is not None:
        return found
    kind = "totp" if "totp" in usable else next(iter(usable), "totp")
    made = await enrolled(gate, subject, kind)
    mine = (await engine.store.load(subject.key)).authenticator(made.id)
    if mine is None:
        raise LookupError("the authenticator was removed meanwhile")
    return mine


def _accepted(account: Account, rules: Rules, subject: Subject, now: int) -> tuple[Acceptance, ...]:
    agreement = rules.agreement
    if agreement is None:
        return account.acceptances
    accepted = Acceptance(
        agreement=agreement.id,
        version=agreement.version,
        digest=agreement.digest,
        at=now,
        network="",
        session=handle_digest(subject.session),
    )
    return (*(a for a in account.acceptances if a.agreement != agreement.id), accepted)


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
