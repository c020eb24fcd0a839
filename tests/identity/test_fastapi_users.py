"""``FastAPIUsers`` and the library's ``current_user`` find the same person."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users import FastAPIUsers as Library
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, CookieTransport, JWTStrategy
from fastapi_users.db import BaseUserDatabase
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from mfa_gate import Contacts, MFAGate, RelyingParty, Subject
from mfa_gate.core.rules import EnrollmentRules, Exemption, PathRule, Policy, Rules
from mfa_gate.identity import FastAPIUsers, Unreadable
from mfa_gate.keyring import make_key
from mfa_gate.testing import Outbox, signed_in

SECRET = "s" * 40
PASSWORD = "correct horse"


@dataclass
class User:
    """A row of the host's."""

    id: uuid.UUID
    email: str
    hashed_password: str = ""
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = True
    org: str = "clinic"


class People(BaseUserDatabase[User, uuid.UUID]):
    """The host's table."""

    def __init__(self) -> None:
        self.rows = [User(id=uuid.UUID(int=1), email="ann@x.example"), User(id=uuid.UUID(int=2), email="bob@x.example")]

    async def get(self, id: uuid.UUID) -> User | None:
        """Find a person by id."""
        return next((row for row in self.rows if row.id == id), None)

    async def get_by_email(self, email: str) -> User | None:
        """Find a person by address."""
        return next((row for row in self.rows if row.email == email), None)

    async def update(self, user: User, update_dict: dict[str, Any]) -> User:
        """Store a better hash."""
        for name, value in update_dict.items():
            setattr(user, name, value)
        return user


class Manager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """The host's manager."""

    reset_password_token_secret = verification_token_secret = SECRET


PEOPLE = People()
HELPER = PasswordHelper(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))
"""Passwords that are cheap to check: how dear the host makes them does not matter here."""


async def get_user_manager() -> AsyncIterator[Manager]:
    """The host's dependency."""
    yield Manager(PEOPLE, HELPER)


def get_strategy() -> JWTStrategy[User, uuid.UUID]:
    """The host's tokens."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=600)


COOKIE = AuthenticationBackend(name="cookie", transport=CookieTransport(cookie_secure=False), get_strategy=get_strategy)
BEARER = AuthenticationBackend(name="jwt", transport=BearerTransport(tokenUrl="jwt/login"), get_strategy=get_strategy)


@pytest.fixture(scope="module")
def library() -> Library[User, uuid.UUID]:
    """The library as the host has it."""
    for row in PEOPLE.rows:
        row.hashed_password = HELPER.hash(PASSWORD)
    return Library(get_user_manager, [COOKIE, BEARER])


@pytest.fixture
def gate() -> MFAGate:
    """A gate that asks the library's own parts."""

    async def contacts(subject: Subject) -> Contacts:
        return Contacts(email="x@x.example")

    login = Exemption(
        name="sign-in", paths=(PathRule(text="/cookie/**"), PathRule(text="/jwt/**")), reason="first factor"
    )
    return MFAGate(
        policy=Policy(
            name="users",
            digest="0" * 64,
            base=Rules(enrollment=EnrollmentRules(first="open"), exempt=(login,)),
            tenants={},
        ),
        identify=FastAPIUsers([COOKIE, BEARER], asynccontextmanager(get_user_manager), tenant="org"),
        store="memory://",
        keys=[make_key(bytes(range(32)))],
        senders=Outbox().senders(),
        contacts=contacts,
        relying_party=RelyingParty(id="localhost", name="Users", origins=["http://localhost"]),
    )


@pytest.fixture
def client(library: Library[User, uuid.UUID], gate: MFAGate) -> TestClient:
    """A client of the host behind the gate."""
    app = FastAPI()
    app.include_router(library.get_auth_router(COOKIE), prefix="/cookie")
    app.include_router(library.get_auth_router(BEARER), prefix="/jwt")
    current = library.current_user(optional=True)
    bearer_only = library.current_user(optional=True, get_enabled_backends=lambda: [BEARER])

    @app.get("/me")
    async def me(user: Any = Depends(current)) -> str | None:  # noqa: B008 - annotations are text, the name is local
        return user.email if user else None

    @app.get("/bearer-only")
    async def only(user: Any = Depends(bearer_only)) -> str | None:  # noqa: B008 - annotations are text, the name is local
        return user.email if user else None

    gate.install(app)
    return TestClient(app, client=("192.0.2.7", 5))


ANN = Subject(str(uuid.UUID(int=1)), tenant="clinic")


def log_in(client: TestClient, way: str, email: str = "ann@x.example") -> Any:
    """The library's own sign-in."""
    answer = client.post(f"/{way}/login", data={"username": email, "password": PASSWORD})
    assert answer.status_code in (200, 204)
    return answer


def test_a_cookie_of_the_library(client: TestClient, gate: MFAGate) -> None:
    """A person with the library's cookie owes a factor; with a proof the app knows its user.

    Anonymous requests pass.
    """
    assert client.get("/me").json() is None
    log_in(client, "cookie")
    assert client.get("/me").status_code == 403
    assert signed_in(client, gate, ANN).get("/me").json() == "ann@x.example"


def test_a_token_of_the_library(client: TestClient, gate: MFAGate) -> None:
    """The bearer backend is gated as well, with the answer for bearer clients."""
    text = log_in(client, "jwt").json()["access_token"]
    client.headers["Authorization"] = f"Bearer {text}"
    answer = client.get("/me")
    assert answer.status_code == 401
    assert "insufficient_user_authentication" in answer.headers["www-authenticate"]
    assert signed_in(client, gate, ANN, native=True).get("/me").json() == "ann@x.example"


@pytest.mark.parametrize("path", ["/me", "/bearer-only"])
def test_two_people_in_one_request(client: TestClient, gate: MFAGate, path: str) -> None:
    """S-12: Ann's cookie and proof with Bob's token is refused.

    An endpoint may enable the token's backend alone.
    """
    other = log_in(client, "jwt", "bob@x.example").json()["access_token"]
    log_in(client, "cookie")
    signed_in(client, gate, ANN)
    assert client.get("/me").json() == "ann@x.example"
    answer = client.get(path, headers={"Authorization": f"Bearer {other}"})
    assert answer.status_code == 401
    assert "invalid_request" in answer.headers["www-authenticate"]
    own = log_in(client, "jwt").json()["access_token"]
    assert client.get(path, headers={"Authorization": f"Bearer {own}"}).json() == "ann@x.example"


@pytest.mark.parametrize("form", ["Bearer\t{}", "Bearer  {}", "Token {}", "Basic YTpi, Bearer {}"])
def test_odd_headers_are_refused(client: TestClient, form: str) -> None:
    """A header that the library does not read is refused: an endpoint of the host may read it.

    Requirement S-12.
    """
    text = log_in(client, "jwt").json()["access_token"]
    assert client.get("/me", headers={"Authorization": form.format(text)}).status_code == 401


async def test_other_places(library: Library[User, uuid.UUID]) -> None:
    """S-13: a token in the query is read where it is named, and refused where it is not."""
    from .connections import connection

    ann, bob = [await get_strategy().write_token(row) for row in PEOPLE.rows]
    manager = asynccontextmanager(get_user_manager)
    named = FastAPIUsers([COOKIE, BEARER], manager, tenant="org", query="token")
    blind = FastAPIUsers([COOKIE, BEARER], manager, tenant="org")
    query = f"token={ann}".encode()
    found = await named(connection(query_string=query, type="websocket"))
    assert found is not None
    assert found.key == ANN.key
    with pytest.raises(Unreadable, match="does not name"):
        await blind(connection(query_string=query))
    with pytest.raises(Unreadable):
        await named(connection(("authorization", f"Bearer {bob}"), query_string=query))
    with pytest.raises(Unreadable):
        await blind(connection(("cookie", f"fastapiusersauth={bob}"), query_string=query))
    assert await blind(connection(query_string=b"token=a.b.c")) is None
    assert await blind(connection(query_string=query + b"x")) is None
    assert await blind(connection(("authorization", f"Bearer {ann}"), query_string=query)) == found
    assert await blind(connection(("authorization", f"Bearer {ann}"), query_string=query + b"x")) == found


def test_a_token_that_is_not_good_is_nobody(client: TestClient) -> None:
    """For the gate as for the library."""
    client.headers["Authorization"] = "Bearer x.y.z"
    assert client.get("/me").json() is None


def test_who_is_inactive_is_still_somebody(client: TestClient) -> None:
    """S-12: the library hands an inactive user to endpoints that do not ask for an active one.

    The gate does not let them by.
    """
    log_in(client, "cookie", "bob@x.example")
    PEOPLE.rows[1].is_active = False
    try:
        assert client.get("/me").status_code == 403
    finally:
        PEOPLE.rows[1].is_active = True


async def test_a_strategy_that_needs_a_context(library: Library[User, uuid.UUID]) -> None:
    """``strategies`` stands in for a backend's ``get_strategy`` that needs a database."""
    from .connections import connection

    opened: list[str] = []

    @asynccontextmanager
    async def strategy() -> AsyncIterator[Any]:
        opened.append("opened")
        yield get_strategy()

    text = await get_strategy().write_token(PEOPLE.rows[0])
    adapter = FastAPIUsers([BEARER], asynccontextmanager(get_user_manager), strategies={"jwt": strategy}, tenant="org")
    found = await adapter(connection(("authorization", f"Bearer {text}")))
    assert found is not None
    assert (found.key, opened) == (ANN.key, ["opened"])
    assert found.session.startswith("token:")
