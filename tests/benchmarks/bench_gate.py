"""What the gate adds to a request: the same stack with and without it, side by side in one run, as microseconds and ratios."""

from __future__ import annotations

import asyncio
import gc
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mfa_gate import Contacts, MFAGate, RelyingParty, Subject
from mfa_gate.core.model import Authenticator, Browser, Proof
from mfa_gate.core.policy import EnrollmentRules, Exemption, FactorRules, PathRule, Policy, Rules
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key

ROUNDS = 40
BATCH = 400
SECRET = "s" * 32
App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


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
        factors=FactorRules(allowed=("totp",), order=("totp",)),
        enrollment=EnrollmentRules(first="open"),
        exempt=(free,),
    )
    return Policy(name="benchmark", base=rules)


async def contacts(subject: Subject) -> Contacts:
    """Nobody has any."""
    return Contacts()


def gate_on(store: str) -> MFAGate:
    """A gate over ``store``."""
    return MFAGate(
        policy=policy(),
        identify=SessionUser("user_id"),
        contacts=contacts,
        store=store,
        keys=[make_key(secrets.token_bytes(32))],
        relying_party=RelyingParty(id="localhost", name="Benchmark", origins=["http://localhost"]),
    )


def gated(gate: MFAGate) -> Starlette:
    """The app with session and gate."""
    app = Starlette(routes=routes())
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key=SECRET)
    return app


def session_cookie() -> bytes:
    """A signed session of one user, as SessionMiddleware writes it."""
    import json
    from base64 import b64encode

    import itsdangerous

    data = b64encode(json.dumps({"user_id": "u1", "theme": "dark"}).encode())
    return b"session=" + itsdangerous.TimestampSigner(SECRET).sign(data)


async def prove(gate: MFAGate) -> bytes:
    """Give the user a factor and this browser a proof, straight in the store; returns the cookie."""
    from mfa_gate.core.entropy import handle_digest

    await gate.guard.open()
    subject = Subject(id="u1")
    handle = "b" * 48
    now = int(time.time())
    account = await gate.service.engine.store.load(subject.key)
    proof = Proof(factor="totp", authenticator="a1", at=now, network="127.0.0.1", epoch=0)
    browser = Browser(id="b1", handle=handle_digest(handle), label="Bench", created_at=now, proofs=(proof,))
    from dataclasses import replace

    account = replace(
        account,
        authenticators=(Authenticator(id="a1", factor="totp", label="App", created_at=now),),
        browsers=(browser,),
    )
    assert await gate.service.engine.store.swap(account)
    cookies = gate.guard.site.cookies
    jar = cookies.jar(subject.key, {"type": "http", "scheme": "http"})
    return jar.handle + b"=" + cookies.seal(jar, handle).encode()


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


async def one_batch(app: App, path: str, cookie: bytes) -> float:
    """Microseconds a request over one batch."""
    body = {"type": "http.request", "body": b"", "more_body": False}
    status: list[int] = []

    async def receive() -> dict[str, Any]:
        return body

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scopes = [scope_of(path, cookie) for _ in range(BATCH)]
    start = time.perf_counter()
    for scope in scopes:
        await app(scope, receive, send)
    spent = time.perf_counter() - start
    if set(status) != {200}:
        raise SystemExit(f"{path}: answered {sorted(set(status))}, not 200: nothing worth measuring")
    return spent / BATCH * 1e6


async def measure(rows: Sequence[tuple[str, App, str, bytes]]) -> dict[str, list[float]]:
    """Every stack in turn, round by round, so that a drift of the machine meets them all alike."""
    found: dict[str, list[float]] = {name: [] for name, *_ in rows}
    for round_ in range(ROUNDS + 3):
        gc.collect()
        for name, app, path, cookie in rows:
            spent = await one_batch(app, path, cookie)
            if round_ >= 3:
                found[name].append(spent)
    return found


async def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Starlette(routes=routes())
        session = Starlette(routes=routes())
        session.add_middleware(SessionMiddleware, secret_key=SECRET)
        memory, sqlite = gate_on("memory://"), gate_on(f"sqlite:///{Path(folder) / 'bench.db'}")
        host = session_cookie()
        memory_cookie, sqlite_cookie = await prove(memory), await prove(sqlite)
        app_memory, app_sqlite = gated(memory), gated(sqlite)
        rows: list[tuple[str, App, str, bytes]] = [
            ("bare app", bare, "/", host),  # type: ignore[list-item]
            ("+ session", session, "/", host),  # type: ignore[list-item]
            ("+ session + gate, memory", app_memory, "/", host + b"; " + memory_cookie),  # type: ignore[list-item]
            ("+ session + gate, SQLite", app_sqlite, "/", host + b"; " + sqlite_cookie),  # type: ignore[list-item]
            ("+ session, anonymous", session, "/", b""),  # type: ignore[list-item]
            ("+ session + gate, anonymous", app_memory, "/", b""),  # type: ignore[list-item]
            ("+ session, free path", session, "/free", host),  # type: ignore[list-item]
            ("+ session + gate, exempt path", app_memory, "/free", host),  # type: ignore[list-item]
        ]
        found = await measure(rows)
        await memory.guard.aclose()
        await sqlite.guard.aclose()
    report(found)


def report(found: dict[str, list[float]]) -> None:
    """The table: medians, 99th percentiles, and what is added over which stack."""
    over = {
        "+ session": "bare app",
        "+ session + gate, memory": "+ session",
        "+ session + gate, SQLite": "+ session",
        "+ session + gate, anonymous": "+ session, anonymous",
        "+ session + gate, exempt path": "+ session, free path",
    }
    unit = statistics.median(a - b for a, b in zip(found["+ session"], found["bare app"], strict=True))
    print(f"{'stack':34}{'median':>9}{'p99':>9}{'added':>9}{'of session':>12}")
    for name, times in found.items():
        line = f"{name:34}{statistics.median(times):8.1f} {sorted(times)[int(len(times) * 0.99) - 1]:8.1f} "
        if name in over:
            added = statistics.median(a - b for a, b in zip(times, found[over[name]], strict=True))
            line += f"{added:8.1f} {added / unit:11.2f}"
        print(line)
    print("microseconds a request; added: median of the differences, round by round; of session: of what it adds itself")


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
