"""The host that is measured: one page behind a session, and a gate around it.

A browser of the host has proven a factor.
"""

from __future__ import annotations

import json
import secrets
import statistics
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import itsdangerous
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import Contacts, MFAGate, RelyingParty, Subject
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Authenticator, Browser, Proof
from mfa_gate.core.rules import EnrollmentRules, Exemption, FactorRules, PathRule, Policy, Rules
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key

SECRET = "s" * 32
HANDLE = "b" * 48
BATCH = 250
SESSION_ROUNDS = 5
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
        public_url="http://localhost",
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
    """Give the user a factor and this browser a proof, straight in the store.

    Return the cookie.
    """
    await gate.web.open()
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
    cookies = gate.web.site.cookies
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


class PassOn:
    """A middleware that does nothing: the least that one can cost."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on."""
        await self.app(scope, receive, send)


async def pass_on(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Pass a request on, as a function for ``BaseHTTPMiddleware``."""
    return await call_next(request)


def with_middleware(app: Starlette, middleware: Any, **options: Any) -> Starlette:
    """The app with one more middleware around it."""
    app.add_middleware(middleware, **options)
    return app


async def one_batch(app: App, path: str, cookie: bytes, times: int = BATCH, status: int = 200) -> float:
    """Measure the processor time of a request over one batch, in microseconds.

    The time of other programs on this machine is left out.
    """
    body = {"type": "http.request", "body": b"", "more_body": False}
    answered: list[int] = []

    async def receive() -> dict[str, Any]:
        return body

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    scopes = [scope_of(path, cookie) for _ in range(times)]
    start = time.thread_time()
    for scope in scopes:
        await app(scope, receive, send)
    spent = time.thread_time() - start
    if set(answered) != {status}:
        raise SystemExit(f"{path}: answered {sorted(set(answered))}, not {status}: nothing worth measuring")
    return spent / times * 1e6


async def session_adds() -> float:
    """Measure the processor time that SessionMiddleware adds to a request, in microseconds.

    It shows the speed of this machine.
    """
    host, bare, session = session_cookie(), plain(), with_session(plain())
    return statistics.median(
        [await one_batch(session, "/", host) - await one_batch(bare, "/", host) for _ in range(SESSION_ROUNDS)]
    )


def percentile(times: list[float], share: float) -> float:
    """The value that ``share`` of ``times`` do not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
