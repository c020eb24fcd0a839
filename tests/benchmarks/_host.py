"""The host that is measured: one page behind a session, a gate around it, and a browser that has proven a factor."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import itsdangerous
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mfa_gate import Contacts, MFAGate, RelyingParty, Subject
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Authenticator, Browser, Proof
from mfa_gate.core.rules import EnrollmentRules, Exemption, FactorRules, PathRule, Policy, Rules
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key

SECRET = "s" * 32
HANDLE = "b" * 48
App = Callable[[Any, Any, Any], Awaitable[None]]


async def home(request: Request) -> PlainTextResponse:
    """Reads the session where there is one, as every measured stack with one does."""
    if "session" in request.scope:
        request.session.get("user_id")
    return PlainTextResponse("hello")


def routes() -> list[Route]:
    """One page, and one that the policy exempts."""
    return [Route("/", home), Route("/free", home)]


def policy() -> Policy:
    """TOTP required, one exempt path."""
    free = Exemption(name="free", paths=(PathRule(text="=/free"),), reason="benchmark")
    rules = Rules(
        factors=FactorRules(allowed=("totp", "email", "backup-code"), order=("totp", "email")),
        enrollment=EnrollmentRules(first="open"),
        exempt=(free,),
    )
    return Policy(name="benchmark", base=rules)


async def contacts(subject: Subject) -> Contacts:
    """Everybody has an address."""
    return Contacts(email=f"{subject.id}@benchmark.example")


class NoMail:
    """A sender that sends nothing."""

    async def send(self, message: object, /) -> None:
        """Forget it."""

    async def aclose(self) -> None:
        """There is nothing to let go of."""


def gate_on(store: str, *, key: str = "") -> MFAGate:
    """A gate over ``store``."""
    from mfa_gate import Senders

    return MFAGate(
        policy=policy(),
        identify=SessionUser("user_id"),
        contacts=contacts,
        store=store,
        senders=Senders(email=NoMail()),
        keys=[key or make_key(secrets.token_bytes(32))],
        relying_party=RelyingParty(id="localhost", name="Benchmark", origins=["http://localhost"]),
    )


def plain() -> Starlette:
    """The app alone."""
    return Starlette(routes=routes())


def with_session(app: Starlette) -> Starlette:
    """The app with the session that a host has anyway."""
    app.add_middleware(SessionMiddleware, secret_key=SECRET)
    return app


def gated(gate: MFAGate) -> Starlette:
    """The app with session and gate."""
    app = plain()
    gate.install(app)
    return with_session(app)


def session_cookie(user: str = "u1") -> bytes:
    """A signed session of one user, as SessionMiddleware writes it."""
    body = b64encode(json.dumps({"user_id": user, "theme": "dark"}).encode())
    return b"session=" + itsdangerous.TimestampSigner(SECRET).sign(body)


async def prove(gate: MFAGate, user: str = "u1") -> bytes:
    """Give the user a factor and this browser a proof, straight in the store; returns the cookie."""
    await gate.guard.open()
    subject = Subject(id=user)
    now = int(time.time())
    store = gate.service.engine.store
    proof = Proof(factor="totp", authenticator="a1", at=now, network="127.0.0.1", epoch=0)
    browser = Browser(id="b1", handle=handle_digest(HANDLE), label="Bench", created_at=now, proofs=(proof,))
    account = replace(
        await store.load(subject.key),
        authenticators=(Authenticator(id="a1", factor="totp", label="App", created_at=now),),
        browsers=(browser,),
    )
    assert await store.swap(account)
    cookies = gate.guard.site.cookies
    jar = cookies.jar(subject.key, {"type": "http", "scheme": "http"})
    return jar.handle + b"=" + cookies.seal(jar, HANDLE).encode()


def scope_of(path: str, cookie: bytes) -> dict[str, Any]:
    """A request as uvicorn gives it."""
    headers = [
        (b"host", b"localhost"),
        (b"user-agent", b"bench/1"),
        (b"accept", b"*/*"),
        (b"accept-language", b"en"),
    ]
    if cookie:
        headers.append((b"cookie", cookie))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "root_path": "",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "state": {},
    }


def percentile(times: list[float], share: float) -> float:
    """The value that ``share`` of ``times`` do not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
