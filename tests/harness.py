"""A small host with the gate around it, and browsers that speak ASGI to it.

The tests of the whole gate stand on it.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyotp
import segno
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from mfa_gate import Contacts, MFAGate, RelyingParty, Senders, Subject
from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.rules import AgreementRules, EnrollmentRules, Exemption, FactorRules, PathRule, Policy, Rules
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key
from mfa_gate.ports import Message
from mfa_gate.service.accounts import Engine
from mfa_gate.storage import Store
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.web.render import Renderer
from tests.stores.patience import patient_store
from tests.web import answers

segno.make = partial(segno.make, mask=0)
"""Every reader takes any of the eight masks, and to find the prettiest is most of the time of an enrollment."""

Headers = Iterable[tuple[str, str]]
App = Callable[[Any, Any, Any], Awaitable[None]]

START = 1_750_000_000
HOME = "203.0.113.7"
ORIGIN = "http://localhost:8000"
SECRET = b"of the app: "
SESSION_KEY = "not a secret, a test"


def key(number: int) -> str:
    """Return the same good key for each number."""
    return make_key(hashlib.sha256(b"key %d" % number).digest())


class FixedClock:
    """A clock that a test moves."""

    def __init__(self, now: float = START) -> None:
        self.at = now

    def now(self) -> float:
        """UTC seconds."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Let time pass, or step back."""
        self.at += seconds


class Outbox:
    """A sender that keeps its messages, or fails as it is told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failure: BaseException | None = None

    async def send(self, message: Message, /) -> None:
        """Keep the message."""
        if self.failure is not None:
            raise self.failure
        self.messages.append(message)

    async def aclose(self) -> None:
        """There is nothing to let go of."""

    @property
    def codes(self) -> list[str]:
        """List the codes of all messages, oldest first."""
        return [message.code for message in self.messages if message.code]


FREE = Exemption(
    name="free",
    paths=(PathRule(text="=/login"), PathRule(text="=/public"), PathRule(text="/open/**")),
    reason="tests",
)
RULES = Rules(
    factors=FactorRules(allowed=("totp", "email", "sms", "backup-code"), order=("totp", "sms", "email")),
    enrollment=EnrollmentRules(first="open"),
    exempt=(FREE,),
)
AGREEMENT = AgreementRules(id="terms", version="1", title="Terms", file="terms.md", text="Be kind.", digest="d" * 64)
POLICY = Policy(
    name="tests",
    digest="0" * 64,
    base=RULES,
    tenants={
        "alpha": RULES,
        "beta": RULES,
        "optional": replace(RULES, enrollment=replace(RULES.enrollment, stage="optional")),
        "strict": replace(RULES, attempts=replace(RULES.attempts, lock_ends_sessions=True)),
        "terms": replace(RULES, agreement=AGREEMENT),
    },
)


def with_rules(change: Callable[[Rules], Rules]) -> Policy:
    """The policy of these tests with ``change`` made in every tenant."""
    return replace(POLICY, base=change(RULES), tenants={name: change(rules) for name, rules in POLICY.tenants.items()})


async def contacts_of(subject: Subject) -> Contacts:
    """Everybody has an address and a number on file."""
    return Contacts(name=subject.id.title(), email=email_of(subject.id, subject.tenant), phone="+1 202-555-0123")


def email_of(id: str, tenant: str = "alpha") -> str:
    """The e-mail address on file."""
    return f"{id}@{tenant}.example"


# -- the host ----------------------------------------------------------------------------------------------------------


async def secret(request: Request) -> Response:
    """Answer with the secret, which nobody who owes a factor may see."""
    return PlainTextResponse(SECRET + request.url.path.encode())


async def echo(request: Request) -> Response:
    """Answer with the body of the request."""
    return Response(await request.body())


async def log_in(request: Request) -> Response:
    """The host's own sign-in: the body is the session."""
    request.session.clear()
    request.session.update(await request.json())
    return PlainTextResponse("signed in")


async def log_out(request: Request) -> Response:
    """The host's own sign-out."""
    request.session.clear()
    return PlainTextResponse("signed out")


async def feed(request: Request) -> Response:
    """Send server-sent events."""

    async def lines() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"data: %s%d\n\n" % (SECRET, number)

    return StreamingResponse(lines(), media_type="text/event-stream")


async def chat(websocket: WebSocket) -> None:
    """Tells the secret at once, and again for each message."""
    await websocket.accept(subprotocol=next(iter(websocket.scope.get("subprotocols", [])), None))
    await websocket.send_text(SECRET.decode())
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """A mounted app that is no Starlette."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": SECRET + scope["path"].encode()})


def routes(static: Path | None = None) -> list[Any]:
    """One of everything that an app may have."""
    inner = Starlette(routes=[Route("/", secret), Route("/deep", secret), WebSocketRoute("/chat", chat)])
    found: list[Any] = [
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["GET", "POST"]),
        Route("/public", secret),
        Route("/open/door", secret),
        Route("/", secret),
        Route("/records", secret, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/records/{id}", secret),
        Route("/files/{path:path}", secret),
        Route("/echo", echo, methods=["POST"]),
        Route("/slash/", secret),
        Route("/feed", feed),
        WebSocketRoute("/chat", chat),
        Mount("/inner", inner),
        Mount("/bare", bare),
        Host("admin.localhost", Starlette(routes=[Route("/console", secret)])),
    ]
    if static is not None:
        found.append(Mount("/assets", StaticFiles(directory=static)))
    return found


class Watch:
    """The innermost layer, which writes down every connection that reaches the app.

    It calls the app.
    """

    def __init__(self, app: App, *, reached: list[tuple[str, str, str]]) -> None:
        self.app = app
        self.reached = reached

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Write it down and go on."""
        if scope["type"] != "lifespan":
            self.reached.append((scope["type"], scope.get("method", ""), scope["path"]))
        await self.app(scope, receive, send)


@dataclass(slots=True)
class World:
    """A host, its gate, and all that a test may look at."""

    app: App
    gate: MFAGate
    clock: FixedClock
    email: Outbox
    sms: Outbox
    events: list[Event] = field(default_factory=list)
    reached: list[tuple[str, str, str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The gate's store."""
        return self.gate.service.engine.store

    @property
    def engine(self) -> Engine:
        """The gate's engine."""
        return self.gate.service.engine

    def kinds(self, kind: str) -> list[Event]:
        """The events of one kind that were told."""
        return [event for event in self.events if event.kind == kind]

    async def account(self, id: str = "ann", tenant: str = "alpha") -> Account:
        """Return the account as the store has it."""
        await self.gate.web.open()
        return await self.store.load(SubjectKey(tenant, id))

    async def browser(
        self,
        id: str = "ann",
        tenant: str = "alpha",
        *,
        groups: Sequence[str] = (),
        sid: str = "",
        address: str = HOME,
        cookies: dict[str, str] | None = None,
    ) -> Browser:
        """A browser in which ``id`` is signed in with the password, and nothing more."""
        browser = Browser(self, address=address, cookies=dict(cookies or {}))
        session = {"user_id": id, "org": tenant, "groups": list(groups), "sid": sid or f"s-{id}-{tenant}"}
        await browser.ask("POST", "/login", body=json.dumps(session).encode())
        browser.id, browser.tenant = id, tenant
        self.reached.clear()
        return browser

    async def enrolled(self, id: str = "ann", tenant: str = "alpha", **more: Any) -> Browser:
        """Make a browser, and confirm an authenticator app in it.

        The app's secret is ``browser.secret``.
        """
        browser = await self.browser(id, tenant, **more)
        await browser.enroll()
        self.reached.clear()
        return browser


@cache
def _renderer() -> Renderer:
    return Renderer()


def _patient(store: Store | str) -> Store | str:
    """Give a SQLite store longer limits: a slow disk is no fault of it."""
    return patient_store(store) if isinstance(store, str) and store.startswith("sqlite") else store


def make_world(
    *,
    policy: Policy = POLICY,
    store: Store | str | None = None,
    static: Path | None = None,
    identify: Any = None,
    app: Starlette | None = None,
    session: bool = True,
    clock: FixedClock | None = None,
    name: str = "",
    **more: Any,
) -> World:
    """A host with the gate around it.

    ``name`` is the application's, ``more`` goes to ``MFAGate``.
    """
    clock = clock or FixedClock()
    email, sms = Outbox(), Outbox()
    events: list[Event] = []
    reached: list[tuple[str, str, str]] = []

    happened: list[str] = []

    def happens(event: Event) -> None:
        events.append(event)
        happened.append(event.id)

    async def heard(event: Event) -> None:
        # The hook is called a moment after the event, which is noted already; what it hears again is one more.
        if event.id in happened:
            happened.remove(event.id)
        else:
            events.append(event)

    settings: dict[str, Any] = {
        "contacts": contacts_of,
        "keys": [key(1)],
        "senders": Senders(email=email, sms=sms),
        "relying_party": RelyingParty(id="localhost", name="Example", origins=[ORIGIN]),
        "on_event": heard,
        "app": name,
        **more,
    }
    gate = MFAGate(
        policy=policy,
        identify=identify or SessionUser("user_id", tenant="org", groups="groups", session="sid"),
        store=_patient(store) if store is not None else MemoryStore(),
        clock=clock,
        **settings,
    )
    gate.service.engine.effects.counters.append(happens)
    # Templates are compiled once for all worlds: it takes longer than all the rest.
    object.__setattr__(gate.web.site, "renderer", _renderer())
    host = app or Starlette(routes=routes(static))
    host.add_middleware(Watch, reached=reached)
    gate.install(host)
    if session:
        host.add_middleware(SessionMiddleware, secret_key=SESSION_KEY)
    return World(app=host, gate=gate, clock=clock, email=email, sms=sms, events=events, reached=reached)


# -- browsers ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Reply:
    """An answer that came back over ASGI."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    messages: list[dict[str, Any]] = field(default_factory=list)

    def header(self, name: str) -> str:
        """A header's first value, or ""."""
        found = [value for key, value in self.headers if key.lower() == name.encode()]
        return found[0].decode("latin-1") if found else ""

    @property
    def location(self) -> str:
        """The address that the answer leads to."""
        return self.header("location")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of a problem document, or ""."""
        found = self.json() if "json" in self.header("content-type") else {}
        return str(found.get("reason") or "") if isinstance(found, dict) else ""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that were set, by name; "" for those that were deleted."""
        pairs = [v.decode("latin-1").split(";")[0].partition("=") for k, v in self.headers if k == b"set-cookie"]
        return {name: value for name, _, value in pairs}


PAGE = (
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "same-origin"),
)
FETCH = (("accept", "application/json"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin"))
OWN = (("origin", ORIGIN), ("sec-fetch-site", "same-origin"))


def http_scope(
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: Headers = (),
    address: str | None = HOME,
    scheme: str = "http",
    root_path: str = "",
) -> dict[str, Any]:
    """A request as a server hands it over: ``path`` is decoded already."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": query,
        "root_path": root_path,
        "scheme": scheme,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": (address, 50_000) if address is not None else None,
        "server": ("localhost", 8000),
        "state": {},
        "extensions": {},
    }


def socket_scope(path: str, *, headers: Headers = (), denial: bool = True, address: str = HOME) -> dict[str, Any]:
    """A websocket as a server hands it over."""
    scope = http_scope("GET", path, headers=headers, address=address, scheme="ws")
    del scope["method"]
    extensions: dict[str, Any] = {"websocket.http.response": {}} if denial else {}
    return {**scope, "type": "websocket", "subprotocols": ["chat"], "extensions": extensions}


async def call(app: App, scope: dict[str, Any], body: bytes = b"", *, messages: Sequence[dict[str, Any]] = ()) -> Reply:
    """Call an app with one connection, and collect its messages."""
    if scope["type"] == "websocket":
        incoming = [{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect", "code": 1000}]
    else:
        incoming = [*messages] or [{"type": "http.request", "body": body, "more_body": False}]
    reply = Reply()

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        reply.messages.append(message)
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            reply.status = message["status"]
            reply.headers = list(message.get("headers", []))
        elif message["type"] in ("http.response.body", "websocket.http.response.body"):
            reply.body += message.get("body", b"")
        elif message["type"] == "websocket.send":
            reply.body += (message.get("text") or "").encode() + (message.get("bytes") or b"")

    await app(scope, receive, send)
    return reply


class Browser:
    """A browser with its cookies, at one address.

    Everything can be forged. Nothing is followed by itself.
    """

    def __init__(self, world: World, *, address: str | None = HOME, cookies: dict[str, str] | None = None) -> None:
        self.world = world
        self.address = address
        self.cookies = cookies if cookies is not None else {}
        self.id = ""
        self.tenant = ""
        self.secret = ""
        self.backup: list[str] = []
        self.agent = ""

    async def ask(
        self, method: str, path: str, *, headers: Headers = PAGE, body: bytes = b"", keep: bool = True, **scope: Any
    ) -> Reply:
        """Send one request.

        ``path`` is decoded, as the server hands it on; behind a ``?`` comes the query.
        """
        path, _, query = path.partition("?")
        sent = [*headers]
        if self.agent and not any(name.lower() == "user-agent" for name, _ in sent):
            sent.append(("user-agent", self.agent))
        if self.cookies and not any(name.lower() == "cookie" for name, _ in sent):
            sent.append(("cookie", self.cookie_header()))
        scope.setdefault("address", self.address)
        reply = await call(self.world.app, http_scope(method, path, query=query.encode(), headers=sent, **scope), body)
        if keep:
            self.take(reply)
        answers.check_summary(reply)
        return reply

    def cookie_header(self) -> str:
        """The cookies as they are sent."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def take(self, reply: Reply) -> None:
        """Keep the cookies of an answer."""
        for name, value in reply.cookies.items():
            if value and value != "null":
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)

    @property
    def handle(self) -> str:
        """The name of the cookie that holds this subject's handle, "" where there is none."""
        pattern = re.compile(r"(?:__Host-)?mfa-[a-z0-9]+")
        return next(
            (name for name in self.cookies if pattern.fullmatch(name) and name not in ("mfa-lang", "mfa-zone")), ""
        )

    async def page(self, path: str, **more: Any) -> Reply:
        """Load a page."""
        return await self.ask("GET", path, **more)

    async def token(self, path: str = "/mfa/locked") -> str:
        """A CSRF token from any page of the gate that has a form."""
        found: list[str] = []
        forms = ("challenge", "enroll/totp", "enroll/email", "recovery", "agreement", "backup-codes")
        for place in (path, *(f"/mfa/{name}" for name in forms), "/mfa"):
            found = re.findall(r'name="csrf_token" value="([^"]+)"', (await self.page(place, headers=QUIET)).text)
            if found:
                return found[0]
        raise AssertionError("no page of the gate has a form here")

    async def form(
        self, path: str, fields: dict[str, str], *, headers: Headers | None = None, token: str = ""
    ) -> Reply:
        """A form of the gate, filled in and sent as a browser does."""
        fields = {"csrf_token": token or await self.token(path), **fields}
        sent = [*(PAGE if headers is None else headers), FORM]
        if headers is None:
            sent.append(("origin", ORIGIN))
        return await self.ask("POST", path, headers=sent, body=urlencode(fields).encode())

    async def api(self, method: str, call: str, body: Any = None, *, headers: Headers | None = None) -> Reply:
        """A call of the JSON API, as a page of ours makes it."""
        sent = [*FETCH, ("origin", ORIGIN)] if headers is None else [*headers]
        if headers is None:
            sent += [("x-mfa-gate", "1"), JSON]
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = await self.ask(method, f"/mfa/api/{call}", headers=sent, body=data)
        answers.check(method, call, reply)
        return reply

    # -- stories ---------------------------------------------------------------------------------------------------

    async def state(self) -> dict[str, Any]:
        """Return the state of this browser, as the JSON call tells it."""
        found: dict[str, Any] = (await self.api("GET", "state")).json()
        return found

    async def is_in(self) -> bool:
        """Return true if the app answers."""
        reply = await self.ask("GET", "/records", headers=FETCH)
        assert reply.status in (200, 403)
        return reply.status == 200

    async def enroll(self) -> str:
        """Bind an authenticator app; returns its id."""
        begun = (await self.api("POST", "enroll", {"factor": "totp"})).json()
        self.secret = begun["secret"]
        self.world.secrets.append(self.secret)
        confirm = {"enrollment": begun["enrollment"], "response": self.totp()}
        done = await self.api("POST", "enroll/confirm", confirm)
        assert done.status == 201, done.text
        self.backup = done.json().get("backup_codes", [])
        id: str = done.json()["authenticator"]["id"]
        return id

    async def enroll_email(self) -> str:
        """Bind the e-mail address on file; returns the authenticator's id."""
        begun = (await self.api("POST", "enroll", {"factor": "email"})).json()
        confirm = {"enrollment": begun["enrollment"], "response": self.world.email.codes[-1]}
        done = await self.api("POST", "enroll/confirm", confirm)
        assert done.status == 201, done.text
        id: str = done.json()["authenticator"]["id"]
        return id

    def totp(self, steps: int = 0) -> str:
        """The code of the authenticator app now, or some steps away."""
        return pyotp.TOTP(self.secret).at(int(self.world.clock.at) + 30 * steps)

    async def authenticator(self, factor: str) -> str:
        """The id of this subject's authenticator of a kind."""
        account = await self.world.account(self.id, self.tenant)
        return next(a.id for a in account.authenticators if a.factor == factor)

    def _around(self, secret: str) -> list[str]:
        """The codes of a secret from twelve minutes ago until in twelve minutes."""
        now = int(self.world.clock.at) // 30
        return [_code_of_step(secret, now + step) for step in range(-25, 26)]

    async def prove(self, secret: str = "", **more: Any) -> Reply:
        """Answer with the authenticator app, one time step later."""
        self.world.clock.advance(30)
        self.secret = secret or self.secret
        id = await self.authenticator("totp")
        return await self.api("POST", "verify", {"authenticator": id, "response": self.totp(), **more})

    async def guess(self, number: int = 0, factor: str = "totp") -> Reply:
        """Give a wrong answer."""
        id = await self.authenticator(factor)
        return await self.api("POST", "verify", {"authenticator": id, "response": self.wrong(number)})

    def wrong(self, number: int = 0) -> str:
        """A code that is good now for nobody in this world, whichever browser enrolled."""
        good = {code for secret in {*self.world.secrets, self.secret} - {""} for code in self._around(secret)}
        good |= {*self.world.email.codes, *self.world.sms.codes}
        return next(code for code in (f"{n:06d}" for n in range(number, 10**6)) if code not in good)

    async def lock(self) -> None:
        """Use up every attempt."""
        await self.lock_by("totp")

    async def lock_by(self, factor: str) -> None:
        """Use up every attempt with this factor."""
        for number in range(7):
            reply = await self.guess(1000 * number, factor)
            assert 400 <= reply.status < 500, (number, reply.status, reply.text)
        assert (await self.world.account(self.id, self.tenant)).lock is not None


@lru_cache(maxsize=10_000)
def _code_of_step(secret: str, step: int) -> str:
    """The code of one time step: each of many guesses asks for the codes around it."""
    return pyotp.TOTP(secret).at(30 * step)


QUIET = (("accept", "text/html"), ("sec-fetch-dest", "document"))
"""A page load that sends nothing by itself."""
FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json")


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """Opened before, closed after."""
    await world.gate.web.open()
    try:
        yield world
    finally:
        await world.gate.service.engine.effects.idle()
        await world.gate.web.aclose()


# -- real servers ------------------------------------------------------------------------------------------------------


@contextmanager
def served(world: World) -> Iterator[tuple[World, int]]:
    """Serve the world from a real uvicorn, and yield it with the server's port.

    Its app is then one that speaks HTTP to that server.
    """
    from tests.web import serving

    with serving.served(world.app, log_level="critical", lifespan="on", proxy_headers=True) as address:
        port = int(address.rpartition(":")[2])
        yield replace(world, app=_wire(port)), port


def _wire(port: int) -> App:
    """An app that hands every request on over HTTP."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        status, headers, text = await asyncio.to_thread(_exchange, port, scope, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    return app


def _exchange(port: int, scope: Any, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    target = quote(scope["path"]) + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
    connection.putrequest(scope["method"], target, skip_accept_encoding=True)
    for name, value in scope["headers"]:
        connection.putheader(name.decode(), value)
    connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    with connection.getresponse() as response:
        found = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.getheaders()]
        text = response.read()
    connection.close()
    return response.status, found, text
