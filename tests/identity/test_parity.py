"""Nothing that is sent is "nobody" for an adapter and somebody for the host."""

from __future__ import annotations

import base64
import json
import time
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import jwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from itsdangerous import Signer, TimestampSigner
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request

from mfa_gate import Subject
from mfa_gate.identity import BearerJWT, FastAPIUsers, FirstOf, RequestUser, SessionUser, TrustedHeader, Unreadable

from . import test_fastapi_users as users
from .readers import READERS, found_by, token, verify

many = settings(deadline=None, suppress_health_check=list(HealthCheck))
TOKENS = (token("ann"), token("bob"))
BAD = ("x.y.z", "", "abc", TOKENS[0] + "x", jwt.encode({"sub": "ann"}, "o" * 32, "HS256"))


async def asked(adapter: Any, scope: dict[str, Any]) -> Subject | str | None:
    """Ask an adapter; "refused" where it raises."""
    try:
        found: Subject | None = await adapter(HTTPConnection(dict(scope)))
    except Unreadable:
        return "refused"
    return found


def agree(found: Subject | str | None, people: set[str], *context: object) -> None:
    """Nobody here is nobody there, and one person here is the same there."""
    if found == "refused":
        return
    if found is None:
        assert not people, context
    else:
        assert isinstance(found, Subject)
        assert people <= {found.id}, context


# -- tokens ------------------------------------------------------------------------------------------------------------

text = st.sampled_from((*TOKENS, *TOKENS, *BAD))
blank = st.sampled_from(("", " ", "  ", "\t", " \t", ",", ", ", ":", "=", "\x0b", "\x1f", "\xa0", '"', ";"))
scheme = st.sampled_from(
    (
        "Bearer",
        "bearer",
        "BEARER",
        "bEaReR",
        "Basic",
        "Token",
        "JWT",
        "Digest",
        "Negotiate",
        "",
        "Bearer Bearer",
        "Basic YTpi",
    )
)
authorization = st.one_of(
    st.builds("".join, st.tuples(st.just("Bearer "), text)),
    st.builds("".join, st.tuples(blank, scheme, blank, text, blank)),
    st.builds("".join, st.tuples(blank, scheme, blank, text, blank, scheme, blank, text)),
    st.text(st.characters(max_codepoint=255), max_size=12),
)


def spelled(value: str) -> st.SearchStrategy[str]:
    """Ways to write a value into a query or a cookie."""
    return st.sampled_from(
        (value, quote(value), "".join(f"%{ord(char):02x}" for char in value), f"Bearer {value}", f" {value}")
    )


name = st.sampled_from(("token", "access_token", "t", "%74oken", "jwt"))
query = st.lists(st.tuples(name, text.flatmap(spelled)).map("=".join), max_size=3).map("&".join)
cookie = st.lists(
    st.tuples(st.sampled_from(("access_token", " access_token ", "a", "session")), text).flatmap(
        lambda pair: st.sampled_from((f"{pair[0]}={pair[1]}", f'{pair[0]}="{pair[1]}"', f"{pair[0]}=Bearer {pair[1]}"))
    ),
    max_size=3,
).map("; ".join)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request with any of these, on http or websocket, in the root or below a mount."""
    headers = [(b"authorization", value.encode("latin-1")) for value in draw(st.lists(authorization, max_size=2))]
    headers += [(b"cookie", value.encode("latin-1")) for value in draw(st.lists(cookie, max_size=2))]
    root = draw(st.sampled_from(("", "/sub")))
    return {
        "type": draw(st.sampled_from(("http", "http", "websocket"))),
        "method": "GET",
        "path": f"{root}/x",
        "root_path": root,
        "query_string": draw(query).encode("latin-1", "replace"),
        "headers": draw(st.permutations(headers)),
        "client": ("192.0.2.7", 5),
    }


ALL = {"query": ("token", "access_token", "t", "jwt"), "cookie": ("access_token",)}


@many
@given(scope=requests(), places=st.sampled_from(({}, {"query": "token"}, {"cookie": "access_token"}, ALL)))
async def test_tokens(scope: dict[str, Any], places: Any) -> None:
    """S-12, S-13: the gate reads tokens as PyJWT, FastAPI, Authlib and handwritten readers do.

    A token may stand anywhere.
    """
    people = await found_by(Request({**scope, "type": "http"}))
    found = await asked(BearerJWT(verify, rejects=(jwt.InvalidTokenError,), **places), scope)
    agree(found, set(people.values()), scope, people)


async def test_every_host_finds_somebody() -> None:
    """Each host finds the person in some of these requests, and so does the adapter.

    Without this the property would say nothing.
    """
    spellings = [f"Bearer {TOKENS[0]}", TOKENS[0], f"xxxxxx {TOKENS[0]}", f"Bearer {TOKENS[0]},x"]
    seen: set[str] = set()
    for one in spellings:
        headers = [(b"authorization", one.encode()), (b"cookie", b"access_token=" + TOKENS[0].encode())]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": headers,
            "query_string": f"token={TOKENS[0]}".encode(),
        }
        seen |= set(await found_by(Request(scope)))
    assert seen == set(READERS)


# -- sessions ----------------------------------------------------------------------------------------------------------

SECRET = "the host's own long secret"
NOW = int(time.time())
AGES = (None, 60, 14 * 24 * 3600, 30 * 24 * 3600)


def session_cookie(content: object, age: int, secret: str) -> str:
    """A cookie as the middleware has written it some time ago."""

    class Then(TimestampSigner):
        def get_timestamp(self) -> int:
            return NOW - age

    return Then(secret).sign(base64.b64encode(json.dumps(content).encode())).decode()


value = st.one_of(
    st.builds(
        session_cookie,
        st.sampled_from(({"user": "ann"}, {"user": "bob"}, {}, {"other": 1})),
        st.sampled_from((-3600, 0, 30, 3600, 15 * 24 * 3600, 40 * 24 * 3600)),
        st.sampled_from((SECRET, SECRET, SECRET, "another secret")),
    ),
    st.sampled_from(
        ("", "null", "a.b.c", Signer(SECRET).sign("e30=").decode(), TimestampSigner(SECRET).sign("!").decode())
    ),
)
sessions = st.lists(
    st.tuples(st.sampled_from(("session", " session", "session ", "Session", "a")), value).flatmap(
        lambda pair: st.sampled_from(
            (
                f"{pair[0]}={pair[1]}",
                f'{pair[0]}="{pair[1]}"',
                f'{pair[0]}="\\145{pair[1][1:]}"',
                f"{pair[0]}={pair[1]}x",
            )
        )
    ),
    max_size=3,
)


@many
@given(headers=st.lists(sessions.map("; ".join), max_size=2), theirs=st.sampled_from(AGES), ours=st.sampled_from(AGES))
async def test_sessions(headers: list[str], theirs: int | None, ours: int | None) -> None:
    """S-12: Starlette's ``SessionMiddleware`` inside of the gate, with any age limits."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["session"].get("user", ""))

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"cookie", one.encode()) for one in headers]}
    adapter = SessionUser("user", secret_key=SECRET, max_age=ours)
    found = await asked(adapter, scope)
    try:
        await SessionMiddleware(app, SECRET, max_age=theirs)(dict(scope), _receive, _send)
    except ValueError:
        seen.append("")
    agree(found, set(seen) - {""}, headers, theirs, ours)


async def _receive() -> Any:
    return {"type": "http.disconnect"}


async def _send(message: Any) -> None:
    """Nothing is sent."""


class _Backend(AuthenticationBackend):
    """Reads tokens as people do."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        people = await found_by(Request({**conn.scope, "type": "http"}))
        return (AuthCredentials(["a"]), SimpleUser(next(iter(people.values())))) if people else None


@many
@given(scope=requests())
async def test_authentication_middleware(scope: dict[str, Any]) -> None:
    """S-12: ``RequestUser`` is told by the host's own backend."""
    seen: list[tuple[str, Subject | str | None]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        user = scope["user"]
        seen.append((user.username if user.is_authenticated else "", await asked(RequestUser("username"), scope)))

    await AuthenticationMiddleware(app, backend=_Backend())(dict(scope), _receive, _send)
    ((person, found),) = seen
    agree(found, {person} - {""}, scope)


# -- a proxy's header --------------------------------------------------------------------------------------------------

field = st.sampled_from((b"x-remote-user", b"x_remote_user", b"x-remote_user", b"x-other"))
person = st.sampled_from(
    (b"ann", b" ann", b"ann\t", b"ANN", b"", b" ", b"zo\xeb", "zoë".encode(), b"ann\xa0", b"ann, bob", b"a\x00")
)


@many
@given(headers=st.lists(st.tuples(field, person), max_size=3), peer=st.sampled_from(("10.0.0.5", "192.0.2.7")))
async def test_a_proxys_header(headers: list[tuple[bytes, bytes]], peer: str) -> None:
    """S-12: an app reads the header through ASGI or WSGI, which fold names and join doubles."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (peer, 5)}
    found = await asked(TrustedHeader("X-Remote-User", from_=["10.0.0.5/32"]), scope)
    environ: dict[str, str] = {}
    for key, raw in headers:
        folded = key.decode().upper().replace("-", "_")
        environ[folded] = ",".join(filter(None, (environ.get(folded), raw.decode("latin-1"))))
    read = {HTTPConnection(scope).headers.get("x-remote-user", ""), environ.get("X_REMOTE_USER", "")}
    people = {one.strip(" \t").encode("latin-1").decode("utf-8", "replace") for one in read} - {""}
    agree(found, people, headers)


# -- fastapi-users -----------------------------------------------------------------------------------------------------


@many
@given(
    bearer=st.lists(authorization, max_size=2),
    pick=st.tuples(*(st.sampled_from(("", "ann", "bob", "bad")) for _ in range(2))),
    data=st.data(),
)
async def test_fastapi_users(bearer: list[str], pick: tuple[str, str], data: st.DataObject) -> None:
    """S-12: the library finds the person that the gate judges, or nobody.

    Every choice of enabled backends is tried.
    """
    manager = users.Manager(users.PEOPLE)
    strategy = users.get_strategy()
    texts = {row.email.partition("@")[0]: await strategy.write_token(row) for row in users.PEOPLE.rows}
    texts |= {"": "", "bad": "x.y.z"}
    form = data.draw(st.sampled_from(("Bearer {}", "bearer {}", "Bearer  {}", "Bearer\t{}", "Token {}")))
    headers = [(b"authorization", one.encode("latin-1")) for one in bearer]
    headers += [(b"authorization", form.format(texts[pick[0]]).encode())] if pick[0] else []
    headers += [(b"cookie", f"fastapiusersauth={texts[pick[1]]}".encode())] if pick[1] else []
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    backends = [users.COOKIE, users.BEARER]
    people: set[str] = set()
    for backend in backends:
        scheme: Any = backend.transport.scheme
        text = await scheme(Request(scope))
        user = await strategy.read_token(text, manager) if text is not None else None
        people |= {str(user.id)} if user else set()
    found = await asked(FastAPIUsers(backends, asynccontextmanager(users.get_user_manager)), scope)
    agree(found, people, headers)


# -- several ways ------------------------------------------------------------------------------------------------------


@many
@given(scope=requests(), session=st.sampled_from(({}, {"user": "ann"}, {"user": "bob"})))
async def test_several_ways(scope: dict[str, Any], session: dict[str, str]) -> None:
    """S-13: an app that takes tokens and sessions."""
    people = set((await found_by(Request({**scope, "type": "http"}))).values()) | (
        {session["user"]} if session else set()
    )
    both = FirstOf(BearerJWT(verify, rejects=(jwt.InvalidTokenError,)), SessionUser("user"))
    agree(await asked(both, {**scope, "session": session}), people, scope, session)
